# title = "A service invokes a function in front of an endpoint for one source"
# severity = "error"
# profile = "production"
# intent = """
# A permission for a service without SourceArn holds for that service on behalf of anyone: an API, a topic or a bucket
# in another account invokes the function, and the model.
# """
# fix = "Set SourceArn to the API's method, the topic, the rule or the bucket, and SourceAccount for buckets."
# sources = [
#     "https://docs.aws.amazon.com/lambda/latest/dg/permissions-function-services.html",
#     "https://docs.aws.amazon.com/securityhub/latest/userguide/lambda-controls.html",
# ]
# controls = ["SecurityHub Lambda.1", "NIST.800-53.r5 AC-6"]
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
#   Permission:
#     Type: AWS::Lambda::Permission
#     Properties: {FunctionName: {Ref: Function}, Action: "lambda:InvokeFunction", Principal: apigateway.amazonaws.com}
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
#   Permission:
#     Type: AWS::Lambda::Permission
#     Properties:
#       FunctionName: {Ref: Function}
#       Action: lambda:InvokeFunction
#       Principal: apigateway.amazonaws.com
#       SourceArn: {"Fn::Sub": "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/live/POST/"}
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some permission in resources_of_type("AWS::Lambda::Permission")
	principal := resolve(permission, "Properties.Principal")
	certainly(permission, "Properties.Principal", [principal])
	split(principal, ".")[0] in {"apigateway", "events", "s3", "sns"}
	absent(permission, "Properties.SourceArn")
	absent(permission, "Properties.SourceAccount")
	some function in served_by(permission, "Properties.FunctionName")
	v := finding(
		"SAGEMAKER_FUNCTION_PERMISSION_SOURCE", permission, "Properties.SourceArn",
		sprintf("%s may invoke %s on behalf of anyone", [principal, function]),
	)
}
