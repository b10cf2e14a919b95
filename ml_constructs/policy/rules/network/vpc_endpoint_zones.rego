# title = "A VPC endpoint for SageMaker is in two Availability Zones"
# severity = "error"
# profile = "production"
# intent = """
# An interface endpoint has an address in each of its subnets. With one, the failure of that zone cuts every caller
# off from models that still run.
# """
# fix = "Give SubnetIds a subnet in each of at least two zones."
# sources = [
#   "https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html",
#   "https://docs.aws.amazon.com/sagemaker/latest/dg/interface-vpc-endpoint.html",
# ]
# controls = ["NIST.800-53.r5 CP-10"]
# fails = """
# Resources:
#   Runtime:
#     Type: AWS::EC2::VPCEndpoint
#     Properties:
#       VpcId: vpc-0123456789abcdef0
#       ServiceName: {"Fn::Sub": "com.amazonaws.${AWS::Region}.sagemaker.runtime"}
#       VpcEndpointType: Interface
#       SubnetIds: [subnet-0123456789abcdef0]
# """
# passes = """
# Resources:
#   Runtime:
#     Type: AWS::EC2::VPCEndpoint
#     Properties:
#       VpcId: vpc-0123456789abcdef0
#       ServiceName: {"Fn::Sub": "com.amazonaws.${AWS::Region}.sagemaker.runtime"}
#       VpcEndpointType: Interface
#       SubnetIds: [subnet-0123456789abcdef0, subnet-0123456789abcdef1]
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some name in resources_of_type("AWS::EC2::VPCEndpoint")
	for_sagemaker(name)
	in_one_zone(input.resources[name].properties.SubnetIds)
	v := finding(
		"SAGEMAKER_VPC_ENDPOINT_ZONES", name, "Properties.SubnetIds",
		"The VPC endpoint is in a single Availability Zone",
	)
}
