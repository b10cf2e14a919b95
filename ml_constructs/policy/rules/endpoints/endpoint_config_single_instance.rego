# title = "A real-time variant starts with two instances"
# severity = "error"
# profile = "production"
# intent = """
# SageMaker puts instances into different Availability Zones, if there are several. A single one is one disk, one host and
# one zone, and requests fail until its successor has loaded the model.
# """
# fix = "Set InitialInstanceCount to 2 or more."
# sources = [
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-best-practices.html",
#     "https://docs.aws.amazon.com/securityhub/latest/userguide/sagemaker-controls.html",
# ]
# controls = ["SecurityHub SageMaker.4", "NIST.800-53.r5 SC-36"]
# fails = """
# Resources:
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       ProductionVariants:
#         - {VariantName: main, ModelName: churn, InstanceType: ml.m5.large, InitialInstanceCount: 1}
# """
# passes = """
# Resources:
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       ProductionVariants:
#         - {VariantName: main, ModelName: churn, InstanceType: ml.m5.large, InitialInstanceCount: 2}
# """
# ---
package ml_constructs

import rego.v1

# Scaling that raises the count; whether its minimum is enough is another rule's question.
endpoint_config_single_instance_scaled(variant) if variant.ManagedInstanceScaling.MinInstanceCount

endpoint_config_single_instance_scaled(variant) if {
	some target in resources_of_type("AWS::ApplicationAutoScaling::ScalableTarget")
	contains(
		json.marshal(input.resources[target].properties.ResourceId),
		concat("", ["/variant/", variant.VariantName]),
	)
}

endpoint_config_single_instance_scaled(variant) if {
	some target in resources_of_type("AWS::ApplicationAutoScaling::ScalableTarget")
	not contains(json.marshal(input.resources[target].properties.ResourceId), "/variant/")
	not contains(json.marshal(input.resources[target].properties.ResourceId), "inference-component/")
}

violation contains v if {
	some [name, place, variant] in production_variants
	not has_property(name, "Properties.AsyncInferenceConfig")
	is_string(variant.VariantName)
	path := concat(".", [place, "InitialInstanceCount"])
	certainly(name, path, [1, "1"])
	not endpoint_config_single_instance_scaled(variant)
	v := finding("SAGEMAKER_ENDPOINT_CONFIG_SINGLE_INSTANCE", name, path, sprintf("The variant %s has one instance", [variant.VariantName]))
}
