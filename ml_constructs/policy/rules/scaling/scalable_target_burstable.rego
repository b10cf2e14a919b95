# title = "A scaled variant runs on instances that scale"
# severity = "error"
# profile = "development"
# intent = """
# SageMaker does not support automatic scaling of burstable instances such as ml.t2, whose capacity depends on credits.
# """
# fix = "Use an instance type that is not burstable, e.g. ml.m5.large."
# sources = ["https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling.html"]
# fails = """
# Resources:
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       ProductionVariants:
#         - {VariantName: main, ModelName: model, InstanceType: ml.t2.medium, InitialInstanceCount: 2}
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
	some [target, endpoint, name] in scaled_variants
	some [config, place, variant] in production_variants
	config in configs_of(endpoint)
	variant.VariantName == name
	path := concat(".", [place, "InstanceType"])
	every type in decided(config, path) {
		regex.match(`^ml\.t[0-9]`, type)
	}
	v := finding(
		"SAGEMAKER_SCALABLE_TARGET_BURSTABLE", config, path,
		sprintf("The scaled variant %s runs on burstable instances", [name]),
	)
}
