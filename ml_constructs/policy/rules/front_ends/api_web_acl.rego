# title = "A REST API in front of an endpoint stands behind a web ACL"
# severity = "warning"
# profile = "regulated"
# intent = """
# An instance answers few requests a second: a single client that floods the API takes the model from everybody else.
# AWS WAF drops known attackers and limits the rate by address before a request costs anything.
# """
# fix = "Associate an AWS::WAFv2::WebACL with the stage by AWS::WAFv2::WebACLAssociation."
# sources = [
#     "https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-control-access-aws-waf.html",
#     "https://docs.aws.amazon.com/securityhub/latest/userguide/apigateway-controls.html",
# ]
# controls = ["SecurityHub APIGateway.4", "NIST.800-53.r5 SC-5"]
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
#   Association:
#     Type: AWS::WAFv2::WebACLAssociation
#     Properties:
#       WebACLArn: arn:aws:wafv2:eu-west-1:111122223333:regional/webacl/churn/473e64fd-f30b-4765-81a0-62ad96dd167a
#       ResourceArn: {"Fn::Sub": "arn:${AWS::Partition}:apigateway:${AWS::Region}::/restapis/${Api}/stages/${Stage}"}
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some stage in api_web_acl_stages
	input.resources[stage].resourceType == "AWS::ApiGateway::Stage"
	api := follow_ref(stage, "Properties.RestApiId")
	not api_web_acl_private(api)
	not api_web_acl_perhaps({stage, api})
	v := finding("SAGEMAKER_API_WEB_ACL", stage, "", "No web ACL is associated with the stage")
}

# Whether an association is for the stage, or for what only the deployment knows.
api_web_acl_perhaps(names) if {
	some association in resources_of_type("AWS::WAFv2::WebACLAssociation")
	targets := {reference.target |
		some reference in input.resources[association].outgoingRefs
		startswith(reference.sourcePath, "Properties.ResourceArn")
		input.resources[reference.target]
	}
	api_web_acl_matches(targets, names)
}

api_web_acl_matches(targets, names) if count(targets & names) > 0

api_web_acl_matches(targets, _) if count(targets) == 0

api_web_acl_private(api) if {
	some type in resolve(api, "Properties.EndpointConfiguration.Types")
	type == "PRIVATE"
}

# A value as a list; policies allow a single one wherever they allow several.
api_web_acl_listed(value) := value if is_array(value)

api_web_acl_listed(value) := [value] if not is_array(value)

# The literal texts of a value; what intrinsics decide is left out.
api_web_acl_texts(value) := {text | some text in api_web_acl_listed(value); is_string(text)}

# Text with the references in it, for example `arn:aws:s3:::{ref:Bucket}/*`.
api_web_acl_text_of(value) := value if is_string(value)

api_web_acl_text_of(value) := trim_prefix(trim_prefix(value.__dynamic, "Sub:"), "Join:") if is_object(value)

# Whether an action of a policy, which may have wildcards, comprises another.
api_web_acl_covers(pattern, action) if {
	regex.match(`^[A-Za-z0-9:*?-]+$`, pattern)
	expression := replace(replace(lower(pattern), "*", ".*"), "?", ".")
	regex.match(concat("", ["^", expression, "$"]), lower(action))
}

# Policies that only bound what others allow.
api_web_acl_boundaries := {reference.target |
	some _, resource in input.resources
	some reference in resource.outgoingRefs
	startswith(reference.sourcePath, "Properties.PermissionsBoundary")
}

# Identity policies, with the path to them.
api_web_acl_documents contains [name, "Properties.PolicyDocument", document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	not name in api_web_acl_boundaries
	document := resource.properties.PolicyDocument
}

api_web_acl_documents contains [name, sprintf("Properties.Policies.%d.PolicyDocument", [index]), document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	some index, policy in resource.properties.Policies
	document := policy.PolicyDocument
}

# Statements that allow something whatever the conditions of the template are.
api_web_acl_statements contains {"name": name, "path": sprintf("%s.Statement.%d", [path, index]), "statement": statement} if {
	some [name, path, document] in api_web_acl_documents
	some index, statement in api_web_acl_listed(document.Statement)
	statement.Effect == "Allow"
}

# Resources that hold the policies of a role.
api_web_acl_policies_of(role) := ({role} | {name |
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
api_web_acl_may contains [function, action] if {
	some function in resources_of_type("AWS::Lambda::Function")
	policies := api_web_acl_policies_of(follow_ref(function, "Properties.Role"))
	some allowed in api_web_acl_statements
	allowed.name in policies
	some pattern in api_web_acl_texts(allowed.statement.Action)
	startswith(lower(pattern), "sagemaker:")
	some action in ["InvokeEndpoint", "InvokeEndpointAsync", "InvokeEndpointWithResponseStream"]
	api_web_acl_covers(pattern, concat(":", ["sagemaker", action]))
}

api_web_acl_serving contains function if some [function, _] in api_web_acl_may

# The function behind an alias or a version.
api_web_acl_function_of(target) := target if input.resources[target].resourceType == "AWS::Lambda::Function"

api_web_acl_function_of(target) := follow_ref(target, "Properties.FunctionName") if {
	input.resources[target].resourceType in {"AWS::Lambda::Alias", "AWS::Lambda::Version"}
}

# Functions that invoke an endpoint, and that a property refers to.
api_web_acl_served_by(name, path) := {function |
	some reference in input.resources[name].outgoingRefs
	startswith(reference.sourcePath, path)
	function := api_web_acl_function_of(reference.target)
	function in api_web_acl_serving
}

# Methods of REST APIs behind which an endpoint answers, by way of a function or directly.
api_web_acl_methods contains method if {
	some method in resources_of_type("AWS::ApiGateway::Method")
	count(api_web_acl_served_by(method, "Properties.Integration.Uri")) > 0
}

api_web_acl_methods contains method if {
	some method in resources_of_type("AWS::ApiGateway::Method")
	contains(api_web_acl_text_of(input.resources[method].properties.Integration.Uri), ":runtime.sagemaker:")
}

# Routes of HTTP APIs behind which an endpoint answers.
api_web_acl_routes contains route if {
	some route in resources_of_type("AWS::ApiGatewayV2::Route")
	resolve(follow_ref(route, "Properties.ApiId"), "Properties.ProtocolType") == "HTTP"
	some reference in input.resources[route].outgoingRefs
	startswith(reference.sourcePath, "Properties.Target")
	count(api_web_acl_served_by(reference.target, "Properties.IntegrationUri")) > 0
}

# Stages of the APIs behind which an endpoint answers.
api_web_acl_stages contains stage if {
	some stage in resources_of_type("AWS::ApiGateway::Stage")
	some method in api_web_acl_methods
	follow_ref(method, "Properties.RestApiId") == follow_ref(stage, "Properties.RestApiId")
}

api_web_acl_stages contains stage if {
	some stage in resources_of_type("AWS::ApiGatewayV2::Stage")
	some route in api_web_acl_routes
	follow_ref(route, "Properties.ApiId") == follow_ref(stage, "Properties.ApiId")
}
