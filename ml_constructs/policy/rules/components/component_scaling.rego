# title = "The copies of an inference component scale"
# severity = "warning"
# profile = "production"
# intent = """
# The number of copies stays what the template says: requests beyond it wait and fail, and idle copies hold accelerators
# that other components could use.
# """
# fix = "Register the component as an AWS::ApplicationAutoScaling::ScalableTarget with a scaling policy."
# sources = [
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling.html",
#     "https://docs.aws.amazon.com/autoscaling/application/userguide/services-that-can-integrate-sagemaker.html",
# ]
# fails = """
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
component_scaling_scaled contains [target, component] if {
	some target in resources_of_type("AWS::ApplicationAutoScaling::ScalableTarget")
	some ref in input.resources[target].outgoingRefs
	startswith(ref.sourcePath, "Properties.ResourceId")
	input.resources[ref.target].resourceType == "AWS::SageMaker::InferenceComponent"
	component := ref.target
}

component_scaling_scaled contains [target, component] if {
	some target in resources_of_type("AWS::ApplicationAutoScaling::ScalableTarget")
	is_string(input.resources[target].properties.ResourceId)
	some component in resources_of_type("AWS::SageMaker::InferenceComponent")
	name := input.resources[component].properties.InferenceComponentName
	is_string(name)
	input.resources[target].properties.ResourceId == concat("/", ["inference-component", name])
}

# A target that may scale any component, because only the deployment knows its name.
component_scaling_unknown contains target if {
	some target in resources_of_type("AWS::ApplicationAutoScaling::ScalableTarget")
	not contains(json.marshal(input.resources[target].properties.ResourceId), "endpoint/")
	count([1 | some [scaled, _] in component_scaling_scaled; scaled == target]) == 0
}

# Other stacks import it, so what the rule looks for may be there.
component_scaling_exported(name) if {
	some ref in input.resources[name].incomingRefs
	startswith(ref.source, "__output__")
	input.outputs[trim_prefix(ref.source, "__output__")].exportName != null
}

violation contains v if {
	count(component_scaling_unknown) == 0
	some component in resources_of_type("AWS::SageMaker::InferenceComponent")
	not component_scaling_exported(component)
	# An adapter has no copies: it is loaded into those of its base component.
	absent(component, "Properties.Specification.BaseInferenceComponentName")
	count([1 | some [_, scaled] in component_scaling_scaled; scaled == component]) == 0
	v := finding(
		"SAGEMAKER_COMPONENT_SCALING", component, "Properties.RuntimeConfig",
		"Nothing scales the copies of the component",
	)
}
