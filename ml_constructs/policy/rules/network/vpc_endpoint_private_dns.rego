# title = "Callers find a VPC endpoint for SageMaker by its usual name"
# severity = "warning"
# profile = "production"
# intent = """
# Without private DNS the name that every SDK uses leads to the public address of the service: calls from closed
# subnets time out, others leave the VPC although there is an endpoint.
# """
# fix = "Set PrivateDnsEnabled to true, or add a private hosted zone for the name."
# sources = [
#   "https://docs.aws.amazon.com/sagemaker/latest/dg/interface-vpc-endpoint.html",
#   "https://docs.aws.amazon.com/vpc/latest/privatelink/privatelink-access-aws-services.html",
# ]
# fails = """
# Resources:
#   Runtime:
#     Type: AWS::EC2::VPCEndpoint
#     Properties:
#       VpcId: vpc-0123456789abcdef0
#       ServiceName: {"Fn::Sub": "com.amazonaws.${AWS::Region}.sagemaker.runtime"}
#       VpcEndpointType: Interface
#       PrivateDnsEnabled: false
# """
# passes = """
# Resources:
#   Runtime:
#     Type: AWS::EC2::VPCEndpoint
#     Properties:
#       VpcId: vpc-0123456789abcdef0
#       ServiceName: {"Fn::Sub": "com.amazonaws.${AWS::Region}.sagemaker.runtime"}
#       VpcEndpointType: Interface
#       PrivateDnsEnabled: true
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some name in resources_of_type("AWS::EC2::VPCEndpoint")
	for_sagemaker(name)
	certainly(name, "Properties.PrivateDnsEnabled", [false, "false"])
	not exists("AWS::Route53::HostedZone")
	v := finding(
		"SAGEMAKER_VPC_ENDPOINT_PRIVATE_DNS", name, "Properties.PrivateDnsEnabled",
		"Callers find the VPC endpoint only by a name of its own",
	)
}
