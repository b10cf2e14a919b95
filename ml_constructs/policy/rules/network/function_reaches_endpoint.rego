# title = "A function in closed subnets reaches the endpoint that it invokes"
# severity = "error"
# profile = "development"
# intent = """
# A function in subnets with neither a route out nor an interface endpoint for the SageMaker runtime waits for each
# call until it times out.
# """
# fix = "Add an interface endpoint for sagemaker.runtime to the VPC, with private DNS."
# sources = [
#   "https://docs.aws.amazon.com/sagemaker/latest/dg/interface-vpc-endpoint.html",
#   "https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc-internet.html",
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
#   Role:
#     Type: AWS::IAM::Role
#     Properties:
#       AssumeRolePolicyDocument:
#         Version: "2012-10-17"
#         Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: "sts:AssumeRole"}]
#   Policy:
#     Type: AWS::IAM::Policy
#     Properties:
#       PolicyName: invoke
#       Roles: [{Ref: Role}]
#       PolicyDocument:
#         Version: "2012-10-17"
#         Statement:
#           - Effect: Allow
#             Action: "sagemaker:InvokeEndpoint"
#             Resource: arn:aws:sagemaker:us-east-1:111122223333:endpoint/churn
#   Function:
#     Type: AWS::Lambda::Function
#     Properties:
#       Role: {"Fn::GetAtt": [Role, Arn]}
#       Runtime: python3.13
#       Handler: index.handler
#       Code: {S3Bucket: code, S3Key: function.zip}
#       VpcConfig: {SecurityGroupIds: [sg-0123456789abcdef0], SubnetIds: [{Ref: Subnet}]}
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
#   Role:
#     Type: AWS::IAM::Role
#     Properties:
#       AssumeRolePolicyDocument:
#         Version: "2012-10-17"
#         Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: "sts:AssumeRole"}]
#   Policy:
#     Type: AWS::IAM::Policy
#     Properties:
#       PolicyName: invoke
#       Roles: [{Ref: Role}]
#       PolicyDocument:
#         Version: "2012-10-17"
#         Statement:
#           - Effect: Allow
#             Action: "sagemaker:InvokeEndpoint"
#             Resource: arn:aws:sagemaker:us-east-1:111122223333:endpoint/churn
#   Function:
#     Type: AWS::Lambda::Function
#     Properties:
#       Role: {"Fn::GetAtt": [Role, Arn]}
#       Runtime: python3.13
#       Handler: index.handler
#       Code: {S3Bucket: code, S3Key: function.zip}
#       VpcConfig: {SecurityGroupIds: [sg-0123456789abcdef0], SubnetIds: [{Ref: Subnet}]}
#   Runtime:
#     Type: AWS::EC2::VPCEndpoint
#     Properties:
#       VpcId: {Ref: Vpc}
#       ServiceName: {"Fn::Sub": "com.amazonaws.${AWS::Region}.sagemaker.runtime"}
#       VpcEndpointType: Interface
#       SubnetIds: [{Ref: Subnet}]
# """
# ---
package ml_constructs

import rego.v1

function_reaches_endpoint_runtime(endpoint) if {
	contains(json.marshal(input.resources[endpoint].properties.ServiceName), ".sagemaker.runtime")
}

# An endpoint whose service only the deployment knows may be the one.
function_reaches_endpoint_runtime(endpoint) if for_anything(endpoint)

violation contains v if {
	some name in invoking_functions
	some edge in input.resources[name].outgoingRefs
	startswith(edge.sourcePath, "Properties.VpcConfig.SubnetIds")
	not edge.conditionContext
	closed_subnet(edge.target)
	vpc := follow_ref(edge.target, "Properties.VpcId")
	reached := {endpoint |
		some endpoint in resources_of_type("AWS::EC2::VPCEndpoint")
		follow_ref(endpoint, "Properties.VpcId") == vpc
		function_reaches_endpoint_runtime(endpoint)
	}
	count(reached) == 0
	v := finding(
		"SAGEMAKER_FUNCTION_REACHES_ENDPOINT", name, "Properties.VpcConfig.SubnetIds",
		"The function cannot reach the SageMaker runtime",
	)
}
