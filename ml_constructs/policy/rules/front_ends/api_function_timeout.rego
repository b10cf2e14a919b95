# title = "A function behind an API ends before the API gives up"
# severity = "warning"
# profile = "production"
# intent = """
# When the integration times out first, the caller gets a 504 that says nothing, while the function and the model go
# on working for nobody; the caller tries again, and doubles the load of an endpoint that is slow already.
# """
# fix = "Set the function's Timeout below the integration's TimeoutInMillis, and the client's read timeout below that."
# sources = [
#     "https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html",
#     "https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html",
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
#       Timeout: 60
#   Api:
#     Type: AWS::ApiGateway::RestApi
#     Properties: {Name: churn}
#   Method:
#     Type: AWS::ApiGateway::Method
#     Properties:
#       RestApiId: {Ref: Api}
#       ResourceId: {"Fn::GetAtt": [Api, RootResourceId]}
#       HttpMethod: POST
#       AuthorizationType: AWS_IAM
#       Integration:
#         Type: AWS_PROXY
#         IntegrationHttpMethod: POST
#         Uri: {"Fn::Sub": "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Function.Arn}/invocations"}
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
#   Api:
#     Type: AWS::ApiGateway::RestApi
#     Properties: {Name: churn}
#   Method:
#     Type: AWS::ApiGateway::Method
#     Properties:
#       RestApiId: {Ref: Api}
#       ResourceId: {"Fn::GetAtt": [Api, RootResourceId]}
#       HttpMethod: POST
#       AuthorizationType: AWS_IAM
#       Integration:
#         Type: AWS_PROXY
#         IntegrationHttpMethod: POST
#         Uri: {"Fn::Sub": "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Function.Arn}/invocations"}
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some [integration, function, patience] in api_function_timeout_pairs
	timeouts := api_function_timeout_numbers_of(function, "Properties.Timeout", 3)
	min(timeouts) * 1000 > max(patience)
	v := finding(
		"SAGEMAKER_API_FUNCTION_TIMEOUT", function, "Properties.Timeout",
		sprintf("The function may take %v s, and %s waits %v ms", [min(timeouts), integration, max(patience)]),
	)
}

api_function_timeout_pairs contains [method, function, patience] if {
	some method in api_function_timeout_methods
	absent(method, "Properties.Integration.ResponseTransferMode")
	some function in api_function_timeout_served_by(method, "Properties.Integration.Uri")
	patience := api_function_timeout_numbers_of(method, "Properties.Integration.TimeoutInMillis", 29000)
}

api_function_timeout_pairs contains [integration, function, patience] if {
	some integration in resources_of_type("AWS::ApiGatewayV2::Integration")
	some function in api_function_timeout_served_by(integration, "Properties.IntegrationUri")
	patience := api_function_timeout_numbers_of(integration, "Properties.TimeoutInMillis", 30000)
}

# A value as a list; policies allow a single one wherever they allow several.
api_function_timeout_listed(value) := value if is_array(value)

api_function_timeout_listed(value) := [value] if not is_array(value)

# The literal texts of a value; what intrinsics decide is left out.
api_function_timeout_texts(value) := {text | some text in api_function_timeout_listed(value); is_string(text)}

# Text with the references in it, for example `arn:aws:s3:::{ref:Bucket}/*`.
api_function_timeout_text_of(value) := value if is_string(value)

api_function_timeout_text_of(value) := trim_prefix(trim_prefix(value.__dynamic, "Sub:"), "Join:") if is_object(value)

# Whether an action of a policy, which may have wildcards, comprises another.
api_function_timeout_covers(pattern, action) if {
	regex.match(`^[A-Za-z0-9:*?-]+$`, pattern)
	expression := replace(replace(lower(pattern), "*", ".*"), "?", ".")
	regex.match(concat("", ["^", expression, "$"]), lower(action))
}

# Policies that only bound what others allow.
api_function_timeout_boundaries := {reference.target |
	some _, resource in input.resources
	some reference in resource.outgoingRefs
	startswith(reference.sourcePath, "Properties.PermissionsBoundary")
}

# Identity policies, with the path to them.
api_function_timeout_documents contains [name, "Properties.PolicyDocument", document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	not name in api_function_timeout_boundaries
	document := resource.properties.PolicyDocument
}

api_function_timeout_documents contains [name, sprintf("Properties.Policies.%d.PolicyDocument", [index]), document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	some index, policy in resource.properties.Policies
	document := policy.PolicyDocument
}

# Statements that allow something whatever the conditions of the template are.
api_function_timeout_statements contains {"name": name, "path": sprintf("%s.Statement.%d", [path, index]), "statement": statement} if {
	some [name, path, document] in api_function_timeout_documents
	some index, statement in api_function_timeout_listed(document.Statement)
	statement.Effect == "Allow"
}

# Resources that hold the policies of a role.
api_function_timeout_policies_of(role) := ({role} | {name |
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
api_function_timeout_may contains [function, action] if {
	some function in resources_of_type("AWS::Lambda::Function")
	policies := api_function_timeout_policies_of(follow_ref(function, "Properties.Role"))
	some allowed in api_function_timeout_statements
	allowed.name in policies
	some pattern in api_function_timeout_texts(allowed.statement.Action)
	startswith(lower(pattern), "sagemaker:")
	some action in ["InvokeEndpoint", "InvokeEndpointAsync", "InvokeEndpointWithResponseStream"]
	api_function_timeout_covers(pattern, concat(":", ["sagemaker", action]))
}

api_function_timeout_serving contains function if some [function, _] in api_function_timeout_may

# The function behind an alias or a version.
api_function_timeout_function_of(target) := target if input.resources[target].resourceType == "AWS::Lambda::Function"

api_function_timeout_function_of(target) := follow_ref(target, "Properties.FunctionName") if {
	input.resources[target].resourceType in {"AWS::Lambda::Alias", "AWS::Lambda::Version"}
}

# Functions that invoke an endpoint, and that a property refers to.
api_function_timeout_served_by(name, path) := {function |
	some reference in input.resources[name].outgoingRefs
	startswith(reference.sourcePath, path)
	function := api_function_timeout_function_of(reference.target)
	function in api_function_timeout_serving
}

# Methods of REST APIs behind which an endpoint answers, by way of a function or directly.
api_function_timeout_methods contains method if {
	some method in resources_of_type("AWS::ApiGateway::Method")
	count(api_function_timeout_served_by(method, "Properties.Integration.Uri")) > 0
}

api_function_timeout_methods contains method if {
	some method in resources_of_type("AWS::ApiGateway::Method")
	contains(api_function_timeout_text_of(input.resources[method].properties.Integration.Uri), ":runtime.sagemaker:")
}

# Every number that a property may be, a default where it is left out; undefined if only the deployment knows.
api_function_timeout_numbers_of(name, path, default_value) := numbers if {
	values := decided(name, path)
	numbers := {api_function_timeout_number_of(value, default_value) | some value in values}
}

api_function_timeout_number_of(value, default_value) := default_value if value == null

api_function_timeout_number_of(value, _) := to_number(value) if value != null
