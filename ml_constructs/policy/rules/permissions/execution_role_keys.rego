# title = "An execution role uses named keys"
# severity = "error"
# profile = "production"
# intent = """
# With kms:Decrypt on every key, the container reads whatever data its other permissions let it fetch, encryption or
# not.
# """
# fix = "Name the keys, or narrow the statement to a service and account with kms:ViaService and kms:CallerAccount."
# sources = [
#     "https://docs.aws.amazon.com/securityhub/latest/userguide/kms-controls.html",
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html",
# ]
# controls = ["SecurityHub KMS.1", "SecurityHub KMS.2", "NIST.800-53.r5 AC-6"]
# fails = """
# Resources:
#   Role:
#     Type: AWS::IAM::Role
#     Properties:
#       AssumeRolePolicyDocument:
#         Version: "2012-10-17"
#         Statement: [{Effect: Allow, Principal: {Service: sagemaker.amazonaws.com}, Action: "sts:AssumeRole"}]
#       Policies:
#         - PolicyName: keys
#           PolicyDocument:
#             Version: "2012-10-17"
#             Statement: [{Effect: Allow, Action: ["kms:Decrypt", "kms:GenerateDataKey"], Resource: "*"}]
# """
# passes = """
# Resources:
#   Key:
#     Type: AWS::KMS::Key
#   Role:
#     Type: AWS::IAM::Role
#     Properties:
#       AssumeRolePolicyDocument:
#         Version: "2012-10-17"
#         Statement: [{Effect: Allow, Principal: {Service: sagemaker.amazonaws.com}, Action: "sts:AssumeRole"}]
#       Policies:
#         - PolicyName: keys
#           PolicyDocument:
#             Version: "2012-10-17"
#             Statement: [{Effect: Allow, Action: ["kms:Decrypt", "kms:GenerateDataKey"], Resource: {"Fn::GetAtt": [Key, Arn]}}]
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some role in execution_role_keys_execution_roles
	policies := execution_role_keys_policies_of(role)
	some allowed in execution_role_keys_statements
	allowed.name in policies
	object.get(allowed.statement, "Condition", {}) == {}
	some action in execution_role_keys_texts(allowed.statement.Action)
	startswith(lower(action), "kms:")
	some use in ["kms:Decrypt", "kms:ReEncryptFrom", "kms:CreateGrant"]
	execution_role_keys_covers(action, use)
	some resource in execution_role_keys_listed(allowed.statement.Resource)
	regex.match(`^(\*|arn:[^/]*:(\*|key/\*))$`, execution_role_keys_text_of(resource))
	v := finding(
		"SAGEMAKER_EXECUTION_ROLE_KEYS", allowed.name, allowed.path,
		sprintf("%s may use %s with every key", [role, action]),
	)
}

# A value as a list; policies allow a single one wherever they allow several.
execution_role_keys_listed(value) := value if is_array(value)

execution_role_keys_listed(value) := [value] if not is_array(value)

# The literal texts of a value; what intrinsics decide is left out.
execution_role_keys_texts(value) := {text | some text in execution_role_keys_listed(value); is_string(text)}

# Text with the references in it, for example `arn:aws:s3:::{ref:Bucket}/*`.
execution_role_keys_text_of(value) := value if is_string(value)

execution_role_keys_text_of(value) := trim_prefix(trim_prefix(value.__dynamic, "Sub:"), "Join:") if is_object(value)

# Whether an action of a policy, which may have wildcards, comprises another.
execution_role_keys_covers(pattern, action) if {
	regex.match(`^[A-Za-z0-9:*?-]+$`, pattern)
	expression := replace(replace(lower(pattern), "*", ".*"), "?", ".")
	regex.match(concat("", ["^", expression, "$"]), lower(action))
}

# Policies that only bound what others allow.
execution_role_keys_boundaries := {reference.target |
	some _, resource in input.resources
	some reference in resource.outgoingRefs
	startswith(reference.sourcePath, "Properties.PermissionsBoundary")
}

# Identity policies, with the path to them.
execution_role_keys_documents contains [name, "Properties.PolicyDocument", document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	not name in execution_role_keys_boundaries
	document := resource.properties.PolicyDocument
}

execution_role_keys_documents contains [name, sprintf("Properties.Policies.%d.PolicyDocument", [index]), document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	some index, policy in resource.properties.Policies
	document := policy.PolicyDocument
}

# Statements that allow something whatever the conditions of the template are.
execution_role_keys_statements contains {"name": name, "path": sprintf("%s.Statement.%d", [path, index]), "statement": statement} if {
	some [name, path, document] in execution_role_keys_documents
	some index, statement in execution_role_keys_listed(document.Statement)
	statement.Effect == "Allow"
}

# Statements by which a service may assume a role.
execution_role_keys_trusts contains {"role": role, "index": index, "statement": statement, "service": service} if {
	some role in resources_of_type("AWS::IAM::Role")
	some index, statement in execution_role_keys_listed(input.resources[role].properties.AssumeRolePolicyDocument.Statement)
	statement.Effect == "Allow"
	some service in execution_role_keys_texts(statement.Principal.Service)
}

# Roles that SageMaker may assume.
execution_role_keys_execution_roles contains trust.role if {
	some trust in execution_role_keys_trusts
	startswith(trust.service, "sagemaker.amazonaws.com")
}

# Resources that hold the policies of a role.
execution_role_keys_policies_of(role) := ({role} | {name |
	some name, resource in input.resources
	some reference in resource.outgoingRefs
	reference.target == role
	startswith(resource.resourceType, "AWS::IAM::")
	regex.match(`^Properties\.Role(s\.|Name$)`, reference.sourcePath)
}) | {reference.target |
	some reference in input.resources[role].outgoingRefs
	startswith(reference.sourcePath, "Properties.ManagedPolicyArns")
}
