# title = "An endpoint rolls a bad deployment back"
# severity = "error"
# profile = "production"
# intent = """
# Without alarms SageMaker shifts all traffic to a new configuration whatever it answers. Canary and linear shifting
# without alarms only delay that.
# """
# fix = "Name at least one alarm in DeploymentConfig.AutoRollbackConfiguration.Alarms."
# sources = ["https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-configuration.html"]
# controls = ["NIST.800-53.r5 CM-3", "NIST.800-53.r5 SI-17"]
# fails = """
# Resources:
#   Endpoint:
#     Type: AWS::SageMaker::Endpoint
#     Properties:
#       EndpointConfigName: config
# """
# passes = """
# Resources:
#   Endpoint:
#     Type: AWS::SageMaker::Endpoint
#     Properties:
#       EndpointConfigName: config
#       DeploymentConfig:
#         BlueGreenUpdatePolicy:
#           TrafficRoutingConfiguration: {Type: ALL_AT_ONCE}
#         AutoRollbackConfiguration:
#           Alarms: [{AlarmName: errors}]
# """
# ---
package ml_constructs

import rego.v1

# The models of inference components are deployed, and rolled back, with the components.
endpoint_rollback_alarms_hosts_components(endpoint) if {
	some config in configs_of(endpoint)
	variants := input.resources[config].properties.ProductionVariants
	is_array(variants)
	every variant in variants {
		variant.VariantName
		not variant.ModelName
	}
}

violation contains v if {
	some name in resources_of_type("AWS::SageMaker::Endpoint")
	not endpoint_rollback_alarms_hosts_components(name)
	absent(name, "Properties.DeploymentConfig.AutoRollbackConfiguration.Alarms")
	v := finding(
		"SAGEMAKER_ENDPOINT_ROLLBACK_ALARMS", name, "Properties.DeploymentConfig",
		"The endpoint deploys without alarms that roll it back",
	)
}
