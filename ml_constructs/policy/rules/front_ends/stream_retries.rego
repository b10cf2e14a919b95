# title = "A stream in front of an endpoint gives up on a record that fails"
# severity = "error"
# profile = "production"
# intent = """
# By default Lambda tries a batch until its records expire, for a day or more, and reads nothing else of the shard
# meanwhile: one record that the model cannot take stops all behind it, and calls the endpoint all day.
# """
# fix = "Set MaximumRetryAttempts or MaximumRecordAgeInSeconds, and a destination in DestinationConfig.OnFailure."
# sources = [
#     "https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html",
#     "https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html",
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
#   Stream:
#     Type: AWS::Kinesis::Stream
#     Properties: {ShardCount: 1}
#   Mapping:
#     Type: AWS::Lambda::EventSourceMapping
#     Properties:
#       EventSourceArn: {"Fn::GetAtt": [Stream, Arn]}
#       FunctionName: {Ref: Function}
#       StartingPosition: LATEST
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
	some each in stream_retries_mappings
	each.type in {"AWS::Kinesis::Stream", "AWS::Kinesis::StreamConsumer", "AWS::DynamoDB::Table"}
	certainly(each.mapping, "Properties.MaximumRetryAttempts", [null, -1, "-1"])
	certainly(each.mapping, "Properties.MaximumRecordAgeInSeconds", [null, -1, "-1"])
	v := finding(
		"SAGEMAKER_STREAM_RETRIES", each.mapping, "Properties.MaximumRetryAttempts",
		"A record that fails stops its shard until it expires",
	)
}

# A value as a list; policies allow a single one wherever they allow several.
stream_retries_listed(value) := value if is_array(value)

stream_retries_listed(value) := [value] if not is_array(value)

# The literal texts of a value; what intrinsics decide is left out.
stream_retries_texts(value) := {text | some text in stream_retries_listed(value); is_string(text)}

# Whether an action of a policy, which may have wildcards, comprises another.
stream_retries_covers(pattern, action) if {
	regex.match(`^[A-Za-z0-9:*?-]+$`, pattern)
	expression := replace(replace(lower(pattern), "*", ".*"), "?", ".")
	regex.match(concat("", ["^", expression, "$"]), lower(action))
}

# Policies that only bound what others allow.
stream_retries_boundaries := {reference.target |
	some _, resource in input.resources
	some reference in resource.outgoingRefs
	startswith(reference.sourcePath, "Properties.PermissionsBoundary")
}

# Identity policies, with the path to them.
stream_retries_documents contains [name, "Properties.PolicyDocument", document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	not name in stream_retries_boundaries
	document := resource.properties.PolicyDocument
}

stream_retries_documents contains [name, sprintf("Properties.Policies.%d.PolicyDocument", [index]), document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	some index, policy in resource.properties.Policies
	document := policy.PolicyDocument
}

# Statements that allow something whatever the conditions of the template are.
stream_retries_statements contains {"name": name, "path": sprintf("%s.Statement.%d", [path, index]), "statement": statement} if {
	some [name, path, document] in stream_retries_documents
	some index, statement in stream_retries_listed(document.Statement)
	statement.Effect == "Allow"
}

# Resources that hold the policies of a role.
stream_retries_policies_of(role) := ({role} | {name |
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
stream_retries_may contains [function, action] if {
	some function in resources_of_type("AWS::Lambda::Function")
	policies := stream_retries_policies_of(follow_ref(function, "Properties.Role"))
	some allowed in stream_retries_statements
	allowed.name in policies
	some pattern in stream_retries_texts(allowed.statement.Action)
	startswith(lower(pattern), "sagemaker:")
	some action in ["InvokeEndpoint", "InvokeEndpointAsync", "InvokeEndpointWithResponseStream"]
	stream_retries_covers(pattern, concat(":", ["sagemaker", action]))
}

stream_retries_serving contains function if some [function, _] in stream_retries_may

# The function behind an alias or a version.
stream_retries_function_of(target) := target if input.resources[target].resourceType == "AWS::Lambda::Function"

stream_retries_function_of(target) := follow_ref(target, "Properties.FunctionName") if {
	input.resources[target].resourceType in {"AWS::Lambda::Alias", "AWS::Lambda::Version"}
}

# Functions that invoke an endpoint, and that a property refers to.
stream_retries_served_by(name, path) := {function |
	some reference in input.resources[name].outgoingRefs
	startswith(reference.sourcePath, path)
	function := stream_retries_function_of(reference.target)
	function in stream_retries_serving
}

# Sources of messages or records in the template, and the functions that invoke an endpoint with them.
stream_retries_mappings contains {"mapping": mapping, "source": source, "type": type, "function": function} if {
	some mapping in resources_of_type("AWS::Lambda::EventSourceMapping")
	some function in stream_retries_served_by(mapping, "Properties.FunctionName")
	source := follow_ref(mapping, "Properties.EventSourceArn")
	type := input.resources[source].resourceType
}
