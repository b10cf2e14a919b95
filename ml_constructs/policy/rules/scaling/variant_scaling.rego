# title = "A variant on instances scales"
# severity = "warning"
# profile = "production"
# intent = """
# The number of instances stays what the configuration says: requests beyond it wait and fail, and idle instances cost
# as much as busy ones.
# """
# fix = "Register the variant as an AWS::ApplicationAutoScaling::ScalableTarget with a scaling policy."
# sources = ["https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling.html"]
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

# A target that may scale any endpoint, because only the deployment knows its name.
variant_scaling_unknown contains target if {
	some target in resources_of_type("AWS::ApplicationAutoScaling::ScalableTarget")
	not contains(json.marshal(input.resources[target].properties.ResourceId), "inference-component/")
	count([scaled | some scaled in scaled_variants; scaled[0] == target]) == 0
}

violation contains v if {
	count(variant_scaling_unknown) == 0
	some endpoint in resources_of_type("AWS::SageMaker::Endpoint")
	not exported(endpoint)
	some [config, path, variant] in production_variants
	config in configs_of(endpoint)
	variant.InstanceType
	variant.ModelName
	not variant.ManagedInstanceScaling
	is_string(variant.VariantName)
	count([1 |
		some [_, its, name] in scaled_variants
		its == endpoint
		name in {variant.VariantName, "{dynamic}"}
	]) == 0
	v := finding(
		"SAGEMAKER_VARIANT_SCALING", config, path,
		sprintf("Nothing scales the variant %s of the endpoint %s", [variant.VariantName, endpoint]),
	)
}
