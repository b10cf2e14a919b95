# title = "A VPC endpoint for SageMaker is open to its callers alone"
# severity = "error"
# profile = "production"
# intent = """
# A security group that lets every address in lets in whatever is ever connected to the VPC: peers, transit gateways,
# networks of the company.
# """
# fix = "Allow port 443 from the security groups of the callers."
# sources = ["https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html"]
# controls = ["NIST.800-53.r5 AC-4"]
# fails = """
# Resources:
#   Group:
#     Type: AWS::EC2::SecurityGroup
#     Properties:
#       GroupDescription: endpoint
#       VpcId: vpc-0123456789abcdef0
#       SecurityGroupIngress:
#         - {IpProtocol: tcp, FromPort: 443, ToPort: 443, CidrIp: 0.0.0.0/0}
#   Runtime:
#     Type: AWS::EC2::VPCEndpoint
#     Properties:
#       VpcId: vpc-0123456789abcdef0
#       ServiceName: {"Fn::Sub": "com.amazonaws.${AWS::Region}.sagemaker.runtime"}
#       VpcEndpointType: Interface
#       SecurityGroupIds: [{"Fn::GetAtt": [Group, GroupId]}]
# """
# passes = """
# Resources:
#   Group:
#     Type: AWS::EC2::SecurityGroup
#     Properties:
#       GroupDescription: endpoint
#       VpcId: vpc-0123456789abcdef0
#       SecurityGroupIngress:
#         - {IpProtocol: tcp, FromPort: 443, ToPort: 443, SourceSecurityGroupId: sg-0123456789abcdef0}
#   Runtime:
#     Type: AWS::EC2::VPCEndpoint
#     Properties:
#       VpcId: vpc-0123456789abcdef0
#       ServiceName: {"Fn::Sub": "com.amazonaws.${AWS::Region}.sagemaker.runtime"}
#       VpcEndpointType: Interface
#       SecurityGroupIds: [{"Fn::GetAtt": [Group, GroupId]}]
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some name in resources_of_type("AWS::EC2::VPCEndpoint")
	for_sagemaker(name)
	some edge in input.resources[name].outgoingRefs
	startswith(edge.sourcePath, "Properties.SecurityGroupIds")
	not edge.conditionContext
	open_to_everybody(edge.target)
	v := finding(
		"SAGEMAKER_VPC_ENDPOINT_INGRESS", name, "Properties.SecurityGroupIds",
		sprintf("%v lets every address call the VPC endpoint", [edge.target]),
	)
}
