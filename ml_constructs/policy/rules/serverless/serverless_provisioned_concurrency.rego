# title = "Provisioned concurrency is part of the maximum concurrency"
# severity = "error"
# profile = "development"
# intent = """
# SageMaker refuses a serverless variant that holds more requests ready than it may serve at once.
# """
# fix = "Set ServerlessConfig.ProvisionedConcurrency no higher than MaxConcurrency."
# sources = ["https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariantServerlessConfig.html"]
# fails = """
# Resources:
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       ProductionVariants:
#         - VariantName: main
#           ModelName: model
#           ServerlessConfig: {MaxConcurrency: 20, MemorySizeInMB: 2048, ProvisionedConcurrency: 40}
# """
# passes = """
# Resources:
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       ProductionVariants:
#         - VariantName: main
#           ModelName: model
#           ServerlessConfig: {MaxConcurrency: 20, MemorySizeInMB: 2048, ProvisionedConcurrency: 4}
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some [config, place, _] in production_variants
	path := concat(".", [place, "ServerlessConfig"])
	provisioned := concat(".", [path, "ProvisionedConcurrency"])
	has_property(config, provisioned)
	every ready in decided(config, provisioned) {
		every most in decided(config, concat(".", [path, "MaxConcurrency"])) {
			to_number(ready) > to_number(most)
		}
	}
	v := finding(
		"SAGEMAKER_SERVERLESS_PROVISIONED_CONCURRENCY", config, provisioned,
		"The variant holds more requests ready than it may serve at once",
	)
}
