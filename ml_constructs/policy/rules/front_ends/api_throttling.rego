# title = "An API in front of an endpoint limits the rate of requests"
# severity = "warning"
# profile = "production"
# intent = """
# Without a limit of its own, a stage lets through what the account allows, 10,000 requests a second shared with all
# other APIs: far more than instances behind it answer. They time out for everyone, and the functions use up the
# account's concurrency.
# """
# fix = "Set ThrottlingRateLimit and ThrottlingBurstLimit for all methods of the stage, to what the endpoint answers at its largest."
# sources = ["https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-request-throttling.html"]
# controls = ["NIST.800-53.r5 SC-5"]
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
#       MethodSettings: [{HttpMethod: "*", ResourcePath: "/*", ThrottlingRateLimit: 100, ThrottlingBurstLimit: 50}]
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some stage in rest_stages
	settings := object.get(input.resources[stage].properties, "MethodSettings", [])
	every setting in settings {
		is_object(setting)
		not setting.__conditional
		not setting.__dynamic
		object.get(setting, "ThrottlingRateLimit", null) == null
	}
	not api_throttling_planned(stage)
	v := finding("SAGEMAKER_API_THROTTLING", stage, "Properties.MethodSettings", "The stage limits no rate")
}

violation contains v if {
	some stage in http_stages
	absent(stage, "Properties.DefaultRouteSettings.ThrottlingRateLimit")
	absent(stage, "Properties.RouteSettings")
	v := finding("SAGEMAKER_API_THROTTLING", stage, "Properties.DefaultRouteSettings", "The stage limits no rate")
}

# A usage plan limits each of the keys that it has.
api_throttling_planned(stage) if {
	some plan in resources_of_type("AWS::ApiGateway::UsagePlan")
	has_property(plan, "Properties.Throttle")
	some reference in input.resources[plan].outgoingRefs
	reference.target in {stage, follow_ref(stage, "Properties.RestApiId")}
}
