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
	some allowance in allowances
	some action in texts(allowance.statement.Action)
	startswith(lower(action), "sagemaker:invoke")
	some resource in listed(allowance.statement.Resource)
	[_, written] := split(text_of(resource), ":endpoint/")
	name := invoke_arn_case_literal(written)
	name != lower(name)
	v := finding(
		"SAGEMAKER_INVOKE_ARN_CASE", allowance.name, allowance.path,
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
