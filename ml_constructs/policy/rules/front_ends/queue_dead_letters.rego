# title = "A queue in front of an endpoint sets aside what fails"
# severity = "error"
# profile = "production"
# intent = """
# A request that the model cannot answer returns to the queue until it expires: it costs an invocation each time,
# hides how old the good ones are, and then is gone without a trace.
# """
# fix = "Set RedrivePolicy with a dead-letter queue and a maxReceiveCount of five or so."
# sources = [
#     "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html",
#     "https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html",
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
#   Queue:
#     Type: AWS::SQS::Queue
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
	some each in queue_dead_letters_mappings
	each.type == "AWS::SQS::Queue"
	absent(each.source, "Properties.RedrivePolicy")
	v := finding(
		"SAGEMAKER_QUEUE_DEAD_LETTERS", each.source, "Properties.RedrivePolicy",
		sprintf("What %s cannot process comes back until it expires", [each.function]),
	)
}

# A value as a list; policies allow a single one wherever they allow several.
queue_dead_letters_listed(value) := value if is_array(value)

queue_dead_letters_listed(value) := [value] if not is_array(value)

# The literal texts of a value; what intrinsics decide is left out.
queue_dead_letters_texts(value) := {text | some text in queue_dead_letters_listed(value); is_string(text)}

# Whether an action of a policy, which may have wildcards, comprises another.
queue_dead_letters_covers(pattern, action) if {
	regex.match(`^[A-Za-z0-9:*?-]+$`, pattern)
	expression := replace(replace(lower(pattern), "*", ".*"), "?", ".")
	regex.match(concat("", ["^", expression, "$"]), lower(action))
}

# Policies that only bound what others allow.
queue_dead_letters_boundaries := {reference.target |
	some _, resource in input.resources
	some reference in resource.outgoingRefs
	startswith(reference.sourcePath, "Properties.PermissionsBoundary")
}

# Identity policies, with the path to them.
queue_dead_letters_documents contains [name, "Properties.PolicyDocument", document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	not name in queue_dead_letters_boundaries
	document := resource.properties.PolicyDocument
}

queue_dead_letters_documents contains [name, sprintf("Properties.Policies.%d.PolicyDocument", [index]), document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	some index, policy in resource.properties.Policies
	document := policy.PolicyDocument
}

# Statements that allow something whatever the conditions of the template are.
queue_dead_letters_statements contains {"name": name, "path": sprintf("%s.Statement.%d", [path, index]), "statement": statement} if {
	some [name, path, document] in queue_dead_letters_documents
	some index, statement in queue_dead_letters_listed(document.Statement)
	statement.Effect == "Allow"
}

# Resources that hold the policies of a role.
queue_dead_letters_policies_of(role) := ({role} | {name |
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
queue_dead_letters_may contains [function, action] if {
	some function in resources_of_type("AWS::Lambda::Function")
	policies := queue_dead_letters_policies_of(follow_ref(function, "Properties.Role"))
	some allowed in queue_dead_letters_statements
	allowed.name in policies
	some pattern in queue_dead_letters_texts(allowed.statement.Action)
	startswith(lower(pattern), "sagemaker:")
	some action in ["InvokeEndpoint", "InvokeEndpointAsync", "InvokeEndpointWithResponseStream"]
	queue_dead_letters_covers(pattern, concat(":", ["sagemaker", action]))
}

queue_dead_letters_serving contains function if some [function, _] in queue_dead_letters_may

# The function behind an alias or a version.
queue_dead_letters_function_of(target) := target if input.resources[target].resourceType == "AWS::Lambda::Function"

queue_dead_letters_function_of(target) := follow_ref(target, "Properties.FunctionName") if {
	input.resources[target].resourceType in {"AWS::Lambda::Alias", "AWS::Lambda::Version"}
}

# Functions that invoke an endpoint, and that a property refers to.
queue_dead_letters_served_by(name, path) := {function |
	some reference in input.resources[name].outgoingRefs
	startswith(reference.sourcePath, path)
	function := queue_dead_letters_function_of(reference.target)
	function in queue_dead_letters_serving
}

# Sources of messages or records in the template, and the functions that invoke an endpoint with them.
queue_dead_letters_mappings contains {"mapping": mapping, "source": source, "type": type, "function": function} if {
	some mapping in resources_of_type("AWS::Lambda::EventSourceMapping")
	some function in queue_dead_letters_served_by(mapping, "Properties.FunctionName")
	source := follow_ref(mapping, "Properties.EventSourceArn")
	type := input.resources[source].resourceType
}
