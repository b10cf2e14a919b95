# title = "A permission to invoke writes the endpoint's name in lower case"
# severity = "error"
# profile = "development"
# intent = """
# SageMaker writes names in ARNs in lower case, whatever the endpoint is called, and IAM compares ARNs letter by
# letter: a statement with a capital letter allows nothing, and the caller is refused.
# """
# fix = "Write the name in lower case in the ARN, or call the endpoint so."
# sources = [
#     "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpoint.html",
#     "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html",
# ]
# fails = """
# Resources:
#   Policy:
#     Type: AWS::IAM::ManagedPolicy
#     Properties:
#       PolicyDocument:
#         Version: "2012-10-17"
#         Statement:
#           - Effect: Allow
#             Action: sagemaker:InvokeEndpoint
#             Resource: {"Fn::Sub": "arn:${AWS::Partition}:sagemaker:${AWS::Region}:${AWS::AccountId}:endpoint/ChurnModel"}
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
#             Resource: {"Fn::Sub": "arn:${AWS::Partition}:sagemaker:${AWS::Region}:${AWS::AccountId}:endpoint/churnmodel"}
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some allowed in invoke_arn_case_statements
	some action in invoke_arn_case_texts(allowed.statement.Action)
	startswith(lower(action), "sagemaker:invoke")
	some resource in invoke_arn_case_listed(allowed.statement.Resource)
	[_, written] := split(invoke_arn_case_text_of(resource), ":endpoint/")
	name := invoke_arn_case_literal(written)
	name != lower(name)
	v := finding(
		"SAGEMAKER_INVOKE_ARN_CASE", allowed.name, allowed.path,
		sprintf("No ARN of an endpoint has the capital letters of %s", [name]),
	)
}

# What is known of a name: its text, or the name that an endpoint of the template has.
invoke_arn_case_literal(written) := name if {
	[_, target] := regex.find_all_string_submatch_n(`^(?:\{ref:|\$\{)(\w+)(?:\.EndpointName)?\}$`, written, 1)[0]
	names := resolve_all(target, "Properties.EndpointName")
	every each in names {
		each != lower(each)
	}
	name := names[0]
}

invoke_arn_case_literal(written) := regex.replace(written, `\$?\{[^}]*\}`, "") if {
	not regex.match(`^\$?\{[^}]*\}$`, written)
}

# A value as a list; policies allow a single one wherever they allow several.
invoke_arn_case_listed(value) := value if is_array(value)

invoke_arn_case_listed(value) := [value] if not is_array(value)

# The literal texts of a value; what intrinsics decide is left out.
invoke_arn_case_texts(value) := {text | some text in invoke_arn_case_listed(value); is_string(text)}

# Text with the references in it, for example `arn:aws:s3:::{ref:Bucket}/*`.
invoke_arn_case_text_of(value) := value if is_string(value)

invoke_arn_case_text_of(value) := trim_prefix(trim_prefix(value.__dynamic, "Sub:"), "Join:") if is_object(value)

# Policies that only bound what others allow.
invoke_arn_case_boundaries := {reference.target |
	some _, resource in input.resources
	some reference in resource.outgoingRefs
	startswith(reference.sourcePath, "Properties.PermissionsBoundary")
}

# Identity policies, with the path to them.
invoke_arn_case_documents contains [name, "Properties.PolicyDocument", document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	not name in invoke_arn_case_boundaries
	document := resource.properties.PolicyDocument
}

invoke_arn_case_documents contains [name, sprintf("Properties.Policies.%d.PolicyDocument", [index]), document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	some index, policy in resource.properties.Policies
	document := policy.PolicyDocument
}

# Statements that allow something whatever the conditions of the template are.
invoke_arn_case_statements contains {"name": name, "path": sprintf("%s.Statement.%d", [path, index]), "statement": statement} if {
	some [name, path, document] in invoke_arn_case_documents
	some index, statement in invoke_arn_case_listed(document.Statement)
	statement.Effect == "Allow"
}
