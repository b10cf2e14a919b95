# title = "Some variant is sent traffic"
# severity = "error"
# profile = "development"
# intent = """
# A variant's share is its weight in the sum of all. If all are 0 no variant answers anybody who does not name one.
# """
# fix = "Set InitialVariantWeight of at least one variant above 0."
# sources = ["https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariant.html"]
# fails = """
# Resources:
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       ProductionVariants:
#         - VariantName: main
#           ModelName: churn
#           InstanceType: ml.m5.large
#           InitialInstanceCount: 2
#           InitialVariantWeight: 0
# """
# passes = """
# Resources:
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       ProductionVariants:
#         - VariantName: main
#           ModelName: churn
#           InstanceType: ml.m5.large
#           InitialInstanceCount: 2
#           InitialVariantWeight: 1
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some name in resources_of_type("AWS::SageMaker::EndpointConfig")
	variants := input.resources[name].properties.ProductionVariants
	is_array(variants)
	count(variants) > 0
	every variant in variants {
		variant.InitialVariantWeight in [0, "0"]
	}
	v := finding("SAGEMAKER_ENDPOINT_CONFIG_WEIGHTS", name, "Properties.ProductionVariants", "No variant is sent traffic: all weights are 0")
}
