# title = "A model's containers run in a VPC or without a network"
# severity = "error"
# profile = "production"
# intent = """
# Otherwise the containers reach the whole internet from a network that nobody watches: a library that was tampered with,
# or a model that runs code when it is loaded, can send every request it sees to anywhere.
# """
# fix = "Set EnableNetworkIsolation, or VpcConfig with closed subnets and security groups, or both."
# sources = [
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/mkt-algo-model-internet-free.html",
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/host-vpc.html",
# ]
# controls = ["NIST.800-53.r5 SC-7"]
# fails = """
# Resources:
#   Model:
#     Type: AWS::SageMaker::Model
#     Properties:
#       ExecutionRoleArn: arn:aws:iam::111122223333:role/model
#       PrimaryContainer: {Image: '111122223333.dkr.ecr.eu-west-1.amazonaws.com/churn:1'}
# """
# passes = """
# Resources:
#   Model:
#     Type: AWS::SageMaker::Model
#     Properties:
#       ExecutionRoleArn: arn:aws:iam::111122223333:role/model
#       PrimaryContainer: {Image: '111122223333.dkr.ecr.eu-west-1.amazonaws.com/churn:1'}
#       EnableNetworkIsolation: true
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some name in resources_of_type("AWS::SageMaker::Model")
	absent(name, "Properties.VpcConfig")
	certainly(name, "Properties.EnableNetworkIsolation", [null, false, "false"])
	not networked_elsewhere(name)
	v := finding("SAGEMAKER_MODEL_NETWORK", name, "Properties.VpcConfig", "The containers reach the internet, outside any VPC")
}
