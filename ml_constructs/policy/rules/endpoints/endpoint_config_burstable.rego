# title = "Production does not run on burstable instances"
# severity = "warning"
# profile = "production"
# intent = """
# A burstable instance is fast while it has credits, and falls to a fraction of that under the load that matters.
# Automatic scaling does not support it.
# """
# fix = "Choose a type of constant performance, such as ml.m5.large or ml.c6g.large."
# sources = [
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-add-console.html",
#     "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/burstable-performance-instances.html",
# ]
# fails = """
# Resources:
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       ProductionVariants:
#         - {VariantName: main, ModelName: churn, InstanceType: ml.t2.medium, InitialInstanceCount: 2}
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

violation contains v if {
	some [name, path, variant] in production_variants
	is_string(variant.InstanceType)
	not endpoint_config_burstable_scaled(name, variant.VariantName)
	regex.match(`^ml\.t[0-9]`, variant.InstanceType)
	v := finding(
		"SAGEMAKER_ENDPOINT_CONFIG_BURSTABLE", name, concat(".", [path, "InstanceType"]),
		sprintf("%s slows down when its credits are used up", [variant.InstanceType]),
	)
}

# What is scaled cannot be burstable at all, which is another rule's concern.
endpoint_config_burstable_scaled(config, variant) if {
	some [_, endpoint, scaled] in scaled_variants
	scaled == variant
	config in configs_of(endpoint)
}
