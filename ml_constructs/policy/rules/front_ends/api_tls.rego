# title = "The domain of an API in front of an endpoint refuses TLS 1.0 and 1.1"
# severity = "error"
# profile = "production"
# intent = """
# With the security policy TLS_1_0 a domain takes connections whose encryption is broken, and answers of the model
# with them.
# """
# fix = "Set SecurityPolicy to TLS_1_2 or to one of the SecurityPolicy_ names."
# sources = ["https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-custom-domain-tls-version.html"]
# controls = ["NIST.800-53.r5 SC-8", "NIST.800-53.r5 SC-13"]
# fails = """
# Resources:
#   Domain:
#     Type: AWS::ApiGateway::DomainName
#     Properties:
#       DomainName: churn.example.com
#       RegionalCertificateArn: arn:aws:acm:eu-west-1:111122223333:certificate/473e64fd-f30b-4765-81a0-62ad96dd167a
#       EndpointConfiguration: {Types: [REGIONAL]}
#       SecurityPolicy: TLS_1_0
#   Mapping:
#     Type: AWS::ApiGateway::BasePathMapping
#     Properties: {DomainName: {Ref: Domain}, RestApiId: {Ref: Api}}
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
# passes = """
# Resources:
#   Domain:
#     Type: AWS::ApiGateway::DomainName
#     Properties:
#       DomainName: churn.example.com
#       RegionalCertificateArn: arn:aws:acm:eu-west-1:111122223333:certificate/473e64fd-f30b-4765-81a0-62ad96dd167a
#       EndpointConfiguration: {Types: [REGIONAL]}
#       SecurityPolicy: TLS_1_2
#   Mapping:
#     Type: AWS::ApiGateway::BasePathMapping
#     Properties: {DomainName: {Ref: Domain}, RestApiId: {Ref: Api}}
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

# Domains of the APIs behind which an endpoint answers.
violation contains v if {
	some name in resources_of_type("AWS::ApiGateway::DomainName")
	some mapping in resources_of_type("AWS::ApiGateway::BasePathMapping")
	follow_ref(mapping, "Properties.DomainName") == name
	some method in api_methods
	follow_ref(method, "Properties.RestApiId") == follow_ref(mapping, "Properties.RestApiId")
	certainly(name, "Properties.SecurityPolicy", ["TLS_1_0"])
	v := finding(
		"SAGEMAKER_API_TLS", name, "Properties.SecurityPolicy",
		"The domain takes connections with TLS 1.0",
	)
}
