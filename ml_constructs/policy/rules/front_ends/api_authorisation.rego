# title = "An API in front of an endpoint knows who calls"
# severity = "error"
# profile = "development"
# intent = """
# A method or route without authorisation lets anyone who finds the address use the model: its answers, its capacity
# and your bill. An API key does not count: it meters callers, and everyone who builds a client has it. A resource
# policy does, and so does OPTIONS, which browsers send without credentials.
# """
# fix = "Set AuthorizationType to AWS_IAM, or name an authoriser."
# sources = [
#     "https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-control-access-to-api.html",
#     "https://docs.aws.amazon.com/securityhub/latest/userguide/apigateway-controls.html",
# ]
# controls = ["SecurityHub APIGateway.8", "NIST.800-53.r5 AC-3"]
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
#   Api:
#     Type: AWS::ApiGateway::RestApi
#     Properties: {Name: churn}
#   Method:
#     Type: AWS::ApiGateway::Method
#     Properties:
#       RestApiId: {Ref: Api}
#       ResourceId: {"Fn::GetAtt": [Api, RootResourceId]}
#       HttpMethod: POST
#       AuthorizationType: NONE
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
	some method in api_authorisation_methods
	not certainly(method, "Properties.HttpMethod", ["OPTIONS"])
	certainly(method, "Properties.AuthorizationType", ["NONE", null])
	api := follow_ref(method, "Properties.RestApiId")
	absent(api, "Properties.Policy")
	v := finding(
		"SAGEMAKER_API_AUTHORISATION", method, "Properties.AuthorizationType",
		"Anyone who finds the API can invoke the endpoint",
	)
}

violation contains v if {
	some route in api_authorisation_routes
	not startswith(resolve(route, "Properties.RouteKey"), "OPTIONS ")
	certainly(route, "Properties.AuthorizationType", ["NONE", null])
	v := finding(
		"SAGEMAKER_API_AUTHORISATION", route, "Properties.AuthorizationType",
		"Anyone who finds the API can invoke the endpoint",
	)
}

# A value as a list; policies allow a single one wherever they allow several.
api_authorisation_listed(value) := value if is_array(value)

api_authorisation_listed(value) := [value] if not is_array(value)

# The literal texts of a value; what intrinsics decide is left out.
api_authorisation_texts(value) := {text | some text in api_authorisation_listed(value); is_string(text)}

# Text with the references in it, for example `arn:aws:s3:::{ref:Bucket}/*`.
api_authorisation_text_of(value) := value if is_string(value)

api_authorisation_text_of(value) := trim_prefix(trim_prefix(value.__dynamic, "Sub:"), "Join:") if is_object(value)

# Whether an action of a policy, which may have wildcards, comprises another.
api_authorisation_covers(pattern, action) if {
	regex.match(`^[A-Za-z0-9:*?-]+$`, pattern)
	expression := replace(replace(lower(pattern), "*", ".*"), "?", ".")
	regex.match(concat("", ["^", expression, "$"]), lower(action))
}

# Policies that only bound what others allow.
api_authorisation_boundaries := {reference.target |
	some _, resource in input.resources
	some reference in resource.outgoingRefs
	startswith(reference.sourcePath, "Properties.PermissionsBoundary")
}

# Identity policies, with the path to them.
api_authorisation_documents contains [name, "Properties.PolicyDocument", document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	not name in api_authorisation_boundaries
	document := resource.properties.PolicyDocument
}

api_authorisation_documents contains [name, sprintf("Properties.Policies.%d.PolicyDocument", [index]), document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	some index, policy in resource.properties.Policies
	document := policy.PolicyDocument
}

# Statements that allow something whatever the conditions of the template are.
api_authorisation_statements contains {"name": name, "path": sprintf("%s.Statement.%d", [path, index]), "statement": statement} if {
	some [name, path, document] in api_authorisation_documents
	some index, statement in api_authorisation_listed(document.Statement)
	statement.Effect == "Allow"
}

# Resources that hold the policies of a role.
api_authorisation_policies_of(role) := ({role} | {name |
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
api_authorisation_may contains [function, action] if {
	some function in resources_of_type("AWS::Lambda::Function")
	policies := api_authorisation_policies_of(follow_ref(function, "Properties.Role"))
	some allowed in api_authorisation_statements
	allowed.name in policies
	some pattern in api_authorisation_texts(allowed.statement.Action)
	startswith(lower(pattern), "sagemaker:")
	some action in ["InvokeEndpoint", "InvokeEndpointAsync", "InvokeEndpointWithResponseStream"]
	api_authorisation_covers(pattern, concat(":", ["sagemaker", action]))
}

api_authorisation_serving contains function if some [function, _] in api_authorisation_may

# The function behind an alias or a version.
api_authorisation_function_of(target) := target if input.resources[target].resourceType == "AWS::Lambda::Function"

api_authorisation_function_of(target) := follow_ref(target, "Properties.FunctionName") if {
	input.resources[target].resourceType in {"AWS::Lambda::Alias", "AWS::Lambda::Version"}
}

# Functions that invoke an endpoint, and that a property refers to.
api_authorisation_served_by(name, path) := {function |
	some reference in input.resources[name].outgoingRefs
	startswith(reference.sourcePath, path)
	function := api_authorisation_function_of(reference.target)
	function in api_authorisation_serving
}

# Methods of REST APIs behind which an endpoint answers, by way of a function or directly.
api_authorisation_methods contains method if {
	some method in resources_of_type("AWS::ApiGateway::Method")
	count(api_authorisation_served_by(method, "Properties.Integration.Uri")) > 0
}

api_authorisation_methods contains method if {
	some method in resources_of_type("AWS::ApiGateway::Method")
	contains(api_authorisation_text_of(input.resources[method].properties.Integration.Uri), ":runtime.sagemaker:")
}

# Routes of HTTP APIs behind which an endpoint answers.
api_authorisation_routes contains route if {
	some route in resources_of_type("AWS::ApiGatewayV2::Route")
	resolve(follow_ref(route, "Properties.ApiId"), "Properties.ProtocolType") == "HTTP"
	some reference in input.resources[route].outgoingRefs
	startswith(reference.sourcePath, "Properties.Target")
	count(api_authorisation_served_by(reference.target, "Properties.IntegrationUri")) > 0
}
