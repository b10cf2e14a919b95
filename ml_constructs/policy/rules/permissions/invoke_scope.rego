# title = "A permission to invoke names the endpoints it is for"
# severity = "error"
# profile = "production"
# intent = """
# On `*`, or on `endpoint/*`, a caller reaches every model of the account, those of other teams and of tomorrow
# included: their answers, and their bills.
# """
# fix = "Name the endpoint: arn:<partition>:sagemaker:<region>:<account>:endpoint/<name in lower case>."
# sources = [
#     "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html",
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/security_iam_id-based-policy-examples.html",
# ]
# controls = ["NIST.800-53.r5 AC-6"]
# fails = """
# Resources:
#   Policy:
#     Type: AWS::IAM::ManagedPolicy
#     Properties:
#       PolicyDocument:
#         Version: "2012-10-17"
#         Statement: [{Effect: Allow, Action: "sagemaker:InvokeEndpoint", Resource: "*"}]
# """
# passes = """
# Resources:
#   Policy:
#     Type: AWS::IAM::ManagedPolicy
#     Properties:
#       PolicyDocument:
#         Version: "2012-10-17"
#         Statement:
#           - Effect: Allow
#             Action: sagemaker:InvokeEndpoint
#             Resource: {"Fn::Sub": "arn:${AWS::Partition}:sagemaker:${AWS::Region}:${AWS::AccountId}:endpoint/churn"}
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some allowance in allowances
	unconditional(allowance.statement)
	some action in texts(allowance.statement.Action)
	startswith(lower(action), "sagemaker:invoke")
	some resource in listed(allowance.statement.Resource)
	regex.match(`^(\*|arn:[^/]*\*|arn:[^/]*:(\*|endpoint)/\*+)$`, text_of(resource))
	v := finding(
		"SAGEMAKER_INVOKE_SCOPE", allowance.name, allowance.path,
		sprintf("%s is allowed on every endpoint", [action]),
	)
}
