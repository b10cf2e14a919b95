# title = "Captures and results expire"
# severity = "warning"
# profile = "production"
# intent = """
# An endpoint writes captures and asynchronous results with each request and deletes none. They cost more every day,
# and what customers sent is kept longer than any retention policy allows.
# """
# fix = "Set LifecycleConfiguration with a rule that expires objects."
# sources = [
#   "https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lifecycle-mgmt.html",
#   "https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html",
# ]
# controls = ["SecurityHub S3.13", "NIST.800-53.r5 SI-12"]
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
#       LifecycleConfiguration: {Rules: [{Status: Enabled, ExpirationInDays: 90}]}
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

violation contains v if {
	some name in resources_of_type("AWS::S3::Bucket")
	names_bucket(`^AWS::SageMaker::EndpointConfig$`, name)
	absent(name, "Properties.LifecycleConfiguration.Rules")
	v := finding(
		"SAGEMAKER_BUCKET_LIFECYCLE", name, "Properties.LifecycleConfiguration",
		"What the endpoint writes never expires",
	)
}
