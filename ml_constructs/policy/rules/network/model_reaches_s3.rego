# title = "A model in closed subnets reaches its artefacts"
# severity = "error"
# profile = "development"
# intent = """
# An instance in a VPC fetches the artefacts of its model through that VPC. Subnets with neither a route out nor an
# endpoint for S3 let every deployment fail, after the minutes that SageMaker waits for the download.
# """
# fix = "Add a gateway endpoint for S3 with the route tables of the subnets."
# sources = [
#   "https://docs.aws.amazon.com/sagemaker/latest/dg/host-vpc.html",
#   "https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-s3.html",
# ]
# fails = """
# Resources:
#   Vpc:
#     Type: AWS::EC2::VPC
#     Properties: {CidrBlock: 10.0.0.0/16}
#   Subnet:
#     Type: AWS::EC2::Subnet
#     Properties: {VpcId: {Ref: Vpc}, CidrBlock: 10.0.0.0/24, AvailabilityZone: us-east-1a}
#   Table:
#     Type: AWS::EC2::RouteTable
#     Properties: {VpcId: {Ref: Vpc}}
#   Association:
#     Type: AWS::EC2::SubnetRouteTableAssociation
#     Properties: {RouteTableId: {Ref: Table}, SubnetId: {Ref: Subnet}}
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
#   Table:
#     Type: AWS::EC2::RouteTable
#     Properties: {VpcId: {Ref: Vpc}}
#   Association:
#     Type: AWS::EC2::SubnetRouteTableAssociation
#     Properties: {RouteTableId: {Ref: Table}, SubnetId: {Ref: Subnet}}
#   S3:
#     Type: AWS::EC2::VPCEndpoint
#     Properties:
#       VpcId: {Ref: Vpc}
#       ServiceName: {"Fn::Sub": "com.amazonaws.${AWS::Region}.s3"}
#       VpcEndpointType: Gateway
#       RouteTableIds: [{Ref: Table}]
#   Model:
#     Type: AWS::SageMaker::Model
#     Properties:
#       ExecutionRoleArn: arn:aws:iam::111122223333:role/model
#       PrimaryContainer:
#         Image: 111122223333.dkr.ecr.us-east-1.amazonaws.com/model@sha256:0
#         ModelDataUrl: s3://models/model.tar.gz
#       VpcConfig: {SecurityGroupIds: [sg-0123456789abcdef0], Subnets: [{Ref: Subnet}]}
# """
# ---
package ml_constructs

import rego.v1

model_reaches_s3_brings(endpoint, _) if {
	object.get(input.resources[endpoint].properties, "VpcEndpointType", "Gateway") != "Gateway"
	contains(json.marshal(input.resources[endpoint].properties.ServiceName), ".s3")
}

model_reaches_s3_brings(endpoint, tables) if {
	contains(json.marshal(input.resources[endpoint].properties.ServiceName), ".s3")
	some edge in input.resources[endpoint].outgoingRefs
	edge.target in tables
}

# Tables or a service that only the deployment knows may bring S3 there, too.
model_reaches_s3_brings(endpoint, _) if {
	not is_array(object.get(input.resources[endpoint].properties, "RouteTableIds", []))
}

model_reaches_s3_brings(endpoint, _) if {
	for_anything(endpoint)
	not contains(json.marshal(object.get(input.resources[endpoint].properties, "PolicyDocument", "")), "sagemaker:")
}

violation contains v if {
	some name in resources_of_type("AWS::SageMaker::Model")
	some edge in input.resources[name].outgoingRefs
	startswith(edge.sourcePath, "Properties.VpcConfig.Subnets")
	not edge.conditionContext
	closed_subnet(edge.target)
	vpc := follow_ref(edge.target, "Properties.VpcId")
	tables := route_tables(edge.target)
	reached := {endpoint |
		some endpoint in resources_of_type("AWS::EC2::VPCEndpoint")
		follow_ref(endpoint, "Properties.VpcId") == vpc
		model_reaches_s3_brings(endpoint, tables)
	}
	count(reached) == 0
	v := finding(
		"SAGEMAKER_MODEL_REACHES_S3", name, "Properties.VpcConfig.Subnets",
		"The instances of the model cannot fetch it from S3",
	)
}
