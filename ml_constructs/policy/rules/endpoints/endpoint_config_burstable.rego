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
	some name in resources_of_type("AWS::SageMaker::EndpointConfig")
	some i
	variant := input.resources[name].properties.ProductionVariants[i]
	is_string(variant.InstanceType)
	regex.match(`^ml\.t[0-9]`, variant.InstanceType)
	v := finding(
		"SAGEMAKER_ENDPOINT_CONFIG_BURSTABLE", name, sprintf("Properties.ProductionVariants.%v.InstanceType", [i]),
		sprintf("%s slows down when its credits are used up", [variant.InstanceType]),
	)
}
