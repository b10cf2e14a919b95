# title = "A serverless variant stands alone, without capture, queue, shadow or explanations"
# severity = "error"
# profile = "development"
# intent = """
# SageMaker refuses a serverless variant with data capture, asynchronous inference, a shadow variant, online
# explanations or other variants, or does none of that.
# """
# fix = "Remove what serverless inference excludes, or serve the model on instances."
# sources = [
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html",
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/shadow-tests-exclusions.html",
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/model-deploy-feature-matrix.html",
# ]
# fails = """
# Resources:
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       ProductionVariants:
#         - VariantName: main
#           ModelName: model
#           ServerlessConfig: {MaxConcurrency: 20, MemorySizeInMB: 2048}
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
#       DataCaptureConfig:
#         EnableCapture: true
#         InitialSamplingPercentage: 100
#         DestinationS3Uri: s3://captured/data
#         CaptureOptions: [{CaptureMode: Input}, {CaptureMode: Output}]
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some [config, property] in extras_of_configs
	variant := input.resources[config].properties.ProductionVariants[_]
	variant.ServerlessConfig.MaxConcurrency
	v := finding(
		"SAGEMAKER_SERVERLESS_EXCLUSIONS", config, concat(".", ["Properties", property]),
		sprintf("Serverless inference excludes what %s asks for", [property]),
	)
}
