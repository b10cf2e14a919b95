# title = "A Studio domain in its VPC alone has security groups"
# severity = "error"
# profile = "development"
# intent = """
# With VpcOnly the apps of a user start only with security groups, of the domain or of the user's profile. Without
# them no app starts.
# """
# fix = "Set DefaultUserSettings.SecurityGroups."
# sources = ["https://docs.aws.amazon.com/sagemaker/latest/dg/studio-notebooks-and-internet-access.html"]
# fails = """
# Resources:
#   Domain:
#     Type: AWS::SageMaker::Domain
#     Properties:
#       DomainName: studio
#       AuthMode: IAM
#       VpcId: vpc-0123456789abcdef0
#       SubnetIds: [subnet-0123456789abcdef0]
#       DefaultUserSettings: {ExecutionRole: "arn:aws:iam::111122223333:role/studio"}
#       AppNetworkAccessType: VpcOnly
# """
# passes = """
# Resources:
#   Domain:
#     Type: AWS::SageMaker::Domain
#     Properties:
#       DomainName: studio
#       AuthMode: IAM
#       VpcId: vpc-0123456789abcdef0
#       SubnetIds: [subnet-0123456789abcdef0]
#       DefaultUserSettings: 
#         ExecutionRole: arn:aws:iam::111122223333:role/studio
#         SecurityGroups: [sg-0123456789abcdef0]
#       AppNetworkAccessType: VpcOnly
# """
# ---
package ml_constructs

import rego.v1

# Profiles may bring their own groups; those of other templates are unknown, but hardly all do.
domain_security_groups_profiles(domain) if {
	some edge in input.resources[domain].incomingRefs
	input.resources[edge.source].resourceType == "AWS::SageMaker::UserProfile"
	not absent(edge.source, "Properties.UserSettings.SecurityGroups")
}

violation contains v if {
	some name in resources_of_type("AWS::SageMaker::Domain")
	certainly(name, "Properties.AppNetworkAccessType", ["VpcOnly"])
	absent(name, "Properties.DefaultUserSettings.SecurityGroups")
	not domain_security_groups_profiles(name)
	v := finding(
		"SAGEMAKER_DOMAIN_SECURITY_GROUPS", name, "Properties.DefaultUserSettings",
		"The Studio domain has no security groups for its apps",
	)
}
