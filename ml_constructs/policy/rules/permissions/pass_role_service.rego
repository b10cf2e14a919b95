# title = "An execution role can be passed to SageMaker alone"
# severity = "warning"
# profile = "regulated"
# intent = """
# Without a condition on iam:PassedToService, whoever may pass the role may pass it to every service that the role
# trusts, now and after a later change of its trust policy.
# """
# fix = "Add the condition StringEquals iam:PassedToService sagemaker.amazonaws.com to the statement."
# sources = ["https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html"]
# controls = ["NIST.800-53.r5 AC-6"]
# fails = """
# Resources:
#   Role:
#     Type: AWS::IAM::Role
#     Properties:
#       AssumeRolePolicyDocument:
#         Version: "2012-10-17"
#         Statement: [{Effect: Allow, Principal: {Service: sagemaker.amazonaws.com}, Action: "sts:AssumeRole"}]
#   Policy:
#     Type: AWS::IAM::ManagedPolicy
#     Properties:
#       PolicyDocument:
#         Version: "2012-10-17"
#         Statement: [{Effect: Allow, Action: "iam:PassRole", Resource: {"Fn::GetAtt": [Role, Arn]}}]
# """
# passes = """
# Resources:
#   Role:
#     Type: AWS::IAM::Role
#     Properties:
#       AssumeRolePolicyDocument:
#         Version: "2012-10-17"
#         Statement: [{Effect: Allow, Principal: {Service: sagemaker.amazonaws.com}, Action: "sts:AssumeRole"}]
#   Policy:
#     Type: AWS::IAM::ManagedPolicy
#     Properties:
#       PolicyDocument:
#         Version: "2012-10-17"
#         Statement:
#           - Effect: Allow
#             Action: iam:PassRole
#             Resource: {"Fn::GetAtt": [Role, Arn]}
#             Condition: {StringEquals: {"iam:PassedToService": sagemaker.amazonaws.com}}
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some allowed in pass_role_service_statements
	some action in pass_role_service_texts(allowed.statement.Action)
	pass_role_service_covers(action, "iam:PassRole")
	object.get(allowed.statement, "Condition", {}) == {}
	some resource in pass_role_service_listed(allowed.statement.Resource)
	resource.__ref in pass_role_service_execution_roles
	v := finding(
		"SAGEMAKER_PASS_ROLE_SERVICE", allowed.name, allowed.path,
		sprintf("%s can be passed to any service that it trusts", [resource.__ref]),
	)
}

# A value as a list; policies allow a single one wherever they allow several.
pass_role_service_listed(value) := value if is_array(value)

pass_role_service_listed(value) := [value] if not is_array(value)

# The literal texts of a value; what intrinsics decide is left out.
pass_role_service_texts(value) := {text | some text in pass_role_service_listed(value); is_string(text)}

# Whether an action of a policy, which may have wildcards, comprises another.
pass_role_service_covers(pattern, action) if {
	regex.match(`^[A-Za-z0-9:*?-]+$`, pattern)
	expression := replace(replace(lower(pattern), "*", ".*"), "?", ".")
	regex.match(concat("", ["^", expression, "$"]), lower(action))
}

# Policies that only bound what others allow.
pass_role_service_boundaries := {reference.target |
	some _, resource in input.resources
	some reference in resource.outgoingRefs
	startswith(reference.sourcePath, "Properties.PermissionsBoundary")
}

# Identity policies, with the path to them.
pass_role_service_documents contains [name, "Properties.PolicyDocument", document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	not name in pass_role_service_boundaries
	document := resource.properties.PolicyDocument
}

pass_role_service_documents contains [name, sprintf("Properties.Policies.%d.PolicyDocument", [index]), document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	some index, policy in resource.properties.Policies
	document := policy.PolicyDocument
}

# Statements that allow something whatever the conditions of the template are.
pass_role_service_statements contains {"name": name, "path": sprintf("%s.Statement.%d", [path, index]), "statement": statement} if {
	some [name, path, document] in pass_role_service_documents
	some index, statement in pass_role_service_listed(document.Statement)
	statement.Effect == "Allow"
}

# Statements by which a service may assume a role.
pass_role_service_trusts contains {"role": role, "index": index, "statement": statement, "service": service} if {
	some role in resources_of_type("AWS::IAM::Role")
	some index, statement in pass_role_service_listed(input.resources[role].properties.AssumeRolePolicyDocument.Statement)
	statement.Effect == "Allow"
	some service in pass_role_service_texts(statement.Principal.Service)
}

# Roles that SageMaker may assume.
pass_role_service_execution_roles contains trust.role if {
	some trust in pass_role_service_trusts
	startswith(trust.service, "sagemaker.amazonaws.com")
}
