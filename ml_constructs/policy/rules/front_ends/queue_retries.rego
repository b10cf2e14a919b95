# title = "A queue leaves Lambda time to try again"
# severity = "warning"
# profile = "production"
# intent = """
# Lambda holds messages while a throttled function cannot take them. With less than six times the function's timeout
# they reappear meanwhile: the same request goes to the model twice, and counts towards the dead-letter queue.
# """
# fix = "Set VisibilityTimeout to six times the function's Timeout, plus MaximumBatchingWindowInSeconds."
# sources = ["https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html"]
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
#       Timeout: 60
#   Queue:
#     Type: AWS::SQS::Queue
#     Properties:
#       VisibilityTimeout: 180
#       RedrivePolicy: {deadLetterTargetArn: "arn:aws:sqs:eu-west-1:111122223333:dead", maxReceiveCount: 5}
#   Mapping:
#     Type: AWS::Lambda::EventSourceMapping
#     Properties:
#       EventSourceArn: {"Fn::GetAtt": [Queue, Arn]}
#       FunctionName: {Ref: Function}
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
#       Timeout: 30
#   Queue:
#     Type: AWS::SQS::Queue
#     Properties:
#       VisibilityTimeout: 180
#       RedrivePolicy: {deadLetterTargetArn: "arn:aws:sqs:eu-west-1:111122223333:dead", maxReceiveCount: 5}
#   Mapping:
#     Type: AWS::Lambda::EventSourceMapping
#     Properties:
#       EventSourceArn: {"Fn::GetAtt": [Queue, Arn]}
#       FunctionName: {Ref: Function}
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some each in queue_mappings
	visibility := numbers_of(each.source, "Properties.VisibilityTimeout", 30)
	timeouts := numbers_of(each.function, "Properties.Timeout", 3)
	windows := numbers_of(each.mapping, "Properties.MaximumBatchingWindowInSeconds", 0)
	max(visibility) >= min(timeouts)
	max(visibility) < (6 * min(timeouts)) + min(windows)
	v := finding(
		"SAGEMAKER_QUEUE_RETRIES", each.source, "Properties.VisibilityTimeout",
		sprintf("Messages reappear after %v s; %s takes up to %v s", [max(visibility), each.function, min(timeouts)]),
	)
}
