# title = "A role that uses SageMaker is not open to every AWS account"
# severity = "error"
# profile = "development"
# intent = """
# A trust policy with the principal `*` and no condition lets any account in the world assume the role, and use its
# models.
# """
# fix = "Name the accounts or roles that may assume the role."
# sources = ["https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html"]
# controls = ["NIST.800-53.r5 AC-3", "NIST.800-53.r5 AC-6"]
# fails = """
# Resources:
#   Caller:
#     Type: AWS::IAM::Role
#     Properties:
#       AssumeRolePolicyDocument:
#         Version: "2012-10-17"
#         Statement: [{Effect: Allow, Principal: {AWS: "*"}, Action: "sts:AssumeRole"}]
#       Policies:
#         - PolicyName: invoke
#           PolicyDocument:
#             Version: "2012-10-17"
#             Statement: [{Effect: Allow, Action: "sagemaker:InvokeEndpoint", Resource: "arn:aws:sagemaker:eu-west-1:111122223333:endpoint/churn"}]
# """
# passes = """
# Resources:
#   Caller:
#     Type: AWS::IAM::Role
#     Properties:
#       AssumeRolePolicyDocument:
#         Version: "2012-10-17"
#         Statement: [{Effect: Allow, Principal: {AWS: "arn:aws:iam::444455556666:role/shop"}, Action: "sts:AssumeRole"}]
#       Policies:
#         - PolicyName: invoke
#           PolicyDocument:
#             Version: "2012-10-17"
#             Statement: [{Effect: Allow, Action: "sagemaker:InvokeEndpoint", Resource: "arn:aws:sagemaker:eu-west-1:111122223333:endpoint/churn"}]
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some role in resources_of_type("AWS::IAM::Role")
	some index, statement in role_trusts_anyone_listed(input.resources[role].properties.AssumeRolePolicyDocument.Statement)
	statement.Effect == "Allow"
	object.get(statement, "Condition", {}) == {}
	"*" in role_trusts_anyone_principals(statement)
	role_trusts_anyone_uses(role)
	v := finding(
		"SAGEMAKER_ROLE_TRUSTS_ANYONE", role, sprintf("Properties.AssumeRolePolicyDocument.Statement.%d", [index]),
		"Any AWS account may assume the role",
	)
}

# Roles that SageMaker assumes, or that may do something in it.
role_trusts_anyone_uses(role) if role in role_trusts_anyone_execution_roles

role_trusts_anyone_uses(role) if {
	policies := role_trusts_anyone_policies_of(role)
	some allowed in role_trusts_anyone_statements
	allowed.name in policies
	some action in role_trusts_anyone_texts(allowed.statement.Action)
	startswith(lower(action), "sagemaker:")
}

# A value as a list; policies allow a single one wherever they allow several.
role_trusts_anyone_listed(value) := value if is_array(value)

role_trusts_anyone_listed(value) := [value] if not is_array(value)

# The literal texts of a value; what intrinsics decide is left out.
role_trusts_anyone_texts(value) := {text | some text in role_trusts_anyone_listed(value); is_string(text)}

# Policies that only bound what others allow.
role_trusts_anyone_boundaries := {reference.target |
	some _, resource in input.resources
	some reference in resource.outgoingRefs
	startswith(reference.sourcePath, "Properties.PermissionsBoundary")
}

# Identity policies, with the path to them.
role_trusts_anyone_documents contains [name, "Properties.PolicyDocument", document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	not name in role_trusts_anyone_boundaries
	document := resource.properties.PolicyDocument
}

role_trusts_anyone_documents contains [name, sprintf("Properties.Policies.%d.PolicyDocument", [index]), document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	some index, policy in resource.properties.Policies
	document := policy.PolicyDocument
}

# Statements that allow something whatever the conditions of the template are.
role_trusts_anyone_statements contains {"name": name, "path": sprintf("%s.Statement.%d", [path, index]), "statement": statement} if {
	some [name, path, document] in role_trusts_anyone_documents
	some index, statement in role_trusts_anyone_listed(document.Statement)
	statement.Effect == "Allow"
}

# Statements by which a service may assume a role.
role_trusts_anyone_trusts contains {"role": role, "index": index, "statement": statement, "service": service} if {
	some role in resources_of_type("AWS::IAM::Role")
	some index, statement in role_trusts_anyone_listed(input.resources[role].properties.AssumeRolePolicyDocument.Statement)
	statement.Effect == "Allow"
	some service in role_trusts_anyone_texts(statement.Principal.Service)
}

# Roles that SageMaker may assume.
role_trusts_anyone_execution_roles contains trust.role if {
	some trust in role_trusts_anyone_trusts
	startswith(trust.service, "sagemaker.amazonaws.com")
}

# Resources that hold the policies of a role.
role_trusts_anyone_policies_of(role) := ({role} | {name |
	some name, resource in input.resources
	some reference in resource.outgoingRefs
	reference.target == role
	startswith(resource.resourceType, "AWS::IAM::")
	regex.match(`^Properties\.Role(s\.|Name$)`, reference.sourcePath)
}) | {reference.target |
	some reference in input.resources[role].outgoingRefs
	startswith(reference.sourcePath, "Properties.ManagedPolicyArns")
}

# Accounts, roles and users that a statement is for.
role_trusts_anyone_principals(statement) := {statement.Principal} if is_string(statement.Principal)

role_trusts_anyone_principals(statement) := role_trusts_anyone_texts(object.get(statement.Principal, "AWS", [])) if is_object(statement.Principal)
