# title = "An inference component keeps two copies"
# severity = "error"
# profile = "production"
# intent = """
# A single copy is on a single instance in a single Availability Zone. The component fails with it until another copy
# has loaded the model.
# """
# fix = "Set RuntimeConfig.CopyCount and MinCapacity of the scalable target to 2 or more."
# sources = [
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-best-practices.html",
#     "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateInferenceComponent.html",
# ]
# controls = ["NIST.800-53.r5 CP-10"]
# fails = """
# Resources:
#   Component:
#     Type: AWS::SageMaker::InferenceComponent
#     Properties:
#       InferenceComponentName: dogs
#       EndpointName: pets
#       VariantName: main
#       Specification: {ModelName: model, ComputeResourceRequirements: {MinMemoryRequiredInMb: 1024}}
#       RuntimeConfig: {CopyCount: 1}
# """
# passes = """
# Resources:
#   Component:
#     Type: AWS::SageMaker::InferenceComponent
#     Properties:
#       InferenceComponentName: dogs
#       EndpointName: pets
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
component_copies_scaled contains [target, component] if {
	some target in resources_of_type("AWS::ApplicationAutoScaling::ScalableTarget")
	some ref in input.resources[target].outgoingRefs
	startswith(ref.sourcePath, "Properties.ResourceId")
	input.resources[ref.target].resourceType == "AWS::SageMaker::InferenceComponent"
	component := ref.target
}

component_copies_scaled contains [target, component] if {
	some target in resources_of_type("AWS::ApplicationAutoScaling::ScalableTarget")
	is_string(input.resources[target].properties.ResourceId)
	some component in resources_of_type("AWS::SageMaker::InferenceComponent")
	name := input.resources[component].properties.InferenceComponentName
	is_string(name)
	input.resources[target].properties.ResourceId == concat("/", ["inference-component", name])
}

# A target that may scale any component, because only the deployment knows its name.
component_copies_unknown contains target if {
	some target in resources_of_type("AWS::ApplicationAutoScaling::ScalableTarget")
	not contains(json.marshal(input.resources[target].properties.ResourceId), "endpoint/")
	count([1 | some [scaled, _] in component_copies_scaled; scaled == target]) == 0
}

violation contains v if {
	count(component_copies_unknown) == 0
	some component in resources_of_type("AWS::SageMaker::InferenceComponent")
	certainly(component, "Properties.RuntimeConfig.CopyCount", [1, "1"])
	count([1 | some [_, scaled] in component_copies_scaled; scaled == component]) == 0
	v := finding(
		"SAGEMAKER_COMPONENT_COPIES", component, "Properties.RuntimeConfig.CopyCount",
		"The component has a single copy",
	)
}

violation contains v if {
	some [target, component] in component_copies_scaled
	certainly(target, "Properties.MinCapacity", [1, "1"])
	v := finding(
		"SAGEMAKER_COMPONENT_COPIES", target, "Properties.MinCapacity",
		sprintf("The component %s may have a single copy", [component]),
	)
}
