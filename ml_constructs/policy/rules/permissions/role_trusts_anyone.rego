# title = "A role that uses SageMaker is not open to every AWS account"
# severity = "error"
# profile = "development"
# intent = """
# A trust policy with the principal `*` and no condition lets any account in the world assume the role, and use its
# models.
# """
# fix = "Name the accounts or roles that may assume the role."
# sources = ["https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html"]
# controls = ["NIST.800-53.r5 AC-3", "NIST.800-53.r5 AC-6"]
# fails = """
# Resources:
#   Caller:
#     Type: AWS::IAM::Role
#     Properties:
#       AssumeRolePolicyDocument:
#         Version: "2012-10-17"
#         Statement: [{Effect: Allow, Principal: {AWS: "*"}, Action: "sts:AssumeRole"}]
#       Policies:
#         - PolicyName: invoke
#           PolicyDocument:
#             Version: "2012-10-17"
#             Statement: [{Effect: Allow, Action: "sagemaker:InvokeEndpoint", Resource: "arn:aws:sagemaker:eu-west-1:111122223333:endpoint/churn"}]
# """
# passes = """
# Resources:
#   Caller:
#     Type: AWS::IAM::Role
#     Properties:
#       AssumeRolePolicyDocument:
#         Version: "2012-10-17"
#         Statement: [{Effect: Allow, Principal: {AWS: "arn:aws:iam::444455556666:role/shop"}, Action: "sts:AssumeRole"}]
#       Policies:
#         - PolicyName: invoke
#           PolicyDocument:
#             Version: "2012-10-17"
#             Statement: [{Effect: Allow, Action: "sagemaker:InvokeEndpoint", Resource: "arn:aws:sagemaker:eu-west-1:111122223333:endpoint/churn"}]
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some role in resources_of_type("AWS::IAM::Role")
	some index, statement in listed(input.resources[role].properties.AssumeRolePolicyDocument.Statement)
	statement.Effect == "Allow"
	unconditional(statement)
	"*" in principals_of(statement)
	role_trusts_anyone_uses(role)
	v := finding(
		"SAGEMAKER_ROLE_TRUSTS_ANYONE", role, sprintf("Properties.AssumeRolePolicyDocument.Statement.%d", [index]),
		"Any AWS account may assume the role",
	)
}

# Roles that SageMaker assumes, or that may do something in it.
role_trusts_anyone_uses(role) if role in execution_roles

role_trusts_anyone_uses(role) if {
	attached := policies_of(role)
	some allowance in allowances
	allowance.name in attached
	some action in texts(allowance.statement.Action)
	startswith(lower(action), "sagemaker:")
}
