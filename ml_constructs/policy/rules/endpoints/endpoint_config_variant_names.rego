# title = "Each variant has a name of its own"
# severity = "error"
# profile = "development"
# intent = """
# Metrics, alarms, scaling and callers find a variant by its name, and SageMaker refuses a configuration that has one
# twice.
# """
# fix = "Give each production and shadow variant another VariantName."
# sources = [
#     "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpointConfig.html",
#     "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariant.html",
# ]
# fails = """
# Resources:
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       ProductionVariants:
#         - {VariantName: main, ModelName: churn, InstanceType: ml.m5.large, InitialInstanceCount: 2}
#         - {VariantName: main, ModelName: churn, InstanceType: ml.m5.large, InitialInstanceCount: 2}
# """
# passes = """
# Resources:
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       ProductionVariants:
#         - {VariantName: main, ModelName: churn, InstanceType: ml.m5.large, InitialInstanceCount: 2}
#         - {VariantName: second, ModelName: churn, InstanceType: ml.m5.large, InitialInstanceCount: 2}
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some name in resources_of_type("AWS::SageMaker::EndpointConfig")
	names := [variant.VariantName | some variant in variants_and_shadows(name); is_string(variant.VariantName)]
	some twice in {each | each := names[_]; count([other | other := names[_]; other == each]) > 1}
	v := finding(
		"SAGEMAKER_ENDPOINT_CONFIG_VARIANT_NAMES", name, "Properties.ProductionVariants",
		sprintf("Two variants have the name %s", [twice]),
	)
}
