# title = "A function in front of an endpoint has no secret in the template"
# severity = "error"
# profile = "development"
# intent = """
# What the environment of a function holds is in the template, in every change set, in the console, and in each answer
# of GetFunctionConfiguration.
# """
# fix = "Keep the secret in AWS Secrets Manager, give the function its ARN, and let it fetch the value."
# sources = ["https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html"]
# controls = ["NIST.800-53.r5 IA-5", "NIST.800-53.r5 SC-28"]
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
#       Environment: {Variables: {UPSTREAM_API_KEY: 9f86d081884c7d65}}
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
#       Environment: {Variables: {UPSTREAM_API_KEY_ARN: "arn:aws:secretsmanager:eu-west-1:111122223333:secret:upstream-a1b2c3"}}
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some function in invoking_functions
	some name
	value := input.resources[function].properties.Environment.Variables[name]
	regex.match(function_secrets_names, name)
	is_string(value)
	regex.match(`^[^:{}$ ]{6,}$`, value)
	path := sprintf("Properties.Environment.Variables.%s", [name])
	v := finding(
		"SAGEMAKER_FUNCTION_SECRETS", function, path,
		sprintf("%s looks like a secret in clear text", [name]),
	)
}

function_secrets_names := concat("", [
	`(?i)(password|passwd|passphrase|api_?key|secret_?(access_?)?key|private_?key|client_?secret|`,
	`(auth|access|api|bearer|hub)_?token)$`,
])
