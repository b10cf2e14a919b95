# title = "Containers of a monitoring job encrypt what they send each other"
# severity = "error"
# profile = "regulated"
# intent = """
# On several instances captured requests and answers cross the network between containers in the clear.
# """
# fix = "Set EnableInterContainerTrafficEncryption of NetworkConfig to true."
# sources = [
#     "https://docs.aws.amazon.com/securityhub/latest/userguide/sagemaker-controls.html",
#     "https://docs.aws.amazon.com/config/latest/developerguide/sagemaker-model-explainability-job-encrypt-in-transit.html",
# ]
# controls = ["SecurityHub SageMaker.9", "SecurityHub SageMaker.10", "SecurityHub SageMaker.13", "SecurityHub SageMaker.15"]
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
#         ClusterConfig: {InstanceCount: 2, InstanceType: ml.m5.large, VolumeSizeInGB: 20}
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
#         ClusterConfig: {InstanceCount: 2, InstanceType: ml.m5.large, VolumeSizeInGB: 20}
#       NetworkConfig: {EnableInterContainerTrafficEncryption: true}
# """
# ---
package ml_constructs

import rego.v1

monitor_traffic_encryption_resources("Properties") := "JobResources"

monitor_traffic_encryption_resources("Properties.MonitoringScheduleConfig.MonitoringJobDefinition") := "MonitoringResources"

violation contains v if {
	some [name, path] in monitoring_jobs
	property := concat(".", [path, "NetworkConfig.EnableInterContainerTrafficEncryption"])
	instances := concat(".", [path, monitor_traffic_encryption_resources(path), "ClusterConfig.InstanceCount"])
	every instance in decided(name, instances) {
		to_number(instance) > 1
	}
	certainly(name, property, [null, false, "false"])
	v := finding(
		"SAGEMAKER_MONITOR_TRAFFIC_ENCRYPTION", name, property,
		"The containers of the job talk in the clear",
	)
}
