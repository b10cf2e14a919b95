# title = "A function in front of an endpoint has a limit of its own"
# severity = "warning"
# profile = "production"
# intent = """
# Without reserved concurrency, a burst of requests for one slow model takes the account's whole quota, and stops
# every other function of the account; the endpoint gets more requests at once than its instances answer.
# """
# fix = "Set ReservedConcurrentExecutions to what the endpoint can answer at once."
# sources = ["https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html"]
# controls = ["NIST.800-53.r5 SC-6"]
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
#       ReservedConcurrentExecutions: 50
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some function in invoking_functions
	absent(function, "Properties.ReservedConcurrentExecutions")
	not function_concurrency_of_a_mapping(function)
	v := finding(
		"SAGEMAKER_FUNCTION_CONCURRENCY", function, "Properties.ReservedConcurrentExecutions",
		"Nothing limits how often the function runs at once",
	)
}

# An event source may limit what it starts.
function_concurrency_of_a_mapping(function) if {
	some each in event_mappings
	each.function == function
	has_property(each.mapping, "Properties.ScalingConfig.MaximumConcurrency")
}
