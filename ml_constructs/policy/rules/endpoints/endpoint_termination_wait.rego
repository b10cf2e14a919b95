# title = "The old fleet outlives a deployment for a while"
# severity = "warning"
# profile = "production"
# intent = """
# The old instances are terminated as soon as the new ones have all traffic, unless something is to be waited for. An alarm
# that goes off a moment later finds nothing to go back to.
# """
# fix = "Set TerminationWaitInSeconds to some minutes."
# sources = [
#     "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_BlueGreenUpdatePolicy.html",
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-blue-green.html",
# ]
# fails = """
# Resources:
#   Endpoint:
#     Type: AWS::SageMaker::Endpoint
#     Properties:
#       EndpointConfigName: config
#       DeploymentConfig:
#         BlueGreenUpdatePolicy:
#           TrafficRoutingConfiguration: {Type: CANARY, WaitIntervalInSeconds: 600, CanarySize: {Type: CAPACITY_PERCENT, Value: 10}}
#         AutoRollbackConfiguration: {Alarms: [{AlarmName: errors}]}
# """
# passes = """
# Resources:
#   Endpoint:
#     Type: AWS::SageMaker::Endpoint
#     Properties:
#       EndpointConfigName: config
#       DeploymentConfig:
#         BlueGreenUpdatePolicy:
#           TerminationWaitInSeconds: 300
#           TrafficRoutingConfiguration: {Type: CANARY, WaitIntervalInSeconds: 600, CanarySize: {Type: CAPACITY_PERCENT, Value: 10}}
#         AutoRollbackConfiguration: {Alarms: [{AlarmName: errors}]}
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some name in resources_of_type("AWS::SageMaker::Endpoint")
	has_property(name, "Properties.DeploymentConfig.BlueGreenUpdatePolicy.TrafficRoutingConfiguration")
	path := "Properties.DeploymentConfig.BlueGreenUpdatePolicy.TerminationWaitInSeconds"
	certainly(name, path, [null, 0, "0"])
	v := finding("SAGEMAKER_ENDPOINT_TERMINATION_WAIT", name, path, "The old fleet ends with the deployment")
}
