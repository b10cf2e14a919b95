# title = "A scaled real-time variant keeps two instances"
# severity = "error"
# profile = "production"
# intent = """
# SageMaker spreads instances over Availability Zones. Scaled in to one instance, the endpoint fails with that instance
# or its zone until another one has started.
# """
# fix = "Set MinCapacity to 2 or more, or to the number of Availability Zones."
# sources = [
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-best-practices.html",
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-prerequisites.html",
# ]
# controls = ["NIST.800-53.r5 CP-10"]
# fails = """
# Resources:
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       ProductionVariants:
#         - {VariantName: main, ModelName: model, InstanceType: ml.m5.large, InitialInstanceCount: 2}
#   Endpoint:
#     Type: AWS::SageMaker::Endpoint
#     Properties:
#       EndpointConfigName: !GetAtt Config.EndpointConfigName
#   Target:
#     Type: AWS::ApplicationAutoScaling::ScalableTarget
#     Properties:
#       ServiceNamespace: sagemaker
#       ScalableDimension: sagemaker:variant:DesiredInstanceCount
#       ResourceId: !Sub "endpoint/${Endpoint.EndpointName}/variant/main"
#       MinCapacity: 1
#       MaxCapacity: 6
# """
# passes = """
# Resources:
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       ProductionVariants:
#         - {VariantName: main, ModelName: model, InstanceType: ml.m5.large, InitialInstanceCount: 2}
#   Endpoint:
#     Type: AWS::SageMaker::Endpoint
#     Properties:
#       EndpointConfigName: !GetAtt Config.EndpointConfigName
#   Target:
#     Type: AWS::ApplicationAutoScaling::ScalableTarget
#     Properties:
#       ServiceNamespace: sagemaker
#       ScalableDimension: sagemaker:variant:DesiredInstanceCount
#       ResourceId: !Sub "endpoint/${Endpoint.EndpointName}/variant/main"
#       MinCapacity: 2
#       MaxCapacity: 6
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some [target, endpoint, _] in scaled_variants
	certainly(target, "Properties.ScalableDimension", ["sagemaker:variant:DesiredInstanceCount"])
	some config in configs_of(endpoint)
	absent(config, "Properties.AsyncInferenceConfig")
	some path in scalable_target_min_capacity_paths(target)
	certainly(target, path, [1, "1"])
	v := finding(
		"SAGEMAKER_SCALABLE_TARGET_MIN_CAPACITY", target, path,
		sprintf("The endpoint %s may have a single instance, in one zone", [endpoint]),
	)
}

scalable_target_min_capacity_paths(target) := {"Properties.MinCapacity"} | {path |
	some i
	input.resources[target].properties.ScheduledActions[i]
	is_number(i)
	path := sprintf("Properties.ScheduledActions.%d.ScalableTargetAction.MinCapacity", [i])
}
