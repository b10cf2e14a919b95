# title = "A variant that hosts inference components has no model of its own"
# severity = "error"
# profile = "development"
# intent = """
# SageMaker places inference components on a variant that names no model. It refuses a component on one that does.
# """
# fix = "Remove ModelName from the variant, and set ExecutionRoleArn of the endpoint configuration."
# sources = [
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/realtime-endpoints-deploy-models.html",
#     "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariant.html",
# ]
# fails = """
# Resources:
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       ProductionVariants:
#         - {VariantName: main, ModelName: model, InstanceType: ml.m5.large, InitialInstanceCount: 2}
#       ExecutionRoleArn: arn:aws:iam::111122223333:role/host
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
#         - {VariantName: main, InstanceType: ml.m5.large, InitialInstanceCount: 2}
#       ExecutionRoleArn: arn:aws:iam::111122223333:role/host
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
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some component in resources_of_type("AWS::SageMaker::InferenceComponent")
	some endpoint in resources_of_type("AWS::SageMaker::Endpoint")
	means(input.resources[component].properties.EndpointName, endpoint)
	some [config, place, variant] in production_variants
	config in configs_of(endpoint)
	variant.VariantName == resolve(component, "Properties.VariantName")
	path := concat(".", [place, "ModelName"])
	has_property(config, path)
	not null in resolve_all(config, path)
	v := finding(
		"SAGEMAKER_COMPONENT_VARIANT", config, path,
		sprintf("The variant has a model, and so cannot host %s", [component]),
	)
}
