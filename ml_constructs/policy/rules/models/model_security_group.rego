# title = "A model's security groups let nobody in from everywhere"
# severity = "error"
# profile = "production"
# intent = """
# Callers reach an endpoint through SageMaker and never through the network interfaces in the VPC, so nothing on the
# internet has to be let in there; whoever gets in stands beside the containers.
# """
# fix = "Drop ingress rules from 0.0.0.0/0 and ::/0; a model needs none."
# sources = [
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/host-vpc.html",
#     "https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html",
# ]
# controls = ["NIST.800-53.r5 SC-7"]
# fails = """
# Resources:
#   Model:
#     Type: AWS::SageMaker::Model
#     Properties:
#       ExecutionRoleArn: arn:aws:iam::111122223333:role/model
#       PrimaryContainer: {Image: '111122223333.dkr.ecr.eu-west-1.amazonaws.com/churn:1'}
#       VpcConfig: {Subnets: [subnet-1, subnet-2], SecurityGroupIds: [{"Fn::GetAtt": [Group, GroupId]}]}
#   Group:
#     Type: AWS::EC2::SecurityGroup
#     Properties:
#       GroupDescription: model
#       VpcId: vpc-0123456789abcdef0
#       SecurityGroupIngress: [{IpProtocol: tcp, FromPort: 8080, ToPort: 8080, CidrIp: 0.0.0.0/0}]
# """
# passes = """
# Resources:
#   Model:
#     Type: AWS::SageMaker::Model
#     Properties:
#       ExecutionRoleArn: arn:aws:iam::111122223333:role/model
#       PrimaryContainer: {Image: '111122223333.dkr.ecr.eu-west-1.amazonaws.com/churn:1'}
#       VpcConfig: {Subnets: [subnet-1, subnet-2], SecurityGroupIds: [{"Fn::GetAtt": [Group, GroupId]}]}
#   Group:
#     Type: AWS::EC2::SecurityGroup
#     Properties:
#       GroupDescription: model
#       VpcId: vpc-0123456789abcdef0
#       SecurityGroupIngress: [{IpProtocol: tcp, FromPort: 8080, ToPort: 8080, CidrIp: 10.0.0.0/16}]
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some type in ["AWS::SageMaker::Model", "AWS::SageMaker::EndpointConfig"]
	some name in resources_of_type(type)
	group := input.resources[name].properties.VpcConfig.SecurityGroupIds[_]
	input.resources[group.__ref].resourceType == "AWS::EC2::SecurityGroup"
	open_to_everybody(group.__ref)
	v := finding(
		"SAGEMAKER_MODEL_SECURITY_GROUP", name, "Properties.VpcConfig.SecurityGroupIds",
		sprintf("The security group %s lets everybody in", [group.__ref]),
	)
}
