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
	some allowed in pass_role_scope_statements
	some action in pass_role_scope_texts(allowed.statement.Action)
	pass_role_scope_covers(action, "iam:PassRole")
	object.get(allowed.statement, "Condition", {}) == {}
	some resource in pass_role_scope_listed(allowed.statement.Resource)
	regex.match(`^(\*|arn:[^/]*:(\*|role/\*+))$`, pass_role_scope_text_of(resource))
	pass_role_scope_creates(allowed.name)
	v := finding("SAGEMAKER_PASS_ROLE_SCOPE", allowed.name, allowed.path, "Every role can be passed to SageMaker")
}

# Policies that also allow the creation of something in SageMaker.
pass_role_scope_creates(policy) if {
	some allowed in pass_role_scope_statements
	allowed.name == policy
	some action in pass_role_scope_texts(allowed.statement.Action)
	regex.match(`^(sagemaker:(\*|create)|\*$)`, lower(action))
}

# A value as a list; policies allow a single one wherever they allow several.
pass_role_scope_listed(value) := value if is_array(value)

pass_role_scope_listed(value) := [value] if not is_array(value)

# The literal texts of a value; what intrinsics decide is left out.
pass_role_scope_texts(value) := {text | some text in pass_role_scope_listed(value); is_string(text)}

# Text with the references in it, for example `arn:aws:s3:::{ref:Bucket}/*`.
pass_role_scope_text_of(value) := value if is_string(value)

pass_role_scope_text_of(value) := trim_prefix(trim_prefix(value.__dynamic, "Sub:"), "Join:") if is_object(value)

# Whether an action of a policy, which may have wildcards, comprises another.
pass_role_scope_covers(pattern, action) if {
	regex.match(`^[A-Za-z0-9:*?-]+$`, pattern)
	expression := replace(replace(lower(pattern), "*", ".*"), "?", ".")
	regex.match(concat("", ["^", expression, "$"]), lower(action))
}

# Policies that only bound what others allow.
pass_role_scope_boundaries := {reference.target |
	some _, resource in input.resources
	some reference in resource.outgoingRefs
	startswith(reference.sourcePath, "Properties.PermissionsBoundary")
}

# Identity policies, with the path to them.
pass_role_scope_documents contains [name, "Properties.PolicyDocument", document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	not name in pass_role_scope_boundaries
	document := resource.properties.PolicyDocument
}

pass_role_scope_documents contains [name, sprintf("Properties.Policies.%d.PolicyDocument", [index]), document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	some index, policy in resource.properties.Policies
	document := policy.PolicyDocument
}

# Statements that allow something whatever the conditions of the template are.
pass_role_scope_statements contains {"name": name, "path": sprintf("%s.Statement.%d", [path, index]), "statement": statement} if {
	some [name, path, document] in pass_role_scope_documents
	some index, statement in pass_role_scope_listed(document.Statement)
	statement.Effect == "Allow"
}
