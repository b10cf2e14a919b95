# title = "An asynchronous endpoint has one variant, without capture, shadow or explanations"
# severity = "error"
# profile = "development"
# intent = """
# SageMaker refuses asynchronous inference together with several variants, data capture, shadow variants or online
# explanations, or does none of that.
# """
# fix = "Remove what asynchronous inference excludes, or serve synchronously."
# sources = [
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/model-deploy-feature-matrix.html",
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/shadow-tests-exclusions.html",
# ]
# fails = """
# Resources:
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       ProductionVariants:
#         - {VariantName: main, ModelName: model, InstanceType: ml.m5.large, InitialInstanceCount: 2}
#       AsyncInferenceConfig:
#         OutputConfig:
#           S3OutputPath: s3://answers/out
#
#       DataCaptureConfig:
#         EnableCapture: true
#         InitialSamplingPercentage: 100
#         DestinationS3Uri: s3://captured/data
#         CaptureOptions: [{CaptureMode: Input}, {CaptureMode: Output}]
# """
# passes = """
# Resources:
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       ProductionVariants:
#         - {VariantName: main, ModelName: model, InstanceType: ml.m5.large, InitialInstanceCount: 2}
#       AsyncInferenceConfig:
#         OutputConfig:
#           S3OutputPath: s3://answers/out
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some [config, property] in extras_of_configs
	config in asynchronous_configs
	property != "AsyncInferenceConfig"
	v := finding(
		"SAGEMAKER_ASYNC_EXCLUSIONS", config, concat(".", ["Properties", property]),
		sprintf("Asynchronous inference excludes what %s asks for", [property]),
	)
}
