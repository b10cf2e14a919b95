# title = "Access to models, captures and results is logged"
# severity = "error"
# profile = "regulated"
# intent = """
# Captures hold what customers sent, and models are worth stealing. Without a log of requests nobody can say who read
# them.
# """
# fix = "Set LoggingConfiguration of the bucket, or record the bucket's data events with a trail."
# sources = [
#   "https://docs.aws.amazon.com/AmazonS3/latest/userguide/logging-with-S3.html",
#   "https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html",
# ]
# controls = ["SecurityHub S3.9", "NIST.800-53.r5 AU-12"]
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
#       LoggingConfiguration: {DestinationBucketName: access-logs}
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

bucket_access_logs_traced(name) if {
	some edge in input.resources[name].incomingRefs
	input.resources[edge.source].resourceType == "AWS::CloudTrail::Trail"
	contains(edge.sourcePath, "EventSelectors")
}

violation contains v if {
	some name in resources_of_type("AWS::S3::Bucket")
	names_bucket(`^AWS::SageMaker::`, name)
	absent(name, "Properties.LoggingConfiguration")
	not bucket_access_logs_traced(name)
	v := finding(
		"SAGEMAKER_BUCKET_ACCESS_LOGS", name, "Properties.LoggingConfiguration",
		"Access to a bucket that SageMaker uses is not logged",
	)
}
