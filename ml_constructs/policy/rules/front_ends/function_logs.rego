# title = "A function in front of an endpoint writes to a log group of the template"
# severity = "error"
# profile = "regulated"
# intent = """
# A function without a log group of the template gets one that Lambda makes: it is kept for ever, encrypted with no
# key of yours, and left behind when the stack is deleted, with whatever the function wrote about its callers.
# """
# fix = "Make an AWS::Logs::LogGroup, and name it in the function's LoggingConfig.LogGroup."
# sources = [
#     "https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-loggroups.html",
#     "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/Working-with-log-groups-and-streams.html",
# ]
# controls = ["NIST.800-53.r5 AU-11"]
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
#       LoggingConfig: {LogGroup: {Ref: Logs}}
#   Logs:
#     Type: AWS::Logs::LogGroup
#     Properties: {RetentionInDays: 365}
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some function in invoking_functions
	absent(function, "Properties.LoggingConfig.LogGroup")
	not function_logs_by_name(function)
	v := finding(
		"SAGEMAKER_FUNCTION_LOGS", function, "Properties.LoggingConfig.LogGroup",
		"The function has a log that Lambda makes, and that never expires",
	)
}

# Log groups with the name that Lambda gives, and the custom resource of the CDK that sets their retention.
function_logs_by_name(function) if {
	some name, resource in input.resources
	resource.resourceType in {"AWS::Logs::LogGroup", "Custom::LogRetention"}
	some reference in resource.outgoingRefs
	reference.target == function
	regex.match(`LogGroupName`, reference.sourcePath)
}

function_logs_by_name(function) if {
	some group in resources_of_type("AWS::Logs::LogGroup")
	named := concat("", ["/aws/lambda/", resolve(function, "Properties.FunctionName")])
	resolve(group, "Properties.LogGroupName") == named
}
