# title = "A queue leaves Lambda time to try again"
# severity = "warning"
# profile = "production"
# intent = """
# Lambda holds messages while a throttled function cannot take them. With less than six times the function's timeout
# they reappear meanwhile: the same request goes to the model twice, and counts towards the dead-letter queue.
# """
# fix = "Set VisibilityTimeout to six times the function's Timeout, plus MaximumBatchingWindowInSeconds."
# sources = ["https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html"]
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
#       Timeout: 60
#   Queue:
#     Type: AWS::SQS::Queue
#     Properties:
#       VisibilityTimeout: 180
#       RedrivePolicy: {deadLetterTargetArn: "arn:aws:sqs:eu-west-1:111122223333:dead", maxReceiveCount: 5}
#   Mapping:
#     Type: AWS::Lambda::EventSourceMapping
#     Properties:
#       EventSourceArn: {"Fn::GetAtt": [Queue, Arn]}
#       FunctionName: {Ref: Function}
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
#       Timeout: 30
#   Queue:
#     Type: AWS::SQS::Queue
#     Properties:
#       VisibilityTimeout: 180
#       RedrivePolicy: {deadLetterTargetArn: "arn:aws:sqs:eu-west-1:111122223333:dead", maxReceiveCount: 5}
#   Mapping:
#     Type: AWS::Lambda::EventSourceMapping
#     Properties:
#       EventSourceArn: {"Fn::GetAtt": [Queue, Arn]}
#       FunctionName: {Ref: Function}
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some each in queue_retries_mappings
	each.type == "AWS::SQS::Queue"
	visibility := queue_retries_numbers_of(each.source, "Properties.VisibilityTimeout", 30)
	timeouts := queue_retries_numbers_of(each.function, "Properties.Timeout", 3)
	windows := queue_retries_numbers_of(each.mapping, "Properties.MaximumBatchingWindowInSeconds", 0)
	max(visibility) >= min(timeouts)
	max(visibility) < (6 * min(timeouts)) + min(windows)
	v := finding(
		"SAGEMAKER_QUEUE_RETRIES", each.source, "Properties.VisibilityTimeout",
		sprintf("Messages reappear after %v s; %s takes up to %v s", [max(visibility), each.function, min(timeouts)]),
	)
}

# A value as a list; policies allow a single one wherever they allow several.
queue_retries_listed(value) := value if is_array(value)

queue_retries_listed(value) := [value] if not is_array(value)

# The literal texts of a value; what intrinsics decide is left out.
queue_retries_texts(value) := {text | some text in queue_retries_listed(value); is_string(text)}

# Whether an action of a policy, which may have wildcards, comprises another.
queue_retries_covers(pattern, action) if {
	regex.match(`^[A-Za-z0-9:*?-]+$`, pattern)
	expression := replace(replace(lower(pattern), "*", ".*"), "?", ".")
	regex.match(concat("", ["^", expression, "$"]), lower(action))
}

# Policies that only bound what others allow.
queue_retries_boundaries := {reference.target |
	some _, resource in input.resources
	some reference in resource.outgoingRefs
	startswith(reference.sourcePath, "Properties.PermissionsBoundary")
}

# Identity policies, with the path to them.
queue_retries_documents contains [name, "Properties.PolicyDocument", document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	not name in queue_retries_boundaries
	document := resource.properties.PolicyDocument
}

queue_retries_documents contains [name, sprintf("Properties.Policies.%d.PolicyDocument", [index]), document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	some index, policy in resource.properties.Policies
	document := policy.PolicyDocument
}

# Statements that allow something whatever the conditions of the template are.
queue_retries_statements contains {"name": name, "path": sprintf("%s.Statement.%d", [path, index]), "statement": statement} if {
	some [name, path, document] in queue_retries_documents
	some index, statement in queue_retries_listed(document.Statement)
	statement.Effect == "Allow"
}

# Resources that hold the policies of a role.
queue_retries_policies_of(role) := ({role} | {name |
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
queue_retries_may contains [function, action] if {
	some function in resources_of_type("AWS::Lambda::Function")
	policies := queue_retries_policies_of(follow_ref(function, "Properties.Role"))
	some allowed in queue_retries_statements
	allowed.name in policies
	some pattern in queue_retries_texts(allowed.statement.Action)
	startswith(lower(pattern), "sagemaker:")
	some action in ["InvokeEndpoint", "InvokeEndpointAsync", "InvokeEndpointWithResponseStream"]
	queue_retries_covers(pattern, concat(":", ["sagemaker", action]))
}

queue_retries_serving contains function if some [function, _] in queue_retries_may

# The function behind an alias or a version.
queue_retries_function_of(target) := target if input.resources[target].resourceType == "AWS::Lambda::Function"

queue_retries_function_of(target) := follow_ref(target, "Properties.FunctionName") if {
	input.resources[target].resourceType in {"AWS::Lambda::Alias", "AWS::Lambda::Version"}
}

# Functions that invoke an endpoint, and that a property refers to.
queue_retries_served_by(name, path) := {function |
	some reference in input.resources[name].outgoingRefs
	startswith(reference.sourcePath, path)
	function := queue_retries_function_of(reference.target)
	function in queue_retries_serving
}

# Sources of messages or records in the template, and the functions that invoke an endpoint with them.
queue_retries_mappings contains {"mapping": mapping, "source": source, "type": type, "function": function} if {
	some mapping in resources_of_type("AWS::Lambda::EventSourceMapping")
	some function in queue_retries_served_by(mapping, "Properties.FunctionName")
	source := follow_ref(mapping, "Properties.EventSourceArn")
	type := input.resources[source].resourceType
}

# Every number that a property may be, a default where it is left out; undefined if only the deployment knows.
queue_retries_numbers_of(name, path, default_value) := numbers if {
	values := decided(name, path)
	numbers := {queue_retries_number_of(value, default_value) | some value in values}
}

queue_retries_number_of(value, default_value) := default_value if value == null

queue_retries_number_of(value, _) := to_number(value) if value != null
