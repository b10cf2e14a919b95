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

# Something else scales variants, so it may be this one.
component_instances_other contains target if {
	some target in resources_of_type("AWS::ApplicationAutoScaling::ScalableTarget")
	not certainly(target, "Properties.ScalableDimension", ["sagemaker:inference-component:DesiredCopyCount"])
}

violation contains v if {
	count(component_instances_other) == 0
	some [_, component] in scaled_components
	some endpoint in resources_of_type("AWS::SageMaker::Endpoint")
	means(input.resources[component].properties.EndpointName, endpoint)
	some [config, place, variant] in production_variants
	config in configs_of(endpoint)
	variant.VariantName == resolve(component, "Properties.VariantName")
	path := concat(".", [place, "ManagedInstanceScaling"])
	certainly(config, concat(".", [path, "Status"]), [null, "DISABLED"])
	v := finding(
		"SAGEMAKER_COMPONENT_INSTANCES", config, path,
		sprintf("Copies of %s scale, but the instances under them do not", [component]),
	)
}
