# title = "An API that calls SageMaker itself has a role for it"
# severity = "error"
# profile = "development"
# intent = """
# An integration with SageMaker Runtime without credentials sends unsigned requests, and SageMaker refuses each of
# them.
# """
# fix = "Name a role in Integration.Credentials that API Gateway may assume, and that may invoke the endpoint."
# sources = ["https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-integration-types.html"]
# fails = """
# Resources:
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
#         Type: AWS
#         IntegrationHttpMethod: POST
#         Uri: {"Fn::Sub": "arn:${AWS::Partition}:apigateway:${AWS::Region}:runtime.sagemaker:path/endpoints/churn/invocations"}
# """
# passes = """
# Resources:
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
#         Type: AWS
#         IntegrationHttpMethod: POST
#         Credentials: {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/invoke"}
#         Uri: {"Fn::Sub": "arn:${AWS::Partition}:apigateway:${AWS::Region}:runtime.sagemaker:path/endpoints/churn/invocations"}
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some method in direct_methods
	absent(method, "Properties.Integration.Credentials")
	v := finding(
		"SAGEMAKER_API_DIRECT_ROLE", method, "Properties.Integration.Credentials",
		"The API calls SageMaker without a role",
	)
}
