# title = "A monitored endpoint captures data"
# severity = "error"
# profile = "development"
# intent = """
# A monitoring job reads what the endpoint captures. Without capture each execution ends with nothing to read, and no
# drift is ever found.
# """
# fix = "Set DataCaptureConfig of the endpoint's configuration, with EnableCapture true."
# sources = [
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture.html",
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-scheduling.html",
# ]
# fails = """
# Resources:
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       ProductionVariants:
#         - {VariantName: main, ModelName: model, InstanceType: ml.m5.large, InitialInstanceCount: 2}
#   Endpoint:
#     Type: AWS::SageMaker::Endpoint
#     Properties:
#       EndpointConfigName: !GetAtt Config.EndpointConfigName
#   Schedule:
#     Type: AWS::SageMaker::MonitoringSchedule
#     Properties:
#       MonitoringScheduleName: schedule
#       MonitoringScheduleConfig:
#         ScheduleConfig: {ScheduleExpression: "cron(0 * ? * * *)"}
#         MonitoringJobDefinition:
#           RoleArn: arn:aws:iam::111122223333:role/monitor
#           MonitoringAppSpecification: {ImageUri: 111122223333.dkr.ecr.us-east-1.amazonaws.com/monitor:1}
#           MonitoringInputs:
#             - EndpointInput: {EndpointName: !GetAtt Endpoint.EndpointName, LocalPath: /opt/ml/processing/input}
#           MonitoringOutputConfig:
#             MonitoringOutputs: [{S3Output: {S3Uri: "s3://monitor/reports", LocalPath: /opt/ml/processing/output}}]
#           MonitoringResources: {ClusterConfig: {InstanceCount: 1, InstanceType: ml.m5.large, VolumeSizeInGB: 20}}
# """
# passes = """
# Resources:
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       ProductionVariants:
#         - {VariantName: main, ModelName: model, InstanceType: ml.m5.large, InitialInstanceCount: 2}
#       DataCaptureConfig:
#         EnableCapture: true
#         InitialSamplingPercentage: 100
#         DestinationS3Uri: s3://captured/data
#         CaptureOptions: [{CaptureMode: Input}, {CaptureMode: Output}]
#   Endpoint:
#     Type: AWS::SageMaker::Endpoint
#     Properties:
#       EndpointConfigName: !GetAtt Config.EndpointConfigName
#   Schedule:
#     Type: AWS::SageMaker::MonitoringSchedule
#     Properties:
#       MonitoringScheduleName: schedule
#       MonitoringScheduleConfig:
#         ScheduleConfig: {ScheduleExpression: "cron(0 * ? * * *)"}
#         MonitoringJobDefinition:
#           RoleArn: arn:aws:iam::111122223333:role/monitor
#           MonitoringAppSpecification: {ImageUri: 111122223333.dkr.ecr.us-east-1.amazonaws.com/monitor:1}
#           MonitoringInputs:
#             - EndpointInput: {EndpointName: !GetAtt Endpoint.EndpointName, LocalPath: /opt/ml/processing/input}
#           MonitoringOutputConfig:
#             MonitoringOutputs: [{S3Output: {S3Uri: "s3://monitor/reports", LocalPath: /opt/ml/processing/output}}]
#           MonitoringResources: {ClusterConfig: {InstanceCount: 1, InstanceType: ml.m5.large, VolumeSizeInGB: 20}}
# """
# ---
package ml_constructs

import rego.v1

# What names an endpoint as the input of a job: [resource, where it does].
monitor_capture_inputs contains [name, sprintf("Properties.%sJobInput.EndpointInput.EndpointName", [kind])] if {
	some kind in ["DataQuality", "ModelBias", "ModelExplainability", "ModelQuality"]
	some name in resources_of_type(sprintf("AWS::SageMaker::%sJobDefinition", [kind]))
}

monitor_capture_inputs contains [name, path] if {
	some name in resources_of_type("AWS::SageMaker::MonitoringSchedule")
	definition := input.resources[name].properties.MonitoringScheduleConfig.MonitoringJobDefinition
	some i
	definition.MonitoringInputs[i]
	is_number(i)
	path := sprintf(
		"Properties.MonitoringScheduleConfig.MonitoringJobDefinition.MonitoringInputs.%d.EndpointInput.EndpointName", [i],
	)
}

violation contains v if {
	some [name, path] in monitor_capture_inputs
	some endpoint in resources_of_type("AWS::SageMaker::Endpoint")
	own := object.get(input.resources[endpoint].properties, "EndpointName", endpoint)
	resolve(name, path) in {endpoint, own}
	some config in configs_of(endpoint)
	certainly(config, "Properties.DataCaptureConfig.EnableCapture", [null, false, "false"])
	v := finding(
		"SAGEMAKER_MONITOR_CAPTURE", name, path,
		sprintf("The endpoint %s captures nothing that the job could read", [endpoint]),
	)
}
