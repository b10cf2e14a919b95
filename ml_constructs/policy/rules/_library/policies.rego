# Policies and roles.
package ml_constructs

import rego.v1

# Whether an action of a policy, which may have wildcards, comprises another.
covers(pattern, action) if {
	regex.match(`^[A-Za-z0-9:*?-]+$`, pattern)
	expression := replace(replace(lower(pattern), "*", ".*"), "?", ".")
	regex.match(concat("", ["^", expression, "$"]), lower(action))
}

# Policies that only bound what others allow.
permission_boundaries := {edge.target |
	edge := input.resources[_].outgoingRefs[_]
	startswith(edge.sourcePath, "Properties.PermissionsBoundary")
}

# Identity policies, with the path to them.
policy_documents contains [name, "Properties.PolicyDocument", document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	not name in permission_boundaries
	document := resource.properties.PolicyDocument
}

policy_documents contains [name, sprintf("Properties.Policies.%d.PolicyDocument", [i]), document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	document := resource.properties.Policies[i].PolicyDocument
}

# Statements that allow something whatever the conditions of the template are.
allowances contains {"name": name, "path": sprintf("%s.Statement.%d", [path, i]), "statement": statement} if {
	some [name, path, document] in policy_documents
	some i, statement in listed(document.Statement)
	statement.Effect == "Allow"
}

# Statements by which a service may assume a role.
trusting contains {"role": role, "index": i, "statement": statement, "service": service} if {
	some role in resources_of_type("AWS::IAM::Role")
	some i, statement in listed(input.resources[role].properties.AssumeRolePolicyDocument.Statement)
	statement.Effect == "Allow"
	some service in texts(statement.Principal.Service)
}

# Roles that SageMaker may assume.
execution_roles contains trust.role if {
	some trust in trusting
	startswith(trust.service, "sagemaker.amazonaws.com")
}

# Resources that hold the policies of a role.
policies_of(role) := ({role} | {edge.target |
	edge := input.resources[role].outgoingRefs[_]
	startswith(edge.sourcePath, "Properties.ManagedPolicyArns")
}) | {name |
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	attached_to(resource, role)
}

attached_to(policy, role) if {
	edge := policy.outgoingRefs[_]
	edge.target == role
	regex.match(`^Properties\.Role(s\.|Name$)`, edge.sourcePath)
}

attached_to(policy, role) if input.resources[role].properties.RoleName in policy.properties.Roles

attached_to(policy, role) if input.resources[role].properties.RoleName == policy.properties.RoleName

# All statements of the policies of a role, also those that only the deployment knows.
statements_of(role) := [statement |
	attached := policies_of(role)
	some [name, _, document] in policy_documents
	name in attached
	statement := document.Statement[_]
]

# A role with a policy from elsewhere, or one that cannot be read, which may allow anything.
inscrutable(role) if {
	arn := input.resources[role].properties.ManagedPolicyArns[_]
	not arn.__ref
}

inscrutable(role) if {
	some key in ["ManagedPolicyArns", "Policies"]
	value := input.resources[role].properties[key]
	not is_array(value)
}

inscrutable(role) if {
	attached := policies_of(role)
	some [name, _, document] in policy_documents
	name in attached
	not is_array(document.Statement)
}

# Accounts, roles and users that a statement is for.
principals_of(statement) := {statement.Principal} if is_string(statement.Principal)

principals_of(statement) := texts(object.get(statement.Principal, "AWS", [])) if is_object(statement.Principal)

# Statements that hold at any time.
unconditional(statement) if object.get(statement, "Condition", {}) == {}
