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
	timeouts := numbers_of(function, "Properties.Timeout", 3)
	min(timeouts) * 1000 > max(patience)
	v := finding(
		"SAGEMAKER_API_FUNCTION_TIMEOUT", function, "Properties.Timeout",
		sprintf("The function may take %v s, and %s waits %v ms", [min(timeouts), integration, max(patience)]),
	)
}

api_function_timeout_pairs contains [method, function, patience] if {
	some method in api_methods
	absent(method, "Properties.Integration.ResponseTransferMode")
	some function in served_by(method, "Properties.Integration.Uri")
	patience := numbers_of(method, "Properties.Integration.TimeoutInMillis", 29000)
}

api_function_timeout_pairs contains [integration, function, patience] if {
	some integration in resources_of_type("AWS::ApiGatewayV2::Integration")
	some function in served_by(integration, "Properties.IntegrationUri")
	patience := numbers_of(integration, "Properties.TimeoutInMillis", 30000)
}
