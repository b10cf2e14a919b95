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

# Asynchronous endpoints whatever the conditions are.
async_exclusions_asynchronous contains config if {
	some config in resources_of_type("AWS::SageMaker::EndpointConfig")
	input.resources[config].properties.AsyncInferenceConfig.OutputConfig
}

async_exclusions_has(config, "ExplainerConfig") if {
	input.resources[config].properties.ExplainerConfig.ClarifyExplainerConfig
}

async_exclusions_has(config, "ShadowProductionVariants") if {
	input.resources[config].properties.ShadowProductionVariants[_].VariantName
}

async_exclusions_has(config, "DataCaptureConfig") if {
	input.resources[config].properties.DataCaptureConfig.DestinationS3Uri
	certainly(config, "Properties.DataCaptureConfig.EnableCapture", [true, "true"])
}

async_exclusions_has(config, "ProductionVariants") if {
	count([variant | variant := input.resources[config].properties.ProductionVariants[_]; variant.VariantName]) > 1
}

violation contains v if {
	some config in async_exclusions_asynchronous
	some property in ["DataCaptureConfig", "ExplainerConfig", "ProductionVariants", "ShadowProductionVariants"]
	async_exclusions_has(config, property)
	v := finding(
		"SAGEMAKER_ASYNC_EXCLUSIONS", config, concat(".", ["Properties", property]),
		sprintf("Asynchronous inference excludes what %s asks for", [property]),
	)
}
