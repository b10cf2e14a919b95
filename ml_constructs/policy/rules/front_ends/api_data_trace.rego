# title = "An API in front of an endpoint keeps requests and answers out of its log"
# severity = "error"
# profile = "production"
# intent = """
# Data tracing writes whole bodies into the execution log: features of customers and the model's answers, in a log
# group that the stage's name gives, without a key or a retention of yours. AWS advises against it in production.
# """
# fix = "Set DataTraceEnabled to false; log identifiers and statuses in the access log."
# sources = ["https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html"]
# controls = ["NIST.800-53.r5 AC-4"]
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
#       MethodSettings: [{HttpMethod: "*", ResourcePath: "/*", LoggingLevel: INFO, DataTraceEnabled: true}]
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
#       MethodSettings: [{HttpMethod: "*", ResourcePath: "/*", LoggingLevel: INFO, DataTraceEnabled: false}]
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some stage in api_data_trace_stages
	some index, _ in input.resources[stage].properties.MethodSettings
	path := sprintf("Properties.MethodSettings.%d.DataTraceEnabled", [index])
	certainly(stage, path, [true, "true"])
	v := finding("SAGEMAKER_API_DATA_TRACE", stage, path, "Requests and answers are written to the log")
}

violation contains v if {
	some stage in api_data_trace_stages
	path := "Properties.DefaultRouteSettings.DataTraceEnabled"
	certainly(stage, path, [true, "true"])
	v := finding("SAGEMAKER_API_DATA_TRACE", stage, path, "Requests and answers are written to the log")
}

# A value as a list; policies allow a single one wherever they allow several.
api_data_trace_listed(value) := value if is_array(value)

api_data_trace_listed(value) := [value] if not is_array(value)

# The literal texts of a value; what intrinsics decide is left out.
api_data_trace_texts(value) := {text | some text in api_data_trace_listed(value); is_string(text)}

# Text with the references in it, for example `arn:aws:s3:::{ref:Bucket}/*`.
api_data_trace_text_of(value) := value if is_string(value)

api_data_trace_text_of(value) := trim_prefix(trim_prefix(value.__dynamic, "Sub:"), "Join:") if is_object(value)

# Whether an action of a policy, which may have wildcards, comprises another.
api_data_trace_covers(pattern, action) if {
	regex.match(`^[A-Za-z0-9:*?-]+$`, pattern)
	expression := replace(replace(lower(pattern), "*", ".*"), "?", ".")
	regex.match(concat("", ["^", expression, "$"]), lower(action))
}

# Policies that only bound what others allow.
api_data_trace_boundaries := {reference.target |
	some _, resource in input.resources
	some reference in resource.outgoingRefs
	startswith(reference.sourcePath, "Properties.PermissionsBoundary")
}

# Identity policies, with the path to them.
api_data_trace_documents contains [name, "Properties.PolicyDocument", document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	not name in api_data_trace_boundaries
	document := resource.properties.PolicyDocument
}

api_data_trace_documents contains [name, sprintf("Properties.Policies.%d.PolicyDocument", [index]), document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	some index, policy in resource.properties.Policies
	document := policy.PolicyDocument
}

# Statements that allow something whatever the conditions of the template are.
api_data_trace_statements contains {"name": name, "path": sprintf("%s.Statement.%d", [path, index]), "statement": statement} if {
	some [name, path, document] in api_data_trace_documents
	some index, statement in api_data_trace_listed(document.Statement)
	statement.Effect == "Allow"
}

# Resources that hold the policies of a role.
api_data_trace_policies_of(role) := ({role} | {name |
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
api_data_trace_may contains [function, action] if {
	some function in resources_of_type("AWS::Lambda::Function")
	policies := api_data_trace_policies_of(follow_ref(function, "Properties.Role"))
	some allowed in api_data_trace_statements
	allowed.name in policies
	some pattern in api_data_trace_texts(allowed.statement.Action)
	startswith(lower(pattern), "sagemaker:")
	some action in ["InvokeEndpoint", "InvokeEndpointAsync", "InvokeEndpointWithResponseStream"]
	api_data_trace_covers(pattern, concat(":", ["sagemaker", action]))
}

api_data_trace_serving contains function if some [function, _] in api_data_trace_may

# The function behind an alias or a version.
api_data_trace_function_of(target) := target if input.resources[target].resourceType == "AWS::Lambda::Function"

api_data_trace_function_of(target) := follow_ref(target, "Properties.FunctionName") if {
	input.resources[target].resourceType in {"AWS::Lambda::Alias", "AWS::Lambda::Version"}
}

# Functions that invoke an endpoint, and that a property refers to.
api_data_trace_served_by(name, path) := {function |
	some reference in input.resources[name].outgoingRefs
	startswith(reference.sourcePath, path)
	function := api_data_trace_function_of(reference.target)
	function in api_data_trace_serving
}

# Methods of REST APIs behind which an endpoint answers, by way of a function or directly.
api_data_trace_methods contains method if {
	some method in resources_of_type("AWS::ApiGateway::Method")
	count(api_data_trace_served_by(method, "Properties.Integration.Uri")) > 0
}

api_data_trace_methods contains method if {
	some method in resources_of_type("AWS::ApiGateway::Method")
	contains(api_data_trace_text_of(input.resources[method].properties.Integration.Uri), ":runtime.sagemaker:")
}

# Routes of HTTP APIs behind which an endpoint answers.
api_data_trace_routes contains route if {
	some route in resources_of_type("AWS::ApiGatewayV2::Route")
	resolve(follow_ref(route, "Properties.ApiId"), "Properties.ProtocolType") == "HTTP"
	some reference in input.resources[route].outgoingRefs
	startswith(reference.sourcePath, "Properties.Target")
	count(api_data_trace_served_by(reference.target, "Properties.IntegrationUri")) > 0
}

# Stages of the APIs behind which an endpoint answers.
api_data_trace_stages contains stage if {
	some stage in resources_of_type("AWS::ApiGateway::Stage")
	some method in api_data_trace_methods
	follow_ref(method, "Properties.RestApiId") == follow_ref(stage, "Properties.RestApiId")
}

api_data_trace_stages contains stage if {
	some stage in resources_of_type("AWS::ApiGatewayV2::Stage")
	some route in api_data_trace_routes
	follow_ref(route, "Properties.ApiId") == follow_ref(stage, "Properties.ApiId")
}
