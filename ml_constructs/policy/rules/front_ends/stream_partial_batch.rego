# title = "A stream in front of an endpoint finds the record that fails"
# severity = "warning"
# profile = "production"
# intent = """
# By default a batch is tried as a whole: one bad record out of a hundred sends the ninety-nine others to the model
# with each attempt, and all of them are given up with it.
# """
# fix = "Set FunctionResponseTypes to [ReportBatchItemFailures] and return where it failed, or BisectBatchOnFunctionError to true."
# sources = ["https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html"]
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
#   Stream:
#     Type: AWS::Kinesis::Stream
#     Properties: {ShardCount: 1}
#   Mapping:
#     Type: AWS::Lambda::EventSourceMapping
#     Properties:
#       EventSourceArn: {"Fn::GetAtt": [Stream, Arn]}
#       FunctionName: {Ref: Function}
#       StartingPosition: LATEST
#       MaximumRetryAttempts: 3
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
#   Stream:
#     Type: AWS::Kinesis::Stream
#     Properties: {ShardCount: 1}
#   Mapping:
#     Type: AWS::Lambda::EventSourceMapping
#     Properties:
#       EventSourceArn: {"Fn::GetAtt": [Stream, Arn]}
#       FunctionName: {Ref: Function}
#       StartingPosition: LATEST
#       MaximumRetryAttempts: 3
#       BisectBatchOnFunctionError: true
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some each in stream_mappings
	absent(each.mapping, "Properties.FunctionResponseTypes")
	certainly(each.mapping, "Properties.BisectBatchOnFunctionError", [null, false, "false"])
	min(numbers_of(each.mapping, "Properties.BatchSize", 100)) > 1
	v := finding(
		"SAGEMAKER_STREAM_PARTIAL_BATCH", each.mapping, "Properties.FunctionResponseTypes",
		"One record that fails gives its whole batch up",
	)
}
