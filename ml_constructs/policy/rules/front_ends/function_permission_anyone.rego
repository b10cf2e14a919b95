# title = "A function in front of an endpoint is not open to every AWS account"
# severity = "error"
# profile = "development"
# intent = """
# A permission with the principal `*` lets any account invoke the function, past the API and its authorisation, and
# the model with it.
# """
# fix = "Name the service or account in Principal, and the caller in SourceArn; or the organisation in PrincipalOrgID."
# sources = ["https://docs.aws.amazon.com/securityhub/latest/userguide/lambda-controls.html"]
# controls = ["SecurityHub Lambda.1", "NIST.800-53.r5 AC-3"]
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
#     Properties: {FunctionName: {Ref: Function}, Action: "lambda:InvokeFunction", Principal: "*"}
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
#   Permission:
#     Type: AWS::Lambda::Permission
#     Properties: {FunctionName: {Ref: Function}, Action: "lambda:InvokeFunction", Principal: "444455556666"}
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some permission in resources_of_type("AWS::Lambda::Permission")
	certainly(permission, "Properties.Principal", ["*"])
	every key in ["PrincipalOrgID", "SourceArn", "SourceAccount", "FunctionUrlAuthType"] {
		absent(permission, sprintf("Properties.%s", [key]))
	}
	some function in served_by(permission, "Properties.FunctionName")
	v := finding(
		"SAGEMAKER_FUNCTION_PERMISSION_ANYONE", permission, "Properties.Principal",
		sprintf("Any AWS account may invoke %s", [function]),
	)
}
