# title = "No policy allows SageMaker all but a list"
# severity = "error"
# profile = "production"
# intent = """
# Allow with NotAction or NotResource grants whatever is not listed, and so what AWS adds tomorrow. It is meant for
# Deny.
# """
# fix = "List what is allowed in Action and Resource; deny the rest, if at all, by a statement with Effect Deny."
# sources = [
#     "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notaction.html",
#     "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notresource.html",
# ]
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
#         - PolicyName: most
#           PolicyDocument:
#             Version: "2012-10-17"
#             Statement: [{Effect: Allow, NotAction: "iam:*", Resource: "*"}]
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
#             Statement:
#               - {Effect: Allow, Action: "s3:GetObject", Resource: "arn:aws:s3:::models/churn/*"}
#               - {Effect: Deny, NotAction: "s3:GetObject", Resource: "*"}
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some role in policy_negation_execution_roles
	policies := policy_negation_policies_of(role)
	some allowed in policy_negation_statements
	allowed.name in policies
	some key in ["NotAction", "NotResource"]
	allowed.statement[key]
	v := finding(
		"SAGEMAKER_POLICY_NEGATION", allowed.name, sprintf("%s.%s", [allowed.path, key]),
		sprintf("%s is allowed all but a list", [role]),
	)
}

violation contains v if {
	some allowed in policy_negation_statements
	some action in policy_negation_texts(allowed.statement.Action)
	startswith(lower(action), "sagemaker:")
	allowed.statement.NotResource
	v := finding(
		"SAGEMAKER_POLICY_NEGATION", allowed.name, sprintf("%s.NotResource", [allowed.path]),
		sprintf("%s is allowed on all but a list", [action]),
	)
}

# A value as a list; policies allow a single one wherever they allow several.
policy_negation_listed(value) := value if is_array(value)

policy_negation_listed(value) := [value] if not is_array(value)

# The literal texts of a value; what intrinsics decide is left out.
policy_negation_texts(value) := {text | some text in policy_negation_listed(value); is_string(text)}

# Policies that only bound what others allow.
policy_negation_boundaries := {reference.target |
	some _, resource in input.resources
	some reference in resource.outgoingRefs
	startswith(reference.sourcePath, "Properties.PermissionsBoundary")
}

# Identity policies, with the path to them.
policy_negation_documents contains [name, "Properties.PolicyDocument", document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	not name in policy_negation_boundaries
	document := resource.properties.PolicyDocument
}

policy_negation_documents contains [name, sprintf("Properties.Policies.%d.PolicyDocument", [index]), document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	some index, policy in resource.properties.Policies
	document := policy.PolicyDocument
}

# Statements that allow something whatever the conditions of the template are.
policy_negation_statements contains {"name": name, "path": sprintf("%s.Statement.%d", [path, index]), "statement": statement} if {
	some [name, path, document] in policy_negation_documents
	some index, statement in policy_negation_listed(document.Statement)
	statement.Effect == "Allow"
}

# Statements by which a service may assume a role.
policy_negation_trusts contains {"role": role, "index": index, "statement": statement, "service": service} if {
	some role in resources_of_type("AWS::IAM::Role")
	some index, statement in policy_negation_listed(input.resources[role].properties.AssumeRolePolicyDocument.Statement)
	statement.Effect == "Allow"
	some service in policy_negation_texts(statement.Principal.Service)
}

# Roles that SageMaker may assume.
policy_negation_execution_roles contains trust.role if {
	some trust in policy_negation_trusts
	startswith(trust.service, "sagemaker.amazonaws.com")
}

# Resources that hold the policies of a role.
policy_negation_policies_of(role) := ({role} | {name |
	some name, resource in input.resources
	some reference in resource.outgoingRefs
	reference.target == role
	startswith(resource.resourceType, "AWS::IAM::")
	regex.match(`^Properties\.Role(s\.|Name$)`, reference.sourcePath)
}) | {reference.target |
	some reference in input.resources[role].outgoingRefs
	startswith(reference.sourcePath, "Properties.ManagedPolicyArns")
}
