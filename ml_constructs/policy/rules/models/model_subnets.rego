# title = "A model has subnets in two Availability Zones"
# severity = "error"
# profile = "production"
# intent = """
# SageMaker spreads instances over the zones of the model's subnets. With one zone all of them stop together when it
# does, however many there are.
# """
# fix = "Name subnets in at least two Availability Zones in VpcConfig.Subnets."
# sources = [
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/host-vpc.html",
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-best-practices.html",
# ]
# controls = ["NIST.800-53.r5 SC-36"]
# fails = """
# Resources:
#   Model:
#     Type: AWS::SageMaker::Model
#     Properties:
#       ExecutionRoleArn: arn:aws:iam::111122223333:role/model
#       PrimaryContainer: {Image: '111122223333.dkr.ecr.eu-west-1.amazonaws.com/churn:1'}
#       VpcConfig: {Subnets: [subnet-1], SecurityGroupIds: [sg-1]}
# """
# passes = """
# Resources:
#   Model:
#     Type: AWS::SageMaker::Model
#     Properties:
#       ExecutionRoleArn: arn:aws:iam::111122223333:role/model
#       PrimaryContainer: {Image: '111122223333.dkr.ecr.eu-west-1.amazonaws.com/churn:1'}
#       VpcConfig: {Subnets: [subnet-1, subnet-2], SecurityGroupIds: [sg-1]}
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some type in ["AWS::SageMaker::Model", "AWS::SageMaker::EndpointConfig"]
	some name in resources_of_type(type)
	subnets := input.resources[name].properties.VpcConfig.Subnets
	in_one_zone(subnets)
	v := finding("SAGEMAKER_MODEL_SUBNETS", name, "Properties.VpcConfig.Subnets", "All subnets are in one Availability Zone")
}
