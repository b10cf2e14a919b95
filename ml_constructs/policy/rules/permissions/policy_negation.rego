# title = "No policy allows SageMaker all but a list"
# severity = "error"
# profile = "production"
# intent = """
# Allow with NotAction or NotResource grants whatever is not listed, and so what AWS adds tomorrow. It is meant for
# Deny.
# """
# fix = "List what is allowed in Action and Resource; deny the rest, if at all, by a statement with Effect Deny."
# sources = [
#     "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notaction.html",
#     "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notresource.html",
# ]
# controls = ["NIST.800-53.r5 AC-6"]
# fails = """
# Resources:
#   Role:
#     Type: AWS::IAM::Role
#     Properties:
#       AssumeRolePolicyDocument:
#         Version: "2012-10-17"
#         Statement: [{Effect: Allow, Principal: {Service: sagemaker.amazonaws.com}, Action: "sts:AssumeRole"}]
#       Policies:
#         - PolicyName: most
#           PolicyDocument:
#             Version: "2012-10-17"
#             Statement: [{Effect: Allow, NotAction: "iam:*", Resource: "*"}]
# """
# passes = """
# Resources:
#   Role:
#     Type: AWS::IAM::Role
#     Properties:
#       AssumeRolePolicyDocument:
#         Version: "2012-10-17"
#         Statement: [{Effect: Allow, Principal: {Service: sagemaker.amazonaws.com}, Action: "sts:AssumeRole"}]
#       Policies:
#         - PolicyName: artefacts
#           PolicyDocument:
#             Version: "2012-10-17"
#             Statement:
#               - {Effect: Allow, Action: "s3:GetObject", Resource: "arn:aws:s3:::models/churn/*"}
#               - {Effect: Deny, NotAction: "s3:GetObject", Resource: "*"}
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some role in execution_roles
	attached := policies_of(role)
	some allowance in allowances
	allowance.name in attached
	some key in ["NotAction", "NotResource"]
	allowance.statement[key]
	v := finding(
		"SAGEMAKER_POLICY_NEGATION", allowance.name, sprintf("%s.%s", [allowance.path, key]),
		sprintf("%s is allowed all but a list", [role]),
	)
}

violation contains v if {
	some allowance in allowances
	some action in texts(allowance.statement.Action)
	startswith(lower(action), "sagemaker:")
	allowance.statement.NotResource
	v := finding(
		"SAGEMAKER_POLICY_NEGATION", allowance.name, sprintf("%s.NotResource", [allowance.path]),
		sprintf("%s is allowed on all but a list", [action]),
	)
}
