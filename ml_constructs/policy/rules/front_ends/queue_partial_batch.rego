# title = "A queue gets back only the messages that failed"
# severity = "warning"
# profile = "production"
# intent = """
# By default one message that fails returns its whole batch to the queue: the model answers all others again, and good
# messages end in the dead-letter queue beside the bad one.
# """
# fix = "Set FunctionResponseTypes to [ReportBatchItemFailures] and return the ids that failed, or BatchSize to 1."
# sources = ["https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html"]
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
#       FunctionResponseTypes: [ReportBatchItemFailures]
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some each in queue_mappings
	absent(each.mapping, "Properties.FunctionResponseTypes")
	min(numbers_of(each.mapping, "Properties.BatchSize", 10)) > 1
	v := finding(
		"SAGEMAKER_QUEUE_PARTIAL_BATCH", each.mapping, "Properties.FunctionResponseTypes",
		"One message that fails returns its whole batch to the queue",
	)
}
