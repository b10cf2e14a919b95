# title = "A serverless variant is not deployed in batches"
# severity = "warning"
# profile = "production"
# intent = """
# Rolling deployments exclude serverless inference. SageMaker shifts all traffic at once instead, without a period in
# which alarms roll back.
# """
# fix = "Use BlueGreenUpdatePolicy, and test a new model behind an endpoint of its own first."
# sources = ["https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-exclusions.html"]
# fails = """
# Resources:
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       ProductionVariants:
#         - VariantName: main
#           ModelName: model
#           ServerlessConfig: {MaxConcurrency: 20, MemorySizeInMB: 2048}
#   Endpoint:
#     Type: AWS::SageMaker::Endpoint
#     Properties:
#       EndpointConfigName: !GetAtt Config.EndpointConfigName
#       DeploymentConfig:
#         RollingUpdatePolicy:
#           MaximumBatchSize: {Type: CAPACITY_PERCENT, Value: 50}
#           WaitIntervalInSeconds: 300
#         AutoRollbackConfiguration: {Alarms: [{AlarmName: errors}]}
# """
# passes = """
# Resources:
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       ProductionVariants:
#         - VariantName: main
#           ModelName: model
#           ServerlessConfig: {MaxConcurrency: 20, MemorySizeInMB: 2048}
#   Endpoint:
#     Type: AWS::SageMaker::Endpoint
#     Properties:
#       EndpointConfigName: !GetAtt Config.EndpointConfigName
#       DeploymentConfig:
#         BlueGreenUpdatePolicy: {TrafficRoutingConfiguration: {Type: ALL_AT_ONCE}}
#         AutoRollbackConfiguration: {Alarms: [{AlarmName: errors}]}
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some endpoint in resources_of_type("AWS::SageMaker::Endpoint")
	input.resources[endpoint].properties.DeploymentConfig.RollingUpdatePolicy.MaximumBatchSize
	some config in configs_of(endpoint)
	variant := input.resources[config].properties.ProductionVariants[_]
	variant.ServerlessConfig.MaxConcurrency
	v := finding(
		"SAGEMAKER_SERVERLESS_ROLLING", endpoint, "Properties.DeploymentConfig.RollingUpdatePolicy",
		"SageMaker deploys a serverless variant all at once, not in batches",
	)
}
