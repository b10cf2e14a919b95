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

# VPC endpoints for SageMaker. A name joined under a condition is not known, what the endpoint lets through is.
vpc_endpoint_zones_for_sagemaker(endpoint) if {
	contains(json.marshal(input.resources[endpoint].properties.ServiceName), ".sagemaker.")
}

vpc_endpoint_zones_for_sagemaker(endpoint) if {
	contains(json.marshal(input.resources[endpoint].properties.PolicyDocument), "sagemaker:")
}

vpc_endpoint_zones_single(name) if {
	subnets := input.resources[name].properties.SubnetIds
	is_array(subnets)
	count(subnets) == 1
	not subnets[0].__conditional
	not subnets[0].__dynamic
}

# Subnets of the template, each in a zone that is known, and all in the same.
vpc_endpoint_zones_single(name) if {
	subnets := input.resources[name].properties.SubnetIds
	is_array(subnets)
	zones := [zone | some subnet in subnets; zone := resolve(subnet.__ref, "Properties.AvailabilityZone"); is_string(zone)]
	count(zones) == count(subnets)
	count({zone | some zone in zones}) == 1
}

violation contains v if {
	some name in resources_of_type("AWS::EC2::VPCEndpoint")
	vpc_endpoint_zones_for_sagemaker(name)
	vpc_endpoint_zones_single(name)
	v := finding(
		"SAGEMAKER_VPC_ENDPOINT_ZONES", name, "Properties.SubnetIds",
		"The VPC endpoint is in a single Availability Zone",
	)
}
