# title = "An API in front of an endpoint logs who called it"
# severity = "error"
# profile = "regulated"
# intent = """
# Neither SageMaker nor CloudTrail records single invocations by default: without the access log of the API nobody can
# tell afterwards who got which answer, or since when a caller was refused.
# """
# fix = "Set AccessLogSetting (AccessLogSettings for HTTP APIs) with a log group and a format that has the caller and the request's id."
# sources = [
#     "https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html",
#     "https://docs.aws.amazon.com/securityhub/latest/userguide/apigateway-controls.html",
# ]
# controls = ["SecurityHub APIGateway.9", "NIST.800-53.r5 AU-12"]
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
#       AuthorizationType: AWS_IAM
#       Integration:
#         Type: AWS_PROXY
#         IntegrationHttpMethod: POST
#         Uri: {"Fn::Sub": "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Function.Arn}/invocations"}
#   Deployment:
#     Type: AWS::ApiGateway::Deployment
#     DependsOn: Method
#     Properties: {RestApiId: {Ref: Api}}
#   Stage:
#     Type: AWS::ApiGateway::Stage
#     Properties:
#       RestApiId: {Ref: Api}
#       DeploymentId: {Ref: Deployment}
#       StageName: live
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
#   Deployment:
#     Type: AWS::ApiGateway::Deployment
#     DependsOn: Method
#     Properties: {RestApiId: {Ref: Api}}
#   Stage:
#     Type: AWS::ApiGateway::Stage
#     Properties:
#       RestApiId: {Ref: Api}
#       DeploymentId: {Ref: Deployment}
#       StageName: live
#       AccessLogSetting:
#         DestinationArn: {"Fn::Sub": "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:churn"}
#         Format: '{"requestId":"$context.requestId","caller":"$context.identity.userArn","status":"$context.status"}'
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some stage in api_access_logs_stages
	property := {
		"AWS::ApiGateway::Stage": "AccessLogSetting",
		"AWS::ApiGatewayV2::Stage": "AccessLogSettings",
	}[input.resources[stage].resourceType]
	absent(stage, sprintf("Properties.%s.DestinationArn", [property]))
	v := finding(
		"SAGEMAKER_API_ACCESS_LOGS", stage, sprintf("Properties.%s", [property]),
		"The stage writes no access log",
	)
}

# A value as a list; policies allow a single one wherever they allow several.
api_access_logs_listed(value) := value if is_array(value)

api_access_logs_listed(value) := [value] if not is_array(value)

# The literal texts of a value; what intrinsics decide is left out.
api_access_logs_texts(value) := {text | some text in api_access_logs_listed(value); is_string(text)}

# Text with the references in it, for example `arn:aws:s3:::{ref:Bucket}/*`.
api_access_logs_text_of(value) := value if is_string(value)

api_access_logs_text_of(value) := trim_prefix(trim_prefix(value.__dynamic, "Sub:"), "Join:") if is_object(value)

# Whether an action of a policy, which may have wildcards, comprises another.
api_access_logs_covers(pattern, action) if {
	regex.match(`^[A-Za-z0-9:*?-]+$`, pattern)
	expression := replace(replace(lower(pattern), "*", ".*"), "?", ".")
	regex.match(concat("", ["^", expression, "$"]), lower(action))
}

# Policies that only bound what others allow.
api_access_logs_boundaries := {reference.target |
	some _, resource in input.resources
	some reference in resource.outgoingRefs
	startswith(reference.sourcePath, "Properties.PermissionsBoundary")
}

# Identity policies, with the path to them.
api_access_logs_documents contains [name, "Properties.PolicyDocument", document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	not name in api_access_logs_boundaries
	document := resource.properties.PolicyDocument
}

api_access_logs_documents contains [name, sprintf("Properties.Policies.%d.PolicyDocument", [index]), document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	some index, policy in resource.properties.Policies
	document := policy.PolicyDocument
}

# Statements that allow something whatever the conditions of the template are.
api_access_logs_statements contains {"name": name, "path": sprintf("%s.Statement.%d", [path, index]), "statement": statement} if {
	some [name, path, document] in api_access_logs_documents
	some index, statement in api_access_logs_listed(document.Statement)
	statement.Effect == "Allow"
}

# Resources that hold the policies of a role.
api_access_logs_policies_of(role) := ({role} | {name |
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
api_access_logs_may contains [function, action] if {
	some function in resources_of_type("AWS::Lambda::Function")
	policies := api_access_logs_policies_of(follow_ref(function, "Properties.Role"))
	some allowed in api_access_logs_statements
	allowed.name in policies
	some pattern in api_access_logs_texts(allowed.statement.Action)
	startswith(lower(pattern), "sagemaker:")
	some action in ["InvokeEndpoint", "InvokeEndpointAsync", "InvokeEndpointWithResponseStream"]
	api_access_logs_covers(pattern, concat(":", ["sagemaker", action]))
}

api_access_logs_serving contains function if some [function, _] in api_access_logs_may

# The function behind an alias or a version.
api_access_logs_function_of(target) := target if input.resources[target].resourceType == "AWS::Lambda::Function"

api_access_logs_function_of(target) := follow_ref(target, "Properties.FunctionName") if {
	input.resources[target].resourceType in {"AWS::Lambda::Alias", "AWS::Lambda::Version"}
}

# Functions that invoke an endpoint, and that a property refers to.
api_access_logs_served_by(name, path) := {function |
	some reference in input.resources[name].outgoingRefs
	startswith(reference.sourcePath, path)
	function := api_access_logs_function_of(reference.target)
	function in api_access_logs_serving
}

# Methods of REST APIs behind which an endpoint answers, by way of a function or directly.
api_access_logs_methods contains method if {
	some method in resources_of_type("AWS::ApiGateway::Method")
	count(api_access_logs_served_by(method, "Properties.Integration.Uri")) > 0
}

api_access_logs_methods contains method if {
	some method in resources_of_type("AWS::ApiGateway::Method")
	contains(api_access_logs_text_of(input.resources[method].properties.Integration.Uri), ":runtime.sagemaker:")
}

# Routes of HTTP APIs behind which an endpoint answers.
api_access_logs_routes contains route if {
	some route in resources_of_type("AWS::ApiGatewayV2::Route")
	resolve(follow_ref(route, "Properties.ApiId"), "Properties.ProtocolType") == "HTTP"
	some reference in input.resources[route].outgoingRefs
	startswith(reference.sourcePath, "Properties.Target")
	count(api_access_logs_served_by(reference.target, "Properties.IntegrationUri")) > 0
}

# Stages of the APIs behind which an endpoint answers.
api_access_logs_stages contains stage if {
	some stage in resources_of_type("AWS::ApiGateway::Stage")
	some method in api_access_logs_methods
	follow_ref(method, "Properties.RestApiId") == follow_ref(stage, "Properties.RestApiId")
}

api_access_logs_stages contains stage if {
	some stage in resources_of_type("AWS::ApiGatewayV2::Stage")
	some route in api_access_logs_routes
	follow_ref(route, "Properties.ApiId") == follow_ref(stage, "Properties.ApiId")
}
