# title = "A stream in front of an endpoint reports what it gives up"
# severity = "error"
# profile = "production"
# intent = """
# Records that fail until the last attempt are skipped without a trace, unless a destination takes note of them.
# """
# fix = "Set DestinationConfig.OnFailure.Destination to a queue, a topic or a bucket, and an alarm on it."
# sources = ["https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html"]
# controls = ["NIST.800-53.r5 AU-5"]
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
#   Stream:
#     Type: AWS::Kinesis::Stream
#     Properties: {ShardCount: 1}
#   Mapping:
#     Type: AWS::Lambda::EventSourceMapping
#     Properties:
#       EventSourceArn: {"Fn::GetAtt": [Stream, Arn]}
#       FunctionName: {Ref: Function}
#       StartingPosition: LATEST
#       MaximumRetryAttempts: 3
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
#   Stream:
#     Type: AWS::Kinesis::Stream
#     Properties: {ShardCount: 1}
#   Mapping:
#     Type: AWS::Lambda::EventSourceMapping
#     Properties:
#       EventSourceArn: {"Fn::GetAtt": [Stream, Arn]}
#       FunctionName: {Ref: Function}
#       StartingPosition: LATEST
#       MaximumRetryAttempts: 3
#       DestinationConfig: {OnFailure: {Destination: "arn:aws:sqs:eu-west-1:111122223333:failed"}}
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some each in stream_on_failure_mappings
	each.type in {"AWS::Kinesis::Stream", "AWS::Kinesis::StreamConsumer", "AWS::DynamoDB::Table"}
	absent(each.mapping, "Properties.DestinationConfig.OnFailure.Destination")
	v := finding(
		"SAGEMAKER_STREAM_ON_FAILURE", each.mapping, "Properties.DestinationConfig",
		"Records that fail are skipped without a trace",
	)
}

# A value as a list; policies allow a single one wherever they allow several.
stream_on_failure_listed(value) := value if is_array(value)

stream_on_failure_listed(value) := [value] if not is_array(value)

# The literal texts of a value; what intrinsics decide is left out.
stream_on_failure_texts(value) := {text | some text in stream_on_failure_listed(value); is_string(text)}

# Whether an action of a policy, which may have wildcards, comprises another.
stream_on_failure_covers(pattern, action) if {
	regex.match(`^[A-Za-z0-9:*?-]+$`, pattern)
	expression := replace(replace(lower(pattern), "*", ".*"), "?", ".")
	regex.match(concat("", ["^", expression, "$"]), lower(action))
}

# Policies that only bound what others allow.
stream_on_failure_boundaries := {reference.target |
	some _, resource in input.resources
	some reference in resource.outgoingRefs
	startswith(reference.sourcePath, "Properties.PermissionsBoundary")
}

# Identity policies, with the path to them.
stream_on_failure_documents contains [name, "Properties.PolicyDocument", document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	not name in stream_on_failure_boundaries
	document := resource.properties.PolicyDocument
}

stream_on_failure_documents contains [name, sprintf("Properties.Policies.%d.PolicyDocument", [index]), document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	some index, policy in resource.properties.Policies
	document := policy.PolicyDocument
}

# Statements that allow something whatever the conditions of the template are.
stream_on_failure_statements contains {"name": name, "path": sprintf("%s.Statement.%d", [path, index]), "statement": statement} if {
	some [name, path, document] in stream_on_failure_documents
	some index, statement in stream_on_failure_listed(document.Statement)
	statement.Effect == "Allow"
}

# Resources that hold the policies of a role.
stream_on_failure_policies_of(role) := ({role} | {name |
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
stream_on_failure_may contains [function, action] if {
	some function in resources_of_type("AWS::Lambda::Function")
	policies := stream_on_failure_policies_of(follow_ref(function, "Properties.Role"))
	some allowed in stream_on_failure_statements
	allowed.name in policies
	some pattern in stream_on_failure_texts(allowed.statement.Action)
	startswith(lower(pattern), "sagemaker:")
	some action in ["InvokeEndpoint", "InvokeEndpointAsync", "InvokeEndpointWithResponseStream"]
	stream_on_failure_covers(pattern, concat(":", ["sagemaker", action]))
}

stream_on_failure_serving contains function if some [function, _] in stream_on_failure_may

# The function behind an alias or a version.
stream_on_failure_function_of(target) := target if input.resources[target].resourceType == "AWS::Lambda::Function"

stream_on_failure_function_of(target) := follow_ref(target, "Properties.FunctionName") if {
	input.resources[target].resourceType in {"AWS::Lambda::Alias", "AWS::Lambda::Version"}
}

# Functions that invoke an endpoint, and that a property refers to.
stream_on_failure_served_by(name, path) := {function |
	some reference in input.resources[name].outgoingRefs
	startswith(reference.sourcePath, path)
	function := stream_on_failure_function_of(reference.target)
	function in stream_on_failure_serving
}

# Sources of messages or records in the template, and the functions that invoke an endpoint with them.
stream_on_failure_mappings contains {"mapping": mapping, "source": source, "type": type, "function": function} if {
	some mapping in resources_of_type("AWS::Lambda::EventSourceMapping")
	some function in stream_on_failure_served_by(mapping, "Properties.FunctionName")
	source := follow_ref(mapping, "Properties.EventSourceArn")
	type := input.resources[source].resourceType
}
