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
	some stage in rest_stages
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
	types := resolve(api, "Properties.EndpointConfiguration.Types")
	types[_] == "PRIVATE"
}
