# title = "A bucket of models, captures or results is closed to the public"
# severity = "error"
# profile = "development"
# intent = """
# New buckets block public access. One that lifts the block, or grants the public by an access control list, is one
# statement away from handing models and what customers sent to everybody.
# """
# fix = "Leave AccessControl out, and PublicAccessBlockConfiguration too, or set all its four settings to true."
# sources = [
#   "https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html",
#   "https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html",
# ]
# controls = ["SecurityHub S3.8", "NIST.800-53.r5 AC-3"]
# fails = """
# Resources:
#   Bucket:
#     Type: AWS::S3::Bucket
#     Properties:
#       PublicAccessBlockConfiguration: {BlockPublicAcls: true, IgnorePublicAcls: true}
#   Model:
#     Type: AWS::SageMaker::Model
#     Properties:
#       ExecutionRoleArn: arn:aws:iam::111122223333:role/model
#       PrimaryContainer:
#         Image: 111122223333.dkr.ecr.us-east-1.amazonaws.com/model@sha256:0
#         ModelDataUrl: {"Fn::Sub": "s3://${Bucket}/model.tar.gz"}
# """
# passes = """
# Resources:
#   Bucket:
#     Type: AWS::S3::Bucket
#     Properties:
#       PublicAccessBlockConfiguration:
#         BlockPublicAcls: true
#         BlockPublicPolicy: true
#         IgnorePublicAcls: true
#         RestrictPublicBuckets: true
#   Model:
#     Type: AWS::SageMaker::Model
#     Properties:
#       ExecutionRoleArn: arn:aws:iam::111122223333:role/model
#       PrimaryContainer:
#         Image: 111122223333.dkr.ecr.us-east-1.amazonaws.com/model@sha256:0
#         ModelDataUrl: {"Fn::Sub": "s3://${Bucket}/model.tar.gz"}
# """
# ---
package ml_constructs

import rego.v1

bucket_public_opened(name) if {
	has_property(name, "Properties.PublicAccessBlockConfiguration")
	some setting in ["BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"]
	path := sprintf("Properties.PublicAccessBlockConfiguration.%v", [setting])
	certainly(name, path, [null, false, "false"])
	not null in decided(name, "Properties.PublicAccessBlockConfiguration")
}

bucket_public_opened(name) if {
	certainly(name, "Properties.AccessControl", ["PublicRead", "PublicReadWrite", "AuthenticatedRead"])
}

violation contains v if {
	some name in resources_of_type("AWS::S3::Bucket")
	names_bucket(`^AWS::SageMaker::`, name)
	bucket_public_opened(name)
	v := finding(
		"SAGEMAKER_BUCKET_PUBLIC", name, "Properties",
		"A bucket that SageMaker uses may be opened to the public",
	)
}
