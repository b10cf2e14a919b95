# title = "A role that SageMaker assumes names the account it works for"
# severity = "error"
# profile = "production"
# intent = """
# Without aws:SourceAccount or aws:SourceArn in its trust policy, SageMaker may be led to use the role for somebody
# else's resources: the confused deputy. AWS documents the keys for inference, transform, training and processing
# jobs, pipelines and Studio; roles of notebook instances are left out here.
# """
# fix = "Add the condition StringEquals aws:SourceAccount with the account's id to the statement for sagemaker.amazonaws.com."
# sources = ["https://docs.aws.amazon.com/sagemaker/latest/dg/security-confused-deputy-prevention.html"]
# controls = ["NIST.800-53.r5 AC-6"]
# fails = """
# Resources:
#   Role:
#     Type: AWS::IAM::Role
#     Properties:
#       AssumeRolePolicyDocument:
#         Version: "2012-10-17"
#         Statement: [{Effect: Allow, Principal: {Service: sagemaker.amazonaws.com}, Action: "sts:AssumeRole"}]
# """
# passes = """
# Resources:
#   Role:
#     Type: AWS::IAM::Role
#     Properties:
#       AssumeRolePolicyDocument:
#         Version: "2012-10-17"
#         Statement:
#           - Effect: Allow
#             Principal: {Service: sagemaker.amazonaws.com}
#             Action: sts:AssumeRole
#             Condition: {StringEquals: {"aws:SourceAccount": {Ref: "AWS::AccountId"}}}
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some trust in trusting
	startswith(trust.service, "sagemaker.amazonaws.com")
	not role_confused_deputy_source(object.get(trust.statement, "Condition", {}))
	not role_confused_deputy_notebook(trust.role)
	v := finding(
		"SAGEMAKER_ROLE_CONFUSED_DEPUTY", trust.role, sprintf("Properties.AssumeRolePolicyDocument.Statement.%d", [trust.index]),
		"SageMaker may assume the role on behalf of any account",
	)
}

# Whether a condition says on whose behalf a service acts, or cannot be read.
role_confused_deputy_source(condition) if {
	condition[_][key]
	lower(key) in {"aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid", "aws:sourceorgpaths"}
}

role_confused_deputy_source(condition) if regex.match(`"__(dynamic|conditional)"`, json.marshal(condition))

# Roles that a notebook instance has.
role_confused_deputy_notebook(role) if {
	some notebook in resources_of_type("AWS::SageMaker::NotebookInstance")
	follow_ref(notebook, "Properties.RoleArn") == role
}
