# title = "Reports of a monitoring job are encrypted with a customer key"
# severity = "error"
# profile = "regulated"
# intent = """
# Reports quote values of the captured requests: the smallest, the most frequent, those that broke a constraint.
# """
# fix = "Set KmsKeyId of the job's output configuration."
# sources = [
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/monitor-sec-best-practices.html",
#     "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_MonitoringOutputConfig.html",
# ]
# controls = ["NIST.800-53.r5 SC-28"]
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
#         KmsKeyId: alias/monitor
#       JobResources:
#         ClusterConfig: {InstanceCount: 1, InstanceType: ml.m5.large, VolumeSizeInGB: 20}
# """
# ---
package ml_constructs

import rego.v1

monitor_output_key_outputs("Properties") := {
	"DataQualityJobOutputConfig", "ModelBiasJobOutputConfig", "ModelExplainabilityJobOutputConfig",
	"ModelQualityJobOutputConfig",
}

monitor_output_key_outputs("Properties.MonitoringScheduleConfig.MonitoringJobDefinition") := {"MonitoringOutputConfig"}

violation contains v if {
	some [name, path] in monitoring_jobs
	some output in monitor_output_key_outputs(path)
	has_property(name, concat(".", [path, output]))
	property := concat(".", [path, output, "KmsKeyId"])
	absent(name, property)
	v := finding(
		"SAGEMAKER_MONITOR_OUTPUT_KEY", name, property,
		"The reports of the job are not encrypted with a key of the customer",
	)
}
