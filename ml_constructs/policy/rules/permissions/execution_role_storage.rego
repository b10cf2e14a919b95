# title = "An execution role reads and writes named buckets"
# severity = "error"
# profile = "production"
# intent = """
# With s3:* or with objects of every bucket, the code inside a model's container, or an artefact that runs code when
# it is loaded, reads and overwrites all data of the account.
# """
# fix = "Allow s3:GetObject on the artefact's key, and s3:PutObject on the prefix that the endpoint writes to."
# sources = ["https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html"]
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
#         - PolicyName: artefacts
#           PolicyDocument:
#             Version: "2012-10-17"
#             Statement: [{Effect: Allow, Action: "s3:GetObject", Resource: "*"}]
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
#             Statement: [{Effect: Allow, Action: "s3:GetObject", Resource: "arn:aws:s3:::models/churn/*"}]
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some role in execution_role_storage_execution_roles
	policies := execution_role_storage_policies_of(role)
	some allowed in execution_role_storage_statements
	allowed.name in policies
	object.get(allowed.statement, "Condition", {}) == {}
	some action in execution_role_storage_texts(allowed.statement.Action)
	execution_role_storage_too_much(action, allowed.statement.Resource)
	v := finding(
		"SAGEMAKER_EXECUTION_ROLE_STORAGE", allowed.name, allowed.path,
		sprintf("%s may use %s, on more than a model needs", [role, action]),
	)
}

execution_role_storage_too_much(action, _) if regex.match(`^s3:\*+$`, lower(action))

execution_role_storage_too_much(action, resources) if {
	some object_action in ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
	execution_role_storage_covers(action, object_action)
	some resource in execution_role_storage_texts(resources)
	regex.match(`^(\*|arn:[a-z*-]+:s3:::\*(/\*)?)$`, resource)
}

# A value as a list; policies allow a single one wherever they allow several.
execution_role_storage_listed(value) := value if is_array(value)

execution_role_storage_listed(value) := [value] if not is_array(value)

# The literal texts of a value; what intrinsics decide is left out.
execution_role_storage_texts(value) := {text | some text in execution_role_storage_listed(value); is_string(text)}

# Whether an action of a policy, which may have wildcards, comprises another.
execution_role_storage_covers(pattern, action) if {
	regex.match(`^[A-Za-z0-9:*?-]+$`, pattern)
	expression := replace(replace(lower(pattern), "*", ".*"), "?", ".")
	regex.match(concat("", ["^", expression, "$"]), lower(action))
}

# Policies that only bound what others allow.
execution_role_storage_boundaries := {reference.target |
	some _, resource in input.resources
	some reference in resource.outgoingRefs
	startswith(reference.sourcePath, "Properties.PermissionsBoundary")
}

# Identity policies, with the path to them.
execution_role_storage_documents contains [name, "Properties.PolicyDocument", document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	not name in execution_role_storage_boundaries
	document := resource.properties.PolicyDocument
}

execution_role_storage_documents contains [name, sprintf("Properties.Policies.%d.PolicyDocument", [index]), document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	some index, policy in resource.properties.Policies
	document := policy.PolicyDocument
}

# Statements that allow something whatever the conditions of the template are.
execution_role_storage_statements contains {"name": name, "path": sprintf("%s.Statement.%d", [path, index]), "statement": statement} if {
	some [name, path, document] in execution_role_storage_documents
	some index, statement in execution_role_storage_listed(document.Statement)
	statement.Effect == "Allow"
}

# Statements by which a service may assume a role.
execution_role_storage_trusts contains {"role": role, "index": index, "statement": statement, "service": service} if {
	some role in resources_of_type("AWS::IAM::Role")
	some index, statement in execution_role_storage_listed(input.resources[role].properties.AssumeRolePolicyDocument.Statement)
	statement.Effect == "Allow"
	some service in execution_role_storage_texts(statement.Principal.Service)
}

# Roles that SageMaker may assume.
execution_role_storage_execution_roles contains trust.role if {
	some trust in execution_role_storage_trusts
	startswith(trust.service, "sagemaker.amazonaws.com")
}

# Resources that hold the policies of a role.
execution_role_storage_policies_of(role) := ({role} | {name |
	some name, resource in input.resources
	some reference in resource.outgoingRefs
	reference.target == role
	startswith(resource.resourceType, "AWS::IAM::")
	regex.match(`^Properties\.Role(s\.|Name$)`, reference.sourcePath)
}) | {reference.target |
	some reference in input.resources[role].outgoingRefs
	startswith(reference.sourcePath, "Properties.ManagedPolicyArns")
}
