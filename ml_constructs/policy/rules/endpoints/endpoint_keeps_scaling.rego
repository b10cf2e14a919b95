# title = "A deployment keeps the instances that scaling has started"
# severity = "error"
# profile = "production"
# intent = """
# An update sets every variant back to InitialInstanceCount, unless the endpoint retains its variants' properties. In the
# middle of a busy day that takes away most of the instances.
# """
# fix = "Set RetainAllVariantProperties, and do not exclude DesiredInstanceCount from it."
# sources = [
#     "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sagemaker-endpoint.html",
#     "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateEndpoint.html",
# ]
# controls = ["NIST.800-53.r5 CP-10"]
# fails = """
# Resources:
#   Endpoint:
#     Type: AWS::SageMaker::Endpoint
#     Properties:
#       EndpointConfigName: config
#   Target:
#     Type: AWS::ApplicationAutoScaling::ScalableTarget
#     Properties:
#       ServiceNamespace: sagemaker
#       ScalableDimension: sagemaker:variant:DesiredInstanceCount
#       ResourceId: {"Fn::Sub": "endpoint/${Endpoint.EndpointName}/variant/main"}
#       MinCapacity: 2
#       MaxCapacity: 4
# """
# passes = """
# Resources:
#   Endpoint:
#     Type: AWS::SageMaker::Endpoint
#     Properties:
#       EndpointConfigName: config
#       RetainAllVariantProperties: true
#   Target:
#     Type: AWS::ApplicationAutoScaling::ScalableTarget
#     Properties:
#       ServiceNamespace: sagemaker
#       ScalableDimension: sagemaker:variant:DesiredInstanceCount
#       ResourceId: {"Fn::Sub": "endpoint/${Endpoint.EndpointName}/variant/main"}
#       MinCapacity: 2
#       MaxCapacity: 4
# """
# ---
package ml_constructs

import rego.v1

# Scaling of the instances of this endpoint, which it names by a reference or by its name.
endpoint_keeps_scaling_scaled(name) if {
	some target in resources_of_type("AWS::ApplicationAutoScaling::ScalableTarget")
	certainly(target, "Properties.ScalableDimension", ["sagemaker:variant:DesiredInstanceCount"])
	endpoint_keeps_scaling_means(target, name)
}

endpoint_keeps_scaling_means(target, name) if {
	edge := input.resources[target].outgoingRefs[_]
	startswith(edge.sourcePath, "Properties.ResourceId")
	edge.target == name
}

endpoint_keeps_scaling_means(target, name) if {
	endpoint_name := input.resources[name].properties.EndpointName
	is_string(endpoint_name)
	contains(
		json.marshal(input.resources[target].properties.ResourceId),
		concat("", ["endpoint/", endpoint_name, "/variant/"]),
	)
}

endpoint_keeps_scaling_resets(name) if certainly(name, "Properties.RetainAllVariantProperties", [null, false, "false"])

endpoint_keeps_scaling_resets(name) if {
	property := input.resources[name].properties.ExcludeRetainedVariantProperties[_]
	property.VariantPropertyType == "DesiredInstanceCount"
}

violation contains v if {
	some name in resources_of_type("AWS::SageMaker::Endpoint")
	endpoint_keeps_scaling_scaled(name)
	endpoint_keeps_scaling_resets(name)
	v := finding(
		"SAGEMAKER_ENDPOINT_KEEPS_SCALING", name, "Properties.RetainAllVariantProperties",
		"A deployment sets the instances back to their initial count",
	)
}
