# title = "An execution role can be passed to SageMaker alone"
# severity = "warning"
# profile = "regulated"
# intent = """
# Without a condition on iam:PassedToService, whoever may pass the role may pass it to every service that the role
# trusts, now and after a later change of its trust policy.
# """
# fix = "Add the condition StringEquals iam:PassedToService sagemaker.amazonaws.com to the statement."
# sources = ["https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html"]
# controls = ["NIST.800-53.r5 AC-6"]
# fails = """
# Resources:
#   Role:
#     Type: AWS::IAM::Role
#     Properties:
#       AssumeRolePolicyDocument:
#         Version: "2012-10-17"
#         Statement: [{Effect: Allow, Principal: {Service: sagemaker.amazonaws.com}, Action: "sts:AssumeRole"}]
#   Policy:
#     Type: AWS::IAM::ManagedPolicy
#     Properties:
#       PolicyDocument:
#         Version: "2012-10-17"
#         Statement: [{Effect: Allow, Action: "iam:PassRole", Resource: {"Fn::GetAtt": [Role, Arn]}}]
# """
# passes = """
# Resources:
#   Role:
#     Type: AWS::IAM::Role
#     Properties:
#       AssumeRolePolicyDocument:
#         Version: "2012-10-17"
#         Statement: [{Effect: Allow, Principal: {Service: sagemaker.amazonaws.com}, Action: "sts:AssumeRole"}]
#   Policy:
#     Type: AWS::IAM::ManagedPolicy
#     Properties:
#       PolicyDocument:
#         Version: "2012-10-17"
#         Statement:
#           - Effect: Allow
#             Action: iam:PassRole
#             Resource: {"Fn::GetAtt": [Role, Arn]}
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
	resource.__ref in execution_roles
	v := finding(
		"SAGEMAKER_PASS_ROLE_SERVICE", allowance.name, allowance.path,
		sprintf("%s can be passed to any service that it trusts", [resource.__ref]),
	)
}
