# Subnets, security groups and VPC endpoints.
package ml_constructs

import rego.v1

# The route tables of a subnet.
route_tables(subnet) := {table |
	edge := input.resources[subnet].incomingRefs[_]
	input.resources[edge.source].resourceType == "AWS::EC2::SubnetRouteTableAssociation"
	table := follow_ref(edge.source, "Properties.RouteTableId")
}

# A subnet that the template gives a table without any route: it reaches its VPC, and what endpoints bring there.
closed_subnet(subnet) if {
	tables := route_tables(subnet)
	count(tables) > 0
	every table in tables {
		every edge in input.resources[table].incomingRefs {
			not input.resources[edge.source].resourceType in ["AWS::EC2::Route", "AWS::EC2::VPNGatewayRoutePropagation"]
		}
	}
}

# Subnets of which all are in one zone: a single one, or several whose zones the template says.
in_one_zone(subnets) if {
	is_array(subnets)
	count(subnets) == 1
	not subnets[0].__conditional
	not subnets[0].__dynamic
}

in_one_zone(subnets) if {
	is_array(subnets)
	zones := [zone | zone := input.resources[subnets[_].__ref].properties.AvailabilityZone; is_string(zone)]
	count(zones) == count(subnets)
	count({zone | some zone in zones}) == 1
}

# Security groups of the template that let every address in, by a rule inside them or beside them.
open_to_everybody(group) if lets_everybody_in(input.resources[group].properties.SecurityGroupIngress[_])

open_to_everybody(group) if {
	some name in resources_of_type("AWS::EC2::SecurityGroupIngress")
	input.resources[name].condition == null
	input.resources[name].properties.GroupId.__ref == group
	lets_everybody_in(input.resources[name].properties)
}

lets_everybody_in(rule) if rule.CidrIp == "0.0.0.0/0"

lets_everybody_in(rule) if rule.CidrIpv6 == "::/0"

# VPC endpoints for SageMaker. A name joined under a condition is not known, what the endpoint lets through is.
for_sagemaker(endpoint) if {
	contains(json.marshal(input.resources[endpoint].properties.ServiceName), ".sagemaker.")
}

for_sagemaker(endpoint) if {
	contains(json.marshal(input.resources[endpoint].properties.PolicyDocument), "sagemaker:")
}

# VPC endpoints of which only the deployment knows the service.
for_anything(endpoint) if {
	unknown := input.resources[endpoint].properties.ServiceName.__dynamic
	not regex.match(`[.]amazonaws[.].*[.][a-z0-9-]+$`, unknown)
}
