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

# [target, endpoint, variant] of what scales a variant of an endpoint in the template.
scalable_target_burstable_scaled contains [target, endpoint, variant] if {
	some target in resources_of_type("AWS::ApplicationAutoScaling::ScalableTarget")
	some ref in input.resources[target].outgoingRefs
	startswith(ref.sourcePath, "Properties.ResourceId")
	input.resources[ref.target].resourceType == "AWS::SageMaker::Endpoint"
	endpoint := ref.target
	variant := split(input.resources[target].properties.ResourceId.__dynamic, "/variant/")[1]
}

scalable_target_burstable_scaled contains [target, endpoint, variant] if {
	some target in resources_of_type("AWS::ApplicationAutoScaling::ScalableTarget")
	some endpoint in resources_of_type("AWS::SageMaker::Endpoint")
	is_string(input.resources[target].properties.ResourceId)
	parts := split(input.resources[target].properties.ResourceId, "/")
	parts[1] == resolve(endpoint, "Properties.EndpointName")
	variant := parts[3]
}

# A configuration in the template that an endpoint has.
scalable_target_burstable_configures(config, endpoint) if {
	own := object.get(input.resources[config].properties, "EndpointConfigName", config)
	resolve(endpoint, "Properties.EndpointConfigName") in {config, own}
}

violation contains v if {
	some [target, endpoint, name] in scalable_target_burstable_scaled
	some config in resources_of_type("AWS::SageMaker::EndpointConfig")
	scalable_target_burstable_configures(config, endpoint)
	some i
	variant := input.resources[config].properties.ProductionVariants[i]
	is_number(i)
	variant.VariantName == name
	path := sprintf("Properties.ProductionVariants.%d.InstanceType", [i])
	every type in decided(config, path) {
		regex.match(`^ml\.t[0-9]`, type)
	}
	v := finding(
		"SAGEMAKER_SCALABLE_TARGET_BURSTABLE", config, path,
		sprintf("The scaled variant %s runs on burstable instances", [name]),
	)
}
