# title = "A monitoring job ends before the next one"
# severity = "warning"
# profile = "production"
# intent = """
# A job without a limit runs on when its container hangs, and the executions after it are skipped: monitoring stops
# without an alarm.
# """
# fix = "Set StoppingCondition.MaxRuntimeInSeconds below the interval of the schedule, at most 3600 for an hourly one."
# sources = ["https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_MonitoringStoppingCondition.html"]
# fails = """
# Resources:
#   Job:
#     Type: AWS::SageMaker::DataQualityJobDefinition
#     Properties:
#       RoleArn: arn:aws:iam::111122223333:role/monitor
#       DataQualityAppSpecification: {ImageUri: 111122223333.dkr.ecr.us-east-1.amazonaws.com/monitor:1}
#       DataQualityJobInput:
#         EndpointInput: {EndpointName: dogs, LocalPath: /opt/ml/processing/input}
#       DataQualityJobOutputConfig:
#         MonitoringOutputs: [{S3Output: {S3Uri: "s3://monitor/reports", LocalPath: /opt/ml/processing/output}}]
#       JobResources:
#         ClusterConfig: {InstanceCount: 1, InstanceType: ml.m5.large, VolumeSizeInGB: 20}
# """
# passes = """
# Resources:
#   Job:
#     Type: AWS::SageMaker::DataQualityJobDefinition
#     Properties:
#       RoleArn: arn:aws:iam::111122223333:role/monitor
#       DataQualityAppSpecification: {ImageUri: 111122223333.dkr.ecr.us-east-1.amazonaws.com/monitor:1}
#       DataQualityJobInput:
#         EndpointInput: {EndpointName: dogs, LocalPath: /opt/ml/processing/input}
#       DataQualityJobOutputConfig:
#         MonitoringOutputs: [{S3Output: {S3Uri: "s3://monitor/reports", LocalPath: /opt/ml/processing/output}}]
#       JobResources:
#         ClusterConfig: {InstanceCount: 1, InstanceType: ml.m5.large, VolumeSizeInGB: 20}
#       StoppingCondition: {MaxRuntimeInSeconds: 1800}
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some [name, path] in monitoring_jobs
	property := concat(".", [path, "StoppingCondition"])
	absent(name, property)
	v := finding("SAGEMAKER_MONITOR_MAX_RUNTIME", name, property, "Nothing limits how long the job runs")
}
