# title = "A queue in front of an endpoint sets aside what fails"
# severity = "error"
# profile = "production"
# intent = """
# A request that the model cannot answer returns to the queue until it expires: it costs an invocation each time,
# hides how old the good ones are, and then is gone without a trace.
# """
# fix = "Set RedrivePolicy with a dead-letter queue and a maxReceiveCount of five or so."
# sources = [
#     "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html",
#     "https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html",
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
#   Queue:
#     Type: AWS::SQS::Queue
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
	absent(each.source, "Properties.RedrivePolicy")
	v := finding(
		"SAGEMAKER_QUEUE_DEAD_LETTERS", each.source, "Properties.RedrivePolicy",
		sprintf("What %s cannot process comes back until it expires", [each.function]),
	)
}
