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
	some method in api_methods
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
	some route in api_routes
	not startswith(resolve(route, "Properties.RouteKey"), "OPTIONS ")
	certainly(route, "Properties.AuthorizationType", ["NONE", null])
	v := finding(
		"SAGEMAKER_API_AUTHORISATION", route, "Properties.AuthorizationType",
		"Anyone who finds the API can invoke the endpoint",
	)
}
