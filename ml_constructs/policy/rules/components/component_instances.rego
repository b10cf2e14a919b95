# title = "Instances follow the copies of inference components"
# severity = "warning"
# profile = "production"
# intent = """
# More copies need more instances. Without managed instance scaling the copies that scaling asks for find no room, and
# instances stay when copies go.
# """
# fix = "Set ManagedInstanceScaling of the variant with Status ENABLED and a range."
# sources = [
#     "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariantManagedInstanceScaling.html",
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/realtime-endpoints-deploy-models.html",
# ]
# fails = """
# Resources:
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       ProductionVariants:
#         - {VariantName: main, InstanceType: ml.m5.large, InitialInstanceCount: 2}
#   Endpoint:
#     Type: AWS::SageMaker::Endpoint
#     Properties:
#       EndpointConfigName: !GetAtt Config.EndpointConfigName
#   Component:
#     Type: AWS::SageMaker::InferenceComponent
#     Properties:
#       InferenceComponentName: dogs
#       EndpointName: !GetAtt Endpoint.EndpointName
#       VariantName: main
#       Specification: {ModelName: model, ComputeResourceRequirements: {MinMemoryRequiredInMb: 1024}}
#       RuntimeConfig: {CopyCount: 2}
#   Target:
#     Type: AWS::ApplicationAutoScaling::ScalableTarget
#     DependsOn: Component
#     Properties:
#       ServiceNamespace: sagemaker
#       ScalableDimension: sagemaker:inference-component:DesiredCopyCount
#       ResourceId: inference-component/dogs
#       MinCapacity: 2
#       MaxCapacity: 6
# """
# passes = """
# Resources:
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       ProductionVariants:
#         - VariantName: main
#           InstanceType: ml.m5.large
#           InitialInstanceCount: 2
#           ManagedInstanceScaling: {Status: ENABLED, MinInstanceCount: 2, MaxInstanceCount: 6}
#   Endpoint:
#     Type: AWS::SageMaker::Endpoint
#     Properties:
#       EndpointConfigName: !GetAtt Config.EndpointConfigName
#   Component:
#     Type: AWS::SageMaker::InferenceComponent
#     Properties:
#       InferenceComponentName: dogs
#       EndpointName: !GetAtt Endpoint.EndpointName
#       VariantName: main
#       Specification: {ModelName: model, ComputeResourceRequirements: {MinMemoryRequiredInMb: 1024}}
#       RuntimeConfig: {CopyCount: 2}
#   Target:
#     Type: AWS::ApplicationAutoScaling::ScalableTarget
#     DependsOn: Component
#     Properties:
#       ServiceNamespace: sagemaker
#       ScalableDimension: sagemaker:inference-component:DesiredCopyCount
#       ResourceId: inference-component/dogs
#       MinCapacity: 2
#       MaxCapacity: 6
# """
# ---
package ml_constructs

import rego.v1

# [target, component] of what scales an inference component in the template.
component_instances_scaled contains [target, component] if {
	some target in resources_of_type("AWS::ApplicationAutoScaling::ScalableTarget")
	some ref in input.resources[target].outgoingRefs
	startswith(ref.sourcePath, "Properties.ResourceId")
	input.resources[ref.target].resourceType == "AWS::SageMaker::InferenceComponent"
	component := ref.target
}

component_instances_scaled contains [target, component] if {
	some target in resources_of_type("AWS::ApplicationAutoScaling::ScalableTarget")
	is_string(input.resources[target].properties.ResourceId)
	some component in resources_of_type("AWS::SageMaker::InferenceComponent")
	name := input.resources[component].properties.InferenceComponentName
	is_string(name)
	input.resources[target].properties.ResourceId == concat("/", ["inference-component", name])
}

# A configuration in the template that an endpoint has.
component_instances_configures(config, endpoint) if {
	own := object.get(input.resources[config].properties, "EndpointConfigName", config)
	resolve(endpoint, "Properties.EndpointConfigName") in {config, own}
}

component_instances_on(component, endpoint) if {
	own := object.get(input.resources[endpoint].properties, "EndpointName", endpoint)
	resolve(component, "Properties.EndpointName") in {endpoint, own}
}

# Something else scales variants, so it may be this one.
component_instances_other contains target if {
	some target in resources_of_type("AWS::ApplicationAutoScaling::ScalableTarget")
	not certainly(target, "Properties.ScalableDimension", ["sagemaker:inference-component:DesiredCopyCount"])
}

violation contains v if {
	count(component_instances_other) == 0
	some [_, component] in component_instances_scaled
	some endpoint in resources_of_type("AWS::SageMaker::Endpoint")
	component_instances_on(component, endpoint)
	some config in resources_of_type("AWS::SageMaker::EndpointConfig")
	component_instances_configures(config, endpoint)
	some i
	variant := input.resources[config].properties.ProductionVariants[i]
	is_number(i)
	variant.VariantName == resolve(component, "Properties.VariantName")
	path := sprintf("Properties.ProductionVariants.%d.ManagedInstanceScaling", [i])
	certainly(config, concat(".", [path, "Status"]), [null, "DISABLED"])
	v := finding(
		"SAGEMAKER_COMPONENT_INSTANCES", config, path,
		sprintf("Copies of %s scale, but the instances under them do not", [component]),
	)
}
