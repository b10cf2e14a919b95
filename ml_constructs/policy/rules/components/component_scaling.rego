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

violation contains v if {
	not scaled_unknown_components
	some component in resources_of_type("AWS::SageMaker::InferenceComponent")
	not exported(component)
	# An adapter has no copies: it is loaded into those of its base component.
	absent(component, "Properties.Specification.BaseInferenceComponentName")
	count([1 | some [_, scaled] in scaled_components; scaled == component]) == 0
	v := finding(
		"SAGEMAKER_COMPONENT_SCALING", component, "Properties.RuntimeConfig",
		"Nothing scales the copies of the component",
	)
}
