# title = "Whoever creates SageMaker resources passes only the roles meant for them"
# severity = "error"
# profile = "development"
# intent = """
# iam:PassRole on every role beside sagemaker:Create* is all privileges of the account: one creates a notebook or a
# job with an administrator's role and runs code in it.
# """
# fix = "Name the execution roles in the statement's Resource, and sagemaker.amazonaws.com in a condition on iam:PassedToService."
# sources = [
#     "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html",
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html",
# ]
# controls = ["NIST.800-53.r5 AC-6"]
# fails = """
# Resources:
#   Policy:
#     Type: AWS::IAM::ManagedPolicy
#     Properties:
#       PolicyDocument:
#         Version: "2012-10-17"
#         Statement:
#           - {Effect: Allow, Action: ["sagemaker:CreateModel", "sagemaker:CreateEndpoint"], Resource: "arn:aws:sagemaker:*:*:*/churn*"}
#           - {Effect: Allow, Action: "iam:PassRole", Resource: "*"}
# """
# passes = """
# Resources:
#   Policy:
#     Type: AWS::IAM::ManagedPolicy
#     Properties:
#       PolicyDocument:
#         Version: "2012-10-17"
#         Statement:
#           - {Effect: Allow, Action: ["sagemaker:CreateModel", "sagemaker:CreateEndpoint"], Resource: "arn:aws:sagemaker:*:*:*/churn*"}
#           - Effect: Allow
#             Action: iam:PassRole
#             Resource: {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/churn-model"}
#             Condition: {StringEquals: {"iam:PassedToService": sagemaker.amazonaws.com}}
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some allowance in allowances
	some action in texts(allowance.statement.Action)
	covers(action, "iam:PassRole")
	unconditional(allowance.statement)
	some resource in listed(allowance.statement.Resource)
	regex.match(`^(\*|arn:[^/]*:(\*|role/\*+))$`, text_of(resource))
	pass_role_scope_creates(allowance.name)
	v := finding("SAGEMAKER_PASS_ROLE_SCOPE", allowance.name, allowance.path, "Every role can be passed to SageMaker")
}

# Policies that also allow the creation of something in SageMaker.
pass_role_scope_creates(policy) if {
	some allowance in allowances
	allowance.name == policy
	some action in texts(allowance.statement.Action)
	regex.match(`^(sagemaker:(\*|create)|\*$)`, lower(action))
}
