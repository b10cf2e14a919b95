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
	some allowed in invoke_scope_statements
	object.get(allowed.statement, "Condition", {}) == {}
	some action in invoke_scope_texts(allowed.statement.Action)
	startswith(lower(action), "sagemaker:invoke")
	some resource in invoke_scope_listed(allowed.statement.Resource)
	regex.match(`^(\*|arn:[^/]*\*|arn:[^/]*:(\*|endpoint)/\*+)$`, invoke_scope_text_of(resource))
	v := finding(
		"SAGEMAKER_INVOKE_SCOPE", allowed.name, allowed.path,
		sprintf("%s is allowed on every endpoint", [action]),
	)
}

# A value as a list; policies allow a single one wherever they allow several.
invoke_scope_listed(value) := value if is_array(value)

invoke_scope_listed(value) := [value] if not is_array(value)

# The literal texts of a value; what intrinsics decide is left out.
invoke_scope_texts(value) := {text | some text in invoke_scope_listed(value); is_string(text)}

# Text with the references in it, for example `arn:aws:s3:::{ref:Bucket}/*`.
invoke_scope_text_of(value) := value if is_string(value)

invoke_scope_text_of(value) := trim_prefix(trim_prefix(value.__dynamic, "Sub:"), "Join:") if is_object(value)

# Policies that only bound what others allow.
invoke_scope_boundaries := {reference.target |
	some _, resource in input.resources
	some reference in resource.outgoingRefs
	startswith(reference.sourcePath, "Properties.PermissionsBoundary")
}

# Identity policies, with the path to them.
invoke_scope_documents contains [name, "Properties.PolicyDocument", document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	not name in invoke_scope_boundaries
	document := resource.properties.PolicyDocument
}

invoke_scope_documents contains [name, sprintf("Properties.Policies.%d.PolicyDocument", [index]), document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	some index, policy in resource.properties.Policies
	document := policy.PolicyDocument
}

# Statements that allow something whatever the conditions of the template are.
invoke_scope_statements contains {"name": name, "path": sprintf("%s.Statement.%d", [path, index]), "statement": statement} if {
	some [name, path, document] in invoke_scope_documents
	some index, statement in invoke_scope_listed(document.Statement)
	statement.Effect == "Allow"
}
