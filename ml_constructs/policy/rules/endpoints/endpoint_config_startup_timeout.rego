# title = "A container that does not start fails its deployment"
# severity = "warning"
# profile = "production"
# intent = """
# Without a limit a deployment waits long for a container that never becomes healthy, while the endpoint is locked for any
# other change.
# """
# fix = "Set ContainerStartupHealthCheckTimeoutInSeconds to what the container needs at worst."
# sources = [
#     "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariant.html",
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html",
# ]
# fails = """
# Resources:
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       ProductionVariants:
#         - {VariantName: main, ModelName: churn, InstanceType: ml.m5.large, InitialInstanceCount: 2}
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
#           ContainerStartupHealthCheckTimeoutInSeconds: 300
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some [name, path, variant] in production_variants
	variant.InstanceType
	variant.ModelName
	not variant.ContainerStartupHealthCheckTimeoutInSeconds
	v := finding(
		"SAGEMAKER_ENDPOINT_CONFIG_STARTUP_TIMEOUT", name, path,
		"The container may take as long as it likes to start",
	)
}
