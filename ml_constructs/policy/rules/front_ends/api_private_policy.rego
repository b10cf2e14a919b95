# title = "A private API in front of an endpoint has a resource policy"
# severity = "error"
# profile = "development"
# intent = "API Gateway refuses to deploy a private API without a resource policy; the stack rolls back."
# fix = "Set Policy, and allow execute-api:Invoke to the VPC endpoints in a condition on aws:SourceVpce."
# sources = [
#     "https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-resource-policies-create-attach.html",
#     "https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-private-apis.html",
# ]
# fails = """
# Resources:
#   Api:
#     Type: AWS::ApiGateway::RestApi
#     Properties: {Name: churn, EndpointConfiguration: {Types: [PRIVATE]}}
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
# passes = """
# Resources:
#   Api:
#     Type: AWS::ApiGateway::RestApi
#     Properties:
#       Name: churn
#       EndpointConfiguration: {Types: [PRIVATE]}
#       Policy:
#         Version: "2012-10-17"
#         Statement: [{Effect: Allow, Principal: "*", Action: "execute-api:Invoke", Resource: "execute-api:/*", Condition: {StringEquals: {"aws:SourceVpce": vpce-0a1b2c3d4e5f60718}}}]
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

# Only where the template says what the API is; a definition may have the policy in it.
violation contains v if {
	some method in api_methods
	api := follow_ref(method, "Properties.RestApiId")
	certainly(api, "Properties.EndpointConfiguration.Types.0", ["PRIVATE"])
	absent(api, "Properties.Policy")
	absent(api, "Properties.Body")
	absent(api, "Properties.BodyS3Location")
	v := finding(
		"SAGEMAKER_API_PRIVATE_POLICY", api, "Properties.Policy",
		"The private API has no resource policy, and cannot be deployed",
	)
}
