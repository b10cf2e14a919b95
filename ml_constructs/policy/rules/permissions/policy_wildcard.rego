# title = "No policy allows all that SageMaker can do"
# severity = "error"
# profile = "production"
# intent = """
# sagemaker:* comprises deleting endpoints, approving models, opening notebooks of others and, with iam:PassRole,
# running any container with any role that SageMaker may assume.
# """
# fix = "Name the actions that are used."
# sources = ["https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html"]
# controls = ["NIST.800-53.r5 AC-6"]
# fails = """
# Resources:
#   Policy:
#     Type: AWS::IAM::ManagedPolicy
#     Properties:
#       PolicyDocument:
#         Version: "2012-10-17"
#         Statement: [{Effect: Allow, Action: "sagemaker:*", Resource: "*"}]
# """
# passes = """
# Resources:
#   Policy:
#     Type: AWS::IAM::ManagedPolicy
#     Properties:
#       PolicyDocument:
#         Version: "2012-10-17"
#         Statement: [{Effect: Allow, Action: ["sagemaker:DescribeEndpoint", "sagemaker:List*"], Resource: "*"}]
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some allowance in allowances
	some action in texts(allowance.statement.Action)
	regex.match(`^sagemaker:\*+$`, lower(action))
	v := finding("SAGEMAKER_POLICY_WILDCARD", allowance.name, allowance.path, sprintf("%s is allowed", [action]))
}
