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

# [target, endpoint, variant] of what scales a variant of an endpoint in the template.
variant_scaling_scaled contains [target, endpoint, variant] if {
	some target in resources_of_type("AWS::ApplicationAutoScaling::ScalableTarget")
	some ref in input.resources[target].outgoingRefs
	startswith(ref.sourcePath, "Properties.ResourceId")
	input.resources[ref.target].resourceType == "AWS::SageMaker::Endpoint"
	endpoint := ref.target
	variant := split(input.resources[target].properties.ResourceId.__dynamic, "/variant/")[1]
}

variant_scaling_scaled contains [target, endpoint, variant] if {
	some target in resources_of_type("AWS::ApplicationAutoScaling::ScalableTarget")
	some endpoint in resources_of_type("AWS::SageMaker::Endpoint")
	is_string(input.resources[target].properties.ResourceId)
	parts := split(input.resources[target].properties.ResourceId, "/")
	parts[1] == resolve(endpoint, "Properties.EndpointName")
	variant := parts[3]
}

# A configuration in the template that an endpoint has.
variant_scaling_configures(config, endpoint) if {
	own := object.get(input.resources[config].properties, "EndpointConfigName", config)
	resolve(endpoint, "Properties.EndpointConfigName") in {config, own}
}

# Other stacks import it, so what the rule looks for may be there.
variant_scaling_exported(name) if {
	some ref in input.resources[name].incomingRefs
	startswith(ref.source, "__output__")
	input.outputs[trim_prefix(ref.source, "__output__")].exportName != null
}

# A target that may scale any endpoint, because only the deployment knows its name.
variant_scaling_unknown contains target if {
	some target in resources_of_type("AWS::ApplicationAutoScaling::ScalableTarget")
	not contains(json.marshal(input.resources[target].properties.ResourceId), "inference-component/")
	count([scaled | some scaled in variant_scaling_scaled; scaled[0] == target]) == 0
}

violation contains v if {
	count(variant_scaling_unknown) == 0
	some endpoint in resources_of_type("AWS::SageMaker::Endpoint")
	some config in resources_of_type("AWS::SageMaker::EndpointConfig")
	variant_scaling_configures(config, endpoint)
	not variant_scaling_exported(endpoint)
	some i
	variant := input.resources[config].properties.ProductionVariants[i]
	is_number(i)
	variant.InstanceType
	variant.ModelName
	not variant.ManagedInstanceScaling
	is_string(variant.VariantName)
	count([1 |
		some [_, its, name] in variant_scaling_scaled
		its == endpoint
		name in {variant.VariantName, "{dynamic}"}
	]) == 0
	v := finding(
		"SAGEMAKER_VARIANT_SCALING", config, sprintf("Properties.ProductionVariants.%d", [i]),
		sprintf("Nothing scales the variant %s of the endpoint %s", [variant.VariantName, endpoint]),
	)
}
