# title = "Logs of SageMaker and what surrounds it expire"
# severity = "warning"
# profile = "production"
# intent = """
# A log group keeps everything forever unless told otherwise: the cost grows every day, and so does what personal data
# may be found in it.
# """
# fix = "Set RetentionInDays."
# sources = [
#   "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/Working-with-log-groups-and-streams.html",
#   "https://docs.aws.amazon.com/securityhub/latest/userguide/cloudwatch-controls.html",
# ]
# controls = ["SecurityHub CloudWatch.16", "NIST.800-53.r5 AU-11"]
# fails = """
# Resources:
#   Logs:
#     Type: AWS::Logs::LogGroup
#     Properties:
#       LogGroupName: /aws/sagemaker/Endpoints/churn
#   Endpoint:
#     Type: AWS::SageMaker::Endpoint
#     Properties: {EndpointConfigName: config, EndpointName: churn}
# """
# passes = """
# Resources:
#   Logs:
#     Type: AWS::Logs::LogGroup
#     Properties:
#       LogGroupName: /aws/sagemaker/Endpoints/churn
#       RetentionInDays: 365
#   Endpoint:
#     Type: AWS::SageMaker::Endpoint
#     Properties: {EndpointConfigName: config, EndpointName: churn}
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some name in sagemaker_logs
	absent(name, "Properties.RetentionInDays")
	v := finding("SAGEMAKER_LOG_GROUP_RETENTION", name, "Properties.RetentionInDays", "Logs never expire")
}
