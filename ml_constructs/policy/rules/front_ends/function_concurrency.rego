# title = "A function in front of an endpoint has a limit of its own"
# severity = "warning"
# profile = "production"
# intent = """
# Without reserved concurrency, a burst of requests for one slow model takes the account's whole quota, and stops
# every other function of the account; the endpoint gets more requests at once than its instances answer.
# """
# fix = "Set ReservedConcurrentExecutions to what the endpoint can answer at once."
# sources = ["https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html"]
# controls = ["NIST.800-53.r5 SC-6"]
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
#       ReservedConcurrentExecutions: 50
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some function in function_concurrency_serving
	absent(function, "Properties.ReservedConcurrentExecutions")
	not function_concurrency_of_a_mapping(function)
	v := finding(
		"SAGEMAKER_FUNCTION_CONCURRENCY", function, "Properties.ReservedConcurrentExecutions",
		"Nothing limits how often the function runs at once",
	)
}

# An event source may limit what it starts.
function_concurrency_of_a_mapping(function) if {
	some each in function_concurrency_mappings
	each.function == function
	has_property(each.mapping, "Properties.ScalingConfig.MaximumConcurrency")
}

# A value as a list; policies allow a single one wherever they allow several.
function_concurrency_listed(value) := value if is_array(value)

function_concurrency_listed(value) := [value] if not is_array(value)

# The literal texts of a value; what intrinsics decide is left out.
function_concurrency_texts(value) := {text | some text in function_concurrency_listed(value); is_string(text)}

# Whether an action of a policy, which may have wildcards, comprises another.
function_concurrency_covers(pattern, action) if {
	regex.match(`^[A-Za-z0-9:*?-]+$`, pattern)
	expression := replace(replace(lower(pattern), "*", ".*"), "?", ".")
	regex.match(concat("", ["^", expression, "$"]), lower(action))
}

# Policies that only bound what others allow.
function_concurrency_boundaries := {reference.target |
	some _, resource in input.resources
	some reference in resource.outgoingRefs
	startswith(reference.sourcePath, "Properties.PermissionsBoundary")
}

# Identity policies, with the path to them.
function_concurrency_documents contains [name, "Properties.PolicyDocument", document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	not name in function_concurrency_boundaries
	document := resource.properties.PolicyDocument
}

function_concurrency_documents contains [name, sprintf("Properties.Policies.%d.PolicyDocument", [index]), document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	some index, policy in resource.properties.Policies
	document := policy.PolicyDocument
}

# Statements that allow something whatever the conditions of the template are.
function_concurrency_statements contains {"name": name, "path": sprintf("%s.Statement.%d", [path, index]), "statement": statement} if {
	some [name, path, document] in function_concurrency_documents
	some index, statement in function_concurrency_listed(document.Statement)
	statement.Effect == "Allow"
}

# Resources that hold the policies of a role.
function_concurrency_policies_of(role) := ({role} | {name |
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
function_concurrency_may contains [function, action] if {
	some function in resources_of_type("AWS::Lambda::Function")
	policies := function_concurrency_policies_of(follow_ref(function, "Properties.Role"))
	some allowed in function_concurrency_statements
	allowed.name in policies
	some pattern in function_concurrency_texts(allowed.statement.Action)
	startswith(lower(pattern), "sagemaker:")
	some action in ["InvokeEndpoint", "InvokeEndpointAsync", "InvokeEndpointWithResponseStream"]
	function_concurrency_covers(pattern, concat(":", ["sagemaker", action]))
}

function_concurrency_serving contains function if some [function, _] in function_concurrency_may

# The function behind an alias or a version.
function_concurrency_function_of(target) := target if input.resources[target].resourceType == "AWS::Lambda::Function"

function_concurrency_function_of(target) := follow_ref(target, "Properties.FunctionName") if {
	input.resources[target].resourceType in {"AWS::Lambda::Alias", "AWS::Lambda::Version"}
}

# Functions that invoke an endpoint, and that a property refers to.
function_concurrency_served_by(name, path) := {function |
	some reference in input.resources[name].outgoingRefs
	startswith(reference.sourcePath, path)
	function := function_concurrency_function_of(reference.target)
	function in function_concurrency_serving
}

# Sources of messages or records in the template, and the functions that invoke an endpoint with them.
function_concurrency_mappings contains {"mapping": mapping, "source": source, "type": type, "function": function} if {
	some mapping in resources_of_type("AWS::Lambda::EventSourceMapping")
	some function in function_concurrency_served_by(mapping, "Properties.FunctionName")
	source := follow_ref(mapping, "Properties.EventSourceArn")
	type := input.resources[source].resourceType
}
