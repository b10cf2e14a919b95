# title = "A stream in front of an endpoint gives up on a record that fails"
# severity = "error"
# profile = "production"
# intent = """
# By default Lambda tries a batch until its records expire, for a day or more, and reads nothing else of the shard
# meanwhile: one record that the model cannot take stops all behind it, and calls the endpoint all day.
# """
# fix = "Set MaximumRetryAttempts or MaximumRecordAgeInSeconds, and a destination in DestinationConfig.OnFailure."
# sources = [
#     "https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html",
#     "https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html",
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
#   Stream:
#     Type: AWS::Kinesis::Stream
#     Properties: {ShardCount: 1}
#   Mapping:
#     Type: AWS::Lambda::EventSourceMapping
#     Properties:
#       EventSourceArn: {"Fn::GetAtt": [Stream, Arn]}
#       FunctionName: {Ref: Function}
#       StartingPosition: LATEST
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
#       DestinationConfig: {OnFailure: {Destination: "arn:aws:sqs:eu-west-1:111122223333:failed"}}
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some each in stream_mappings
	certainly(each.mapping, "Properties.MaximumRetryAttempts", [null, -1, "-1"])
	certainly(each.mapping, "Properties.MaximumRecordAgeInSeconds", [null, -1, "-1"])
	v := finding(
		"SAGEMAKER_STREAM_RETRIES", each.mapping, "Properties.MaximumRetryAttempts",
		"A record that fails stops its shard until it expires",
	)
}
