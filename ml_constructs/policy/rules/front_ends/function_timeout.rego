# title = "A function that invokes an endpoint waits longer than three seconds"
# severity = "warning"
# profile = "production"
# intent = """
# A model may take 60 seconds to answer, and a serverless one to start. With Lambda's default of three seconds the
# function is killed in the middle of its first slow request: no answer, no error of its own, and the model works on.
# """
# fix = "Set Timeout above what the endpoint takes at the 99th percentile, and the client's read timeout below it."
# sources = [
#     "https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html",
#     "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html",
# ]
# fails = """
# Resources:
#   Role:
#     Type: AWS::IAM::Role
#     Properties:
#       AssumeRolePolicyDocument:
#         Version: "2012-10-17"
#         Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: "sts:AssumeRole"}]
#       Policies:
#         - PolicyName: invoke
#           PolicyDocument:
#             Version: "2012-10-17"
#             Statement:
#               - Effect: Allow
#                 Action: sagemaker:InvokeEndpoint
#                 Resource: {"Fn::Sub": "arn:${AWS::Partition}:sagemaker:${AWS::Region}:${AWS::AccountId}:endpoint/churn"}
#   Function:
#     Type: AWS::Lambda::Function
#     Properties:
#       Role: {"Fn::GetAtt": [Role, Arn]}
#       Code: {ZipFile: "def handle(event, context): ..."}
#       Handler: index.handle
#       Runtime: python3.13
# """
# passes = """
# Resources:
#   Role:
#     Type: AWS::IAM::Role
#     Properties:
#       AssumeRolePolicyDocument:
#         Version: "2012-10-17"
#         Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: "sts:AssumeRole"}]
#       Policies:
#         - PolicyName: invoke
#           PolicyDocument:
#             Version: "2012-10-17"
#             Statement:
#               - Effect: Allow
#                 Action: sagemaker:InvokeEndpoint
#                 Resource: {"Fn::Sub": "arn:${AWS::Partition}:sagemaker:${AWS::Region}:${AWS::AccountId}:endpoint/churn"}
#   Function:
#     Type: AWS::Lambda::Function
#     Properties:
#       Role: {"Fn::GetAtt": [Role, Arn]}
#       Code: {ZipFile: "def handle(event, context): ..."}
#       Handler: index.handle
#       Runtime: python3.13
#       Timeout: 28
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some [function, action] in function_timeout_may
	action != "InvokeEndpointAsync"
	timeouts := function_timeout_numbers_of(function, "Properties.Timeout", 3)
	max(timeouts) <= 3
	v := finding(
		"SAGEMAKER_FUNCTION_TIMEOUT", function, "Properties.Timeout",
		sprintf("The function waits at most %v s for the model", [max(timeouts)]),
	)
}

# A value as a list; policies allow a single one wherever they allow several.
function_timeout_listed(value) := value if is_array(value)

function_timeout_listed(value) := [value] if not is_array(value)

# The literal texts of a value; what intrinsics decide is left out.
function_timeout_texts(value) := {text | some text in function_timeout_listed(value); is_string(text)}

# Whether an action of a policy, which may have wildcards, comprises another.
function_timeout_covers(pattern, action) if {
	regex.match(`^[A-Za-z0-9:*?-]+$`, pattern)
	expression := replace(replace(lower(pattern), "*", ".*"), "?", ".")
	regex.match(concat("", ["^", expression, "$"]), lower(action))
}

# Policies that only bound what others allow.
function_timeout_boundaries := {reference.target |
	some _, resource in input.resources
	some reference in resource.outgoingRefs
	startswith(reference.sourcePath, "Properties.PermissionsBoundary")
}

# Identity policies, with the path to them.
function_timeout_documents contains [name, "Properties.PolicyDocument", document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	not name in function_timeout_boundaries
	document := resource.properties.PolicyDocument
}

function_timeout_documents contains [name, sprintf("Properties.Policies.%d.PolicyDocument", [index]), document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	some index, policy in resource.properties.Policies
	document := policy.PolicyDocument
}

# Statements that allow something whatever the conditions of the template are.
function_timeout_statements contains {"name": name, "path": sprintf("%s.Statement.%d", [path, index]), "statement": statement} if {
	some [name, path, document] in function_timeout_documents
	some index, statement in function_timeout_listed(document.Statement)
	statement.Effect == "Allow"
}

# Resources that hold the policies of a role.
function_timeout_policies_of(role) := ({role} | {name |
	some name, resource in input.resources
	some reference in resource.outgoingRefs
	reference.target == role
	startswith(resource.resourceType, "AWS::IAM::")
	regex.match(`^Properties\.Role(s\.|Name$)`, reference.sourcePath)
}) | {reference.target |
	some reference in input.resources[role].outgoingRefs
	startswith(reference.sourcePath, "Properties.ManagedPolicyArns")
}

# Functions and the actions by which they may invoke an endpoint.
function_timeout_may contains [function, action] if {
	some function in resources_of_type("AWS::Lambda::Function")
	policies := function_timeout_policies_of(follow_ref(function, "Properties.Role"))
	some allowed in function_timeout_statements
	allowed.name in policies
	some pattern in function_timeout_texts(allowed.statement.Action)
	startswith(lower(pattern), "sagemaker:")
	some action in ["InvokeEndpoint", "InvokeEndpointAsync", "InvokeEndpointWithResponseStream"]
	function_timeout_covers(pattern, concat(":", ["sagemaker", action]))
}

function_timeout_serving contains function if some [function, _] in function_timeout_may

# Every number that a property may be, a default where it is left out; undefined if only the deployment knows.
function_timeout_numbers_of(name, path, default_value) := numbers if {
	values := decided(name, path)
	numbers := {function_timeout_number_of(value, default_value) | some value in values}
}

function_timeout_number_of(value, default_value) := default_value if value == null

function_timeout_number_of(value, _) := to_number(value) if value != null
