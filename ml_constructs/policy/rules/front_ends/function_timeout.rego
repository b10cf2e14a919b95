# title = "A function that invokes an endpoint waits longer than three seconds"
# severity = "warning"
# profile = "production"
# intent = """
# A model may take 60 seconds to answer, and a serverless one to start. With Lambda's default of three seconds the
# function is killed in the middle of its first slow request: no answer, no error of its own, and the model works on.
# """
# fix = "Set Timeout above what the endpoint takes at the 99th percentile, and the client's read timeout below it."
# sources = [
#     "https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html",
#     "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html",
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
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some [function, action] in invocations
	action != "InvokeEndpointAsync"
	timeouts := numbers_of(function, "Properties.Timeout", 3)
	max(timeouts) <= 3
	v := finding(
		"SAGEMAKER_FUNCTION_TIMEOUT", function, "Properties.Timeout",
		sprintf("The function waits at most %v s for the model", [max(timeouts)]),
	)
}
