# title = "A function's address in front of an endpoint knows who calls"
# severity = "error"
# profile = "development"
# intent = """
# With AuthType NONE the address is public: anyone who learns it uses the model, without a limit of rate, at your
# cost.
# """
# fix = "Set AuthType to AWS_IAM, and allow lambda:InvokeFunctionUrl to the callers."
# sources = ["https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"]
# controls = ["NIST.800-53.r5 AC-3"]
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
#   Url:
#     Type: AWS::Lambda::Url
#     Properties: {TargetFunctionArn: {"Fn::GetAtt": [Function, Arn]}, AuthType: NONE}
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
#   Url:
#     Type: AWS::Lambda::Url
#     Properties: {TargetFunctionArn: {"Fn::GetAtt": [Function, Arn]}, AuthType: AWS_IAM}
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some url in resources_of_type("AWS::Lambda::Url")
	certainly(url, "Properties.AuthType", ["NONE"])
	some function in served_by(url, "Properties.TargetFunctionArn")
	v := finding(
		"SAGEMAKER_FUNCTION_URL_AUTHORISATION", url, "Properties.AuthType",
		sprintf("Anyone can call %s, which invokes an endpoint", [function]),
	)
}
