# title = "The policy of a VPC endpoint for SageMaker allows only what is needed"
# severity = "error"
# profile = "regulated"
# intent = """
# The default policy lets everybody in the VPC call everything through the endpoint, also with credentials and on
# resources of another account: a way out for data that no role of yours closes.
# """
# fix = "Set PolicyDocument of the VPC endpoint to the actions and resources that the VPC needs."
# sources = [
#   "https://docs.aws.amazon.com/sagemaker/latest/dg/interface-vpc-endpoint.html",
#   "https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html",
# ]
# controls = ["NIST.800-53.r5 AC-4"]
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
#       SubnetIds: [subnet-0123456789abcdef0]
#       PolicyDocument:
#         Version: "2012-10-17"
#         Statement:
#           - Effect: Allow
#             Principal: "*"
#             Action: "sagemaker:InvokeEndpoint"
#             Resource: "arn:aws:sagemaker:us-east-1:111122223333:endpoint/churn"
# """
# ---
package ml_constructs

import rego.v1

vpc_endpoint_policy_open(name) if absent(name, "Properties.PolicyDocument")

vpc_endpoint_policy_open(name) if {
	some statement in listed(input.resources[name].properties.PolicyDocument.Statement)
	statement.Effect == "Allow"
	statement.Action in ["*", "sagemaker:*", ["*"], ["sagemaker:*"]]
	statement.Resource in ["*", ["*"]]
	"*" in principals_of(statement)
	unconditional(statement)
}

violation contains v if {
	some name in resources_of_type("AWS::EC2::VPCEndpoint")
	for_sagemaker(name)
	vpc_endpoint_policy_open(name)
	v := finding(
		"SAGEMAKER_VPC_ENDPOINT_POLICY", name, "Properties.PolicyDocument",
		"The VPC endpoint lets everybody call everything",
	)
}
