# title = "A scalable target names a variant that the endpoint has"
# severity = "error"
# profile = "development"
# intent = """
# Application Auto Scaling refuses to register a variant that the endpoint does not have, which fails the deployment
# after the endpoint was made.
# """
# fix = "Name in ResourceId a VariantName of the endpoint's configuration."
# sources = [
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-prerequisites.html",
#     "https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html",
# ]
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
#       ResourceId: !Sub "endpoint/${Endpoint.EndpointName}/variant/AllTraffic"
#       MinCapacity: 2
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
	some [target, endpoint, variant] in scaled_variants
	not regex.match(`[{}$/]`, variant)
	some config in configs_of(endpoint)
	known := [name | name := input.resources[config].properties.ProductionVariants[_].VariantName]
	count(known) == count(input.resources[config].properties.ProductionVariants)
	every name in known {
		is_string(name)
		name != variant
	}
	v := finding(
		"SAGEMAKER_SCALABLE_TARGET_VARIANT", target, "Properties.ResourceId",
		sprintf("The endpoint %s has no variant %s, but %s", [endpoint, variant, concat(", ", known)]),
	)
}
