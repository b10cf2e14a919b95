# title = "A deployment meets little traffic before it meets all"
# severity = "error"
# profile = "production"
# intent = """
# All at once a faulty model fails every caller until an alarm has seen it. With a canary, linear steps or batches it fails
# few of them.
# """
# fix = "Set a CANARY or LINEAR TrafficRoutingConfiguration, or a RollingUpdatePolicy."
# sources = [
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-blue-green-canary.html",
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-exclusions.html",
# ]
# controls = ["NIST.800-53.r5 CM-3"]
# fails = """
# Resources:
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       ProductionVariants:
#         - {VariantName: main, ModelName: churn, InstanceType: ml.m5.large, InitialInstanceCount: 2}
#   Endpoint:
#     Type: AWS::SageMaker::Endpoint
#     Properties:
#       EndpointConfigName: {"Fn::GetAtt": [Config, EndpointConfigName]}
#       DeploymentConfig:
#         BlueGreenUpdatePolicy:
#           TrafficRoutingConfiguration: {Type: ALL_AT_ONCE, WaitIntervalInSeconds: 0}
# """
# passes = """
# Resources:
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       ProductionVariants:
#         - {VariantName: main, ModelName: churn, InstanceType: ml.m5.large, InitialInstanceCount: 2}
#   Endpoint:
#     Type: AWS::SageMaker::Endpoint
#     Properties:
#       EndpointConfigName: {"Fn::GetAtt": [Config, EndpointConfigName]}
#       DeploymentConfig:
#         BlueGreenUpdatePolicy:
#           TrafficRoutingConfiguration: {Type: CANARY, WaitIntervalInSeconds: 600, CanarySize: {Type: CAPACITY_PERCENT, Value: 10}}
# """
# ---
package ml_constructs

import rego.v1

# Guardrails are for models on instances: not for serverless variants, inference components or Inferentia 1.
endpoint_traffic_shifting_guarded(config) if {
	variants := input.resources[config].properties.ProductionVariants
	is_array(variants)
	every variant in variants {
		variant.ModelName
		is_string(variant.InstanceType)
		not startswith(variant.InstanceType, "ml.inf1.")
	}
}

violation contains v if {
	some name in resources_of_type("AWS::SageMaker::Endpoint")
	some config in configs_of(name)
	endpoint_traffic_shifting_guarded(config)
	absent(name, "Properties.DeploymentConfig.RollingUpdatePolicy")
	path := "Properties.DeploymentConfig.BlueGreenUpdatePolicy.TrafficRoutingConfiguration.Type"
	certainly(name, path, [null, "ALL_AT_ONCE"])
	v := finding("SAGEMAKER_ENDPOINT_TRAFFIC_SHIFTING", name, path, "A deployment moves all traffic at once")
}
