# title = "A stream in front of an endpoint finds the record that fails"
# severity = "warning"
# profile = "production"
# intent = """
# By default a batch is tried as a whole: one bad record out of a hundred sends the ninety-nine others to the model
# with each attempt, and all of them are given up with it.
# """
# fix = "Set FunctionResponseTypes to [ReportBatchItemFailures] and return where it failed, or BisectBatchOnFunctionError to true."
# sources = ["https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html"]
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
#       BisectBatchOnFunctionError: true
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some each in stream_partial_batch_mappings
	each.type in {"AWS::Kinesis::Stream", "AWS::Kinesis::StreamConsumer", "AWS::DynamoDB::Table"}
	absent(each.mapping, "Properties.FunctionResponseTypes")
	certainly(each.mapping, "Properties.BisectBatchOnFunctionError", [null, false, "false"])
	min(stream_partial_batch_numbers_of(each.mapping, "Properties.BatchSize", 100)) > 1
	v := finding(
		"SAGEMAKER_STREAM_PARTIAL_BATCH", each.mapping, "Properties.FunctionResponseTypes",
		"One record that fails gives its whole batch up",
	)
}

# A value as a list; policies allow a single one wherever they allow several.
stream_partial_batch_listed(value) := value if is_array(value)

stream_partial_batch_listed(value) := [value] if not is_array(value)

# The literal texts of a value; what intrinsics decide is left out.
stream_partial_batch_texts(value) := {text | some text in stream_partial_batch_listed(value); is_string(text)}

# Whether an action of a policy, which may have wildcards, comprises another.
stream_partial_batch_covers(pattern, action) if {
	regex.match(`^[A-Za-z0-9:*?-]+$`, pattern)
	expression := replace(replace(lower(pattern), "*", ".*"), "?", ".")
	regex.match(concat("", ["^", expression, "$"]), lower(action))
}

# Policies that only bound what others allow.
stream_partial_batch_boundaries := {reference.target |
	some _, resource in input.resources
	some reference in resource.outgoingRefs
	startswith(reference.sourcePath, "Properties.PermissionsBoundary")
}

# Identity policies, with the path to them.
stream_partial_batch_documents contains [name, "Properties.PolicyDocument", document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	not name in stream_partial_batch_boundaries
	document := resource.properties.PolicyDocument
}

stream_partial_batch_documents contains [name, sprintf("Properties.Policies.%d.PolicyDocument", [index]), document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	some index, policy in resource.properties.Policies
	document := policy.PolicyDocument
}

# Statements that allow something whatever the conditions of the template are.
stream_partial_batch_statements contains {"name": name, "path": sprintf("%s.Statement.%d", [path, index]), "statement": statement} if {
	some [name, path, document] in stream_partial_batch_documents
	some index, statement in stream_partial_batch_listed(document.Statement)
	statement.Effect == "Allow"
}

# Resources that hold the policies of a role.
stream_partial_batch_policies_of(role) := ({role} | {name |
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
stream_partial_batch_may contains [function, action] if {
	some function in resources_of_type("AWS::Lambda::Function")
	policies := stream_partial_batch_policies_of(follow_ref(function, "Properties.Role"))
	some allowed in stream_partial_batch_statements
	allowed.name in policies
	some pattern in stream_partial_batch_texts(allowed.statement.Action)
	startswith(lower(pattern), "sagemaker:")
	some action in ["InvokeEndpoint", "InvokeEndpointAsync", "InvokeEndpointWithResponseStream"]
	stream_partial_batch_covers(pattern, concat(":", ["sagemaker", action]))
}

stream_partial_batch_serving contains function if some [function, _] in stream_partial_batch_may

# The function behind an alias or a version.
stream_partial_batch_function_of(target) := target if input.resources[target].resourceType == "AWS::Lambda::Function"

stream_partial_batch_function_of(target) := follow_ref(target, "Properties.FunctionName") if {
	input.resources[target].resourceType in {"AWS::Lambda::Alias", "AWS::Lambda::Version"}
}

# Functions that invoke an endpoint, and that a property refers to.
stream_partial_batch_served_by(name, path) := {function |
	some reference in input.resources[name].outgoingRefs
	startswith(reference.sourcePath, path)
	function := stream_partial_batch_function_of(reference.target)
	function in stream_partial_batch_serving
}

# Sources of messages or records in the template, and the functions that invoke an endpoint with them.
stream_partial_batch_mappings contains {"mapping": mapping, "source": source, "type": type, "function": function} if {
	some mapping in resources_of_type("AWS::Lambda::EventSourceMapping")
	some function in stream_partial_batch_served_by(mapping, "Properties.FunctionName")
	source := follow_ref(mapping, "Properties.EventSourceArn")
	type := input.resources[source].resourceType
}

# Every number that a property may be, a default where it is left out; undefined if only the deployment knows.
stream_partial_batch_numbers_of(name, path, default_value) := numbers if {
	values := decided(name, path)
	numbers := {stream_partial_batch_number_of(value, default_value) | some value in values}
}

stream_partial_batch_number_of(value, default_value) := default_value if value == null

stream_partial_batch_number_of(value, _) := to_number(value) if value != null
