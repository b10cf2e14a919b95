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

log_group_retention_hosts if {
	some resource in input.resources
	startswith(resource.resourceType, "AWS::SageMaker::")
}

# All groups of a template with SageMaker resources, and those that SageMaker writes to.
log_group_retention_ours(_) if log_group_retention_hosts

log_group_retention_ours(name) if startswith(resolve(name, "Properties.LogGroupName"), "/aws/sagemaker/")

violation contains v if {
	some name in resources_of_type("AWS::Logs::LogGroup")
	log_group_retention_ours(name)
	absent(name, "Properties.RetentionInDays")
	v := finding("SAGEMAKER_LOG_GROUP_RETENTION", name, "Properties.RetentionInDays", "Logs never expire")
}
