# title = "Inference components run in a VPC or without a network"
# severity = "error"
# profile = "production"
# intent = """
# The network of inference components is that of their endpoint. Without VPC and isolation all their containers reach the
# whole internet.
# """
# fix = "Set EnableNetworkIsolation, or VpcConfig with closed subnets and security groups, or both."
# sources = [
#     "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpointConfig.html",
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/mkt-algo-model-internet-free.html",
# ]
# controls = ["NIST.800-53.r5 SC-7"]
# fails = """
# Resources:
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       ExecutionRoleArn: arn:aws:iam::111122223333:role/endpoint
#       ProductionVariants:
#         - {VariantName: main, InstanceType: ml.m5.xlarge, InitialInstanceCount: 2}
# """
# passes = """
# Resources:
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       ExecutionRoleArn: arn:aws:iam::111122223333:role/endpoint
#       EnableNetworkIsolation: true
#       ProductionVariants:
#         - {VariantName: main, InstanceType: ml.m5.xlarge, InitialInstanceCount: 2}
# """
# ---
package ml_constructs

import rego.v1

# Instances without a model of their own: inference components bring the models.
endpoint_config_network_shared(name) if {
	variant := input.resources[name].properties.ProductionVariants[_]
	is_string(variant.VariantName)
	variant.InstanceType
	not variant.ModelName
}

violation contains v if {
	some name in resources_of_type("AWS::SageMaker::EndpointConfig")
	endpoint_config_network_shared(name)
	absent(name, "Properties.VpcConfig")
	certainly(name, "Properties.EnableNetworkIsolation", [null, false, "false"])
	v := finding("SAGEMAKER_ENDPOINT_CONFIG_NETWORK", name, "Properties.VpcConfig", "The components reach the internet, outside any VPC")
}
