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

violation contains v if {
	not scaled_unknown_components
	some component in resources_of_type("AWS::SageMaker::InferenceComponent")
	certainly(component, "Properties.RuntimeConfig.CopyCount", [1, "1"])
	count([1 | some [_, scaled] in scaled_components; scaled == component]) == 0
	v := finding(
		"SAGEMAKER_COMPONENT_COPIES", component, "Properties.RuntimeConfig.CopyCount",
		"The component has a single copy",
	)
}

violation contains v if {
	some [target, component] in scaled_components
	certainly(target, "Properties.MinCapacity", [1, "1"])
	v := finding(
		"SAGEMAKER_COMPONENT_COPIES", target, "Properties.MinCapacity",
		sprintf("The component %s may have a single copy", [component]),
	)
}
