# title = "Users of a Studio domain can be told apart"
# severity = "warning"
# profile = "regulated"
# intent = """
# All apps with one execution role act as one principal: a trail says that the role read the data, not who did.
# """
# fix = "Set DomainSettings.ExecutionRoleIdentityConfig to USER_PROFILE_NAME, or give each profile a role of its own."
# sources = ["https://docs.aws.amazon.com/sagemaker/latest/dg/monitor-user-access.html"]
# controls = ["NIST.800-53.r5 AU-10"]
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
#   Ada:
#     Type: AWS::SageMaker::UserProfile
#     Properties:
#       DomainId: {Ref: Domain}
#       UserProfileName: ada
#   Grace:
#     Type: AWS::SageMaker::UserProfile
#     Properties:
#       DomainId: {Ref: Domain}
#       UserProfileName: grace
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
#       DefaultUserSettings: {ExecutionRole: "arn:aws:iam::111122223333:role/studio"}
#       DomainSettings: {ExecutionRoleIdentityConfig: USER_PROFILE_NAME}
#   Ada:
#     Type: AWS::SageMaker::UserProfile
#     Properties:
#       DomainId: {Ref: Domain}
#       UserProfileName: ada
#   Grace:
#     Type: AWS::SageMaker::UserProfile
#     Properties:
#       DomainId: {Ref: Domain}
#       UserProfileName: grace
# """
# ---
package ml_constructs

import rego.v1

# The role of a profile, `""` for that of its domain; undefined if only the deployment knows.
profile_identity_role(name) := "" if not has_property(name, "Properties.UserSettings.ExecutionRole")

profile_identity_role(name) := resolve(name, "Properties.UserSettings.ExecutionRole")

violation contains v if {
	some name in resources_of_type("AWS::SageMaker::Domain")
	certainly(name, "Properties.DomainSettings.ExecutionRoleIdentityConfig", [null, "DISABLED"])
	roles := [profile_identity_role(edge.source) |
		some edge in input.resources[name].incomingRefs
		input.resources[edge.source].resourceType == "AWS::SageMaker::UserProfile"
	]
	count({role | some role in roles}) < count(roles)
	v := finding(
		"SAGEMAKER_PROFILE_IDENTITY", name, "Properties.DomainSettings",
		"Users of the Studio domain share an execution role",
	)
}
