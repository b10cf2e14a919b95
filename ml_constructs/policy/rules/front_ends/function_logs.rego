# title = "The log of a function in front of an endpoint expires when you say"
# severity = "error"
# profile = "regulated"
# intent = """
# A function without a log group of the template gets one that Lambda makes: it is kept for ever, encrypted with no
# key of yours, and left behind when the stack is deleted, with whatever the function wrote about its callers.
# """
# fix = "Make an AWS::Logs::LogGroup with RetentionInDays, and name it in the function's LoggingConfig.LogGroup."
# sources = [
#     "https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-loggroups.html",
#     "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/Working-with-log-groups-and-streams.html",
# ]
# controls = ["NIST.800-53.r5 AU-11"]
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
#       LoggingConfig: {LogGroup: {Ref: Logs}}
#   Logs:
#     Type: AWS::Logs::LogGroup
#     Properties: {RetentionInDays: 365}
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some function in function_logs_serving
	absent(function, "Properties.LoggingConfig.LogGroup")
	not function_logs_by_name(function)
	v := finding(
		"SAGEMAKER_FUNCTION_LOGS", function, "Properties.LoggingConfig.LogGroup",
		"The function has a log that never expires",
	)
}

violation contains v if {
	some function in function_logs_serving
	group := follow_ref(function, "Properties.LoggingConfig.LogGroup")
	absent(group, "Properties.RetentionInDays")
	v := finding(
		"SAGEMAKER_FUNCTION_LOGS", group, "Properties.RetentionInDays",
		sprintf("The log of %s never expires", [function]),
	)
}

# Log groups with the name that Lambda gives, and the custom resource of the CDK that sets their retention.
function_logs_by_name(function) if {
	some name, resource in input.resources
	resource.resourceType in {"AWS::Logs::LogGroup", "Custom::LogRetention"}
	some reference in resource.outgoingRefs
	reference.target == function
	regex.match(`LogGroupName`, reference.sourcePath)
}

function_logs_by_name(function) if {
	some group in resources_of_type("AWS::Logs::LogGroup")
	named := concat("", ["/aws/lambda/", resolve(function, "Properties.FunctionName")])
	resolve(group, "Properties.LogGroupName") == named
}

# A value as a list; policies allow a single one wherever they allow several.
function_logs_listed(value) := value if is_array(value)

function_logs_listed(value) := [value] if not is_array(value)

# The literal texts of a value; what intrinsics decide is left out.
function_logs_texts(value) := {text | some text in function_logs_listed(value); is_string(text)}

# Whether an action of a policy, which may have wildcards, comprises another.
function_logs_covers(pattern, action) if {
	regex.match(`^[A-Za-z0-9:*?-]+$`, pattern)
	expression := replace(replace(lower(pattern), "*", ".*"), "?", ".")
	regex.match(concat("", ["^", expression, "$"]), lower(action))
}

# Policies that only bound what others allow.
function_logs_boundaries := {reference.target |
	some _, resource in input.resources
	some reference in resource.outgoingRefs
	startswith(reference.sourcePath, "Properties.PermissionsBoundary")
}

# Identity policies, with the path to them.
function_logs_documents contains [name, "Properties.PolicyDocument", document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	not name in function_logs_boundaries
	document := resource.properties.PolicyDocument
}

function_logs_documents contains [name, sprintf("Properties.Policies.%d.PolicyDocument", [index]), document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	some index, policy in resource.properties.Policies
	document := policy.PolicyDocument
}

# Statements that allow something whatever the conditions of the template are.
function_logs_statements contains {"name": name, "path": sprintf("%s.Statement.%d", [path, index]), "statement": statement} if {
	some [name, path, document] in function_logs_documents
	some index, statement in function_logs_listed(document.Statement)
	statement.Effect == "Allow"
}

# Resources that hold the policies of a role.
function_logs_policies_of(role) := ({role} | {name |
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
function_logs_may contains [function, action] if {
	some function in resources_of_type("AWS::Lambda::Function")
	policies := function_logs_policies_of(follow_ref(function, "Properties.Role"))
	some allowed in function_logs_statements
	allowed.name in policies
	some pattern in function_logs_texts(allowed.statement.Action)
	startswith(lower(pattern), "sagemaker:")
	some action in ["InvokeEndpoint", "InvokeEndpointAsync", "InvokeEndpointWithResponseStream"]
	function_logs_covers(pattern, concat(":", ["sagemaker", action]))
}

function_logs_serving contains function if some [function, _] in function_logs_may
