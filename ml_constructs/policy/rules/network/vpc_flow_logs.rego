# title = "Traffic in the VPC of a model is logged"
# severity = "error"
# profile = "regulated"
# intent = """
# After an incident the flow log is the only record of what instances, notebooks and callers connected to.
# """
# fix = "Add an AWS::EC2::FlowLog for the VPC."
# sources = [
#   "https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs.html",
#   "https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html",
# ]
# controls = ["SecurityHub EC2.6", "NIST.800-53.r5 AU-12"]
# fails = """
# Resources:
#   Vpc:
#     Type: AWS::EC2::VPC
#     Properties: {CidrBlock: 10.0.0.0/16}
#   Subnet:
#     Type: AWS::EC2::Subnet
#     Properties: {VpcId: {Ref: Vpc}, CidrBlock: 10.0.0.0/24, AvailabilityZone: us-east-1a}
#   Model:
#     Type: AWS::SageMaker::Model
#     Properties:
#       ExecutionRoleArn: arn:aws:iam::111122223333:role/model
#       PrimaryContainer:
#         Image: 111122223333.dkr.ecr.us-east-1.amazonaws.com/model@sha256:0
#         ModelDataUrl: s3://models/model.tar.gz
#       VpcConfig: {SecurityGroupIds: [sg-0123456789abcdef0], Subnets: [{Ref: Subnet}]}
# """
# passes = """
# Resources:
#   Vpc:
#     Type: AWS::EC2::VPC
#     Properties: {CidrBlock: 10.0.0.0/16}
#   Subnet:
#     Type: AWS::EC2::Subnet
#     Properties: {VpcId: {Ref: Vpc}, CidrBlock: 10.0.0.0/24, AvailabilityZone: us-east-1a}
#   Model:
#     Type: AWS::SageMaker::Model
#     Properties:
#       ExecutionRoleArn: arn:aws:iam::111122223333:role/model
#       PrimaryContainer:
#         Image: 111122223333.dkr.ecr.us-east-1.amazonaws.com/model@sha256:0
#         ModelDataUrl: s3://models/model.tar.gz
#       VpcConfig: {SecurityGroupIds: [sg-0123456789abcdef0], Subnets: [{Ref: Subnet}]}
#   Flow:
#     Type: AWS::EC2::FlowLog
#     Properties:
#       ResourceType: VPC
#       ResourceId: {Ref: Vpc}
#       TrafficType: ALL
#       LogDestinationType: s3
#       LogDestination: arn:aws:s3:::flow-logs
# """
# ---
package ml_constructs

import rego.v1

# VPCs whose subnets a SageMaker resource names.
vpc_flow_logs_hosts(vpc) if {
	some subnet in input.resources[vpc].incomingRefs
	input.resources[subnet.source].resourceType == "AWS::EC2::Subnet"
	some user in input.resources[subnet.source].incomingRefs
	startswith(input.resources[user.source].resourceType, "AWS::SageMaker::")
}

# A log of something that only the deployment knows may be of this VPC.
vpc_flow_logs_logged(vpc) if {
	some name in resources_of_type("AWS::EC2::FlowLog")
	not follow_ref(name, "Properties.ResourceId") in {other |
		some other in resources_of_type("AWS::EC2::VPC")
		other != vpc
	}
}

violation contains v if {
	some name in resources_of_type("AWS::EC2::VPC")
	vpc_flow_logs_hosts(name)
	not vpc_flow_logs_logged(name)
	v := finding("SAGEMAKER_VPC_FLOW_LOGS", name, "Properties", "The VPC of SageMaker resources has no flow log")
}
