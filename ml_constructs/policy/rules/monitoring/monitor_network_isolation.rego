# title = "The containers of a monitoring job are isolated from the network"
# severity = "error"
# profile = "regulated"
# intent = """
# SageMaker brings input and output of the job. A container that can reach anything else can carry captured requests
# away.
# """
# fix = "Set EnableNetworkIsolation of NetworkConfig to true."
# sources = [
#     "https://docs.aws.amazon.com/securityhub/latest/userguide/sagemaker-controls.html",
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/monitor-sec-best-practices.html",
# ]
# controls = ["SecurityHub SageMaker.11", "SecurityHub SageMaker.12", "SecurityHub SageMaker.14"]
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
#       NetworkConfig: {EnableNetworkIsolation: true}
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some [name, path] in monitoring_jobs
	property := concat(".", [path, "NetworkConfig.EnableNetworkIsolation"])
	certainly(name, property, [null, false, "false"])
	v := finding(
		"SAGEMAKER_MONITOR_NETWORK_ISOLATION", name, property,
		"The containers of the job have network access",
	)
}
