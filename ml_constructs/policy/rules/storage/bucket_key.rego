# title = "A customer's key encrypts models, captures and results"
# severity = "error"
# profile = "regulated"
# intent = """
# Captures hold what customers sent. Only with a key of yours can access to them be logged, limited by a key policy
# and withdrawn.
# """
# fix = "Set SSEAlgorithm of the bucket to aws:kms and KMSMasterKeyID to a key of yours."
# sources = [
#   "https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html",
#   "https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html",
# ]
# controls = ["SecurityHub S3.17", "NIST.800-53.r5 SC-28"]
# fails = """
# Resources:
#   Bucket:
#     Type: AWS::S3::Bucket
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       ProductionVariants: [{VariantName: main, ModelName: model, InstanceType: ml.m5.large, InitialInstanceCount: 2}]
#       DataCaptureConfig:
#         CaptureOptions: [{CaptureMode: Input}, {CaptureMode: Output}]
#         InitialSamplingPercentage: 100
#         DestinationS3Uri: {"Fn::Sub": "s3://${Bucket}/captured"}
# """
# passes = """
# Resources:
#   Bucket:
#     Type: AWS::S3::Bucket
#     Properties:
#       BucketEncryption:
#         ServerSideEncryptionConfiguration:
#           - ServerSideEncryptionByDefault: {SSEAlgorithm: "aws:kms", KMSMasterKeyID: alias/captures}
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       ProductionVariants: [{VariantName: main, ModelName: model, InstanceType: ml.m5.large, InitialInstanceCount: 2}]
#       DataCaptureConfig:
#         CaptureOptions: [{CaptureMode: Input}, {CaptureMode: Output}]
#         InitialSamplingPercentage: 100
#         DestinationS3Uri: {"Fn::Sub": "s3://${Bucket}/captured"}
# """
# ---
package ml_constructs

import rego.v1

bucket_key_default := "Properties.BucketEncryption.ServerSideEncryptionConfiguration.0.ServerSideEncryptionByDefault"

# Without a key of its own, `aws:kms` means the key that AWS manages for the account.
bucket_key_foreign(name) if certainly(name, sprintf("%v.SSEAlgorithm", [bucket_key_default]), [null, "AES256"])

bucket_key_foreign(name) if absent(name, sprintf("%v.KMSMasterKeyID", [bucket_key_default]))

violation contains v if {
	some name in resources_of_type("AWS::S3::Bucket")
	names_bucket(`^AWS::SageMaker::`, name)
	bucket_key_foreign(name)
	v := finding(
		"SAGEMAKER_BUCKET_KEY", name, "Properties.BucketEncryption",
		"A bucket that SageMaker uses has no key of yours",
	)
}
