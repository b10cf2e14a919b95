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
	some allowed in policy_wildcard_statements
	some action in policy_wildcard_texts(allowed.statement.Action)
	regex.match(`^sagemaker:\*+$`, lower(action))
	v := finding("SAGEMAKER_POLICY_WILDCARD", allowed.name, allowed.path, sprintf("%s is allowed", [action]))
}

# A value as a list; policies allow a single one wherever they allow several.
policy_wildcard_listed(value) := value if is_array(value)

policy_wildcard_listed(value) := [value] if not is_array(value)

# The literal texts of a value; what intrinsics decide is left out.
policy_wildcard_texts(value) := {text | some text in policy_wildcard_listed(value); is_string(text)}

# Policies that only bound what others allow.
policy_wildcard_boundaries := {reference.target |
	some _, resource in input.resources
	some reference in resource.outgoingRefs
	startswith(reference.sourcePath, "Properties.PermissionsBoundary")
}

# Identity policies, with the path to them.
policy_wildcard_documents contains [name, "Properties.PolicyDocument", document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	not name in policy_wildcard_boundaries
	document := resource.properties.PolicyDocument
}

policy_wildcard_documents contains [name, sprintf("Properties.Policies.%d.PolicyDocument", [index]), document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	some index, policy in resource.properties.Policies
	document := policy.PolicyDocument
}

# Statements that allow something whatever the conditions of the template are.
policy_wildcard_statements contains {"name": name, "path": sprintf("%s.Statement.%d", [path, index]), "statement": statement} if {
	some [name, path, document] in policy_wildcard_documents
	some index, statement in policy_wildcard_listed(document.Statement)
	statement.Effect == "Allow"
}
