# title = "Captured data is monitored"
# severity = "warning"
# profile = "regulated"
# intent = """
# Capture alone is a growing bucket of production data. Drift of the input and decay of the answers show only when a job
# compares the data with a baseline.
# """
# fix = "Add an AWS::SageMaker::MonitoringSchedule with a data quality or model quality job for the endpoint."
# sources = [
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor.html",
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-scheduling.html",
# ]
# controls = ["NIST.800-53.r5 CA-7", "NIST.800-53.r5 SI-4"]
# fails = """
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

# A schedule, or the definition of its job, that is for the endpoint or for one that only the deployment knows.
monitor_schedule_for(name, endpoint) if {
	startswith(input.resources[name].resourceType, "AWS::SageMaker::M")
	contains(input.resources[name].resourceType, "MonitoringSchedule")
	monitor_schedule_names(name, endpoint)
}

monitor_schedule_for(name, endpoint) if {
	endswith(input.resources[name].resourceType, "JobDefinition")
	monitor_schedule_names(name, endpoint)
}

monitor_schedule_names(name, endpoint) if {
	own := object.get(input.resources[endpoint].properties, "EndpointName", "")
	text := json.marshal(input.resources[name].properties)
	some mark in [`"__dynamic"`, sprintf(`"__ref":"%s"`, [endpoint]), sprintf(`"EndpointName":"%v"`, [own])]
	contains(text, mark)
}

violation contains v if {
	some config in resources_of_type("AWS::SageMaker::EndpointConfig")
	input.resources[config].properties.DataCaptureConfig.DestinationS3Uri
	certainly(config, "Properties.DataCaptureConfig.EnableCapture", [true, "true"])
	some endpoint in resources_of_type("AWS::SageMaker::Endpoint")
	config in configs_of(endpoint)
	not exported(endpoint)
	count([name | some name, _ in input.resources; monitor_schedule_for(name, endpoint)]) == 0
	v := finding(
		"SAGEMAKER_MONITOR_SCHEDULE", config, "Properties.DataCaptureConfig",
		sprintf("Nothing monitors what %s captures", [endpoint]),
	)
}
