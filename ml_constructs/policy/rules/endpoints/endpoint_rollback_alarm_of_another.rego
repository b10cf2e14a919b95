# title = "The alarms that roll an endpoint back watch that endpoint"
# severity = "error"
# profile = "production"
# intent = """
# An alarm on another endpoint's metrics stays silent whatever this endpoint answers, and rolls healthy deployments back
# when the other one fails.
# """
# fix = "Set the dimension EndpointName of the alarm to the name of this endpoint."
# sources = [
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-configuration.html",
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html",
# ]
# controls = ["NIST.800-53.r5 SI-17"]
# fails = """
# Resources:
#   Endpoint:
#     Type: AWS::SageMaker::Endpoint
#     Properties:
#       EndpointConfigName: config
#       EndpointName: churn
#       DeploymentConfig:
#         AutoRollbackConfiguration: {Alarms: [{AlarmName: {Ref: Errors}}]}
#   Errors:
#     Type: AWS::CloudWatch::Alarm
#     Properties:
#       AlarmName: errors
#       Namespace: AWS/SageMaker
#       MetricName: Invocation5XXErrors
#       Dimensions: [{Name: EndpointName, Value: fraud}, {Name: VariantName, Value: main}]
#       Statistic: Sum
#       Period: 60
#       EvaluationPeriods: 2
#       Threshold: 1
#       ComparisonOperator: GreaterThanThreshold
# """
# passes = """
# Resources:
#   Endpoint:
#     Type: AWS::SageMaker::Endpoint
#     Properties:
#       EndpointConfigName: config
#       EndpointName: churn
#       DeploymentConfig:
#         AutoRollbackConfiguration: {Alarms: [{AlarmName: {Ref: Errors}}]}
#   Errors:
#     Type: AWS::CloudWatch::Alarm
#     Properties:
#       AlarmName: errors
#       Namespace: AWS/SageMaker
#       MetricName: Invocation5XXErrors
#       Dimensions: [{Name: EndpointName, Value: churn}, {Name: VariantName, Value: main}]
#       Statistic: Sum
#       Period: 60
#       EvaluationPeriods: 2
#       Threshold: 1
#       ComparisonOperator: GreaterThanThreshold
# """
# ---
package ml_constructs

import rego.v1

# Another endpoint by name, if both names are written in the template.
endpoint_rollback_alarm_of_another_another(value, name) if {
	is_string(value)
	is_string(input.resources[name].properties.EndpointName)
	value != input.resources[name].properties.EndpointName
}

# Another endpoint of the template, by a reference to it.
endpoint_rollback_alarm_of_another_another(value, name) if {
	input.resources[value.__ref].resourceType == "AWS::SageMaker::Endpoint"
	value.__ref != name
}

violation contains v if {
	some name in resources_of_type("AWS::SageMaker::Endpoint")
	rollback := input.resources[name].properties.DeploymentConfig.AutoRollbackConfiguration.Alarms[_]
	some alarm in resources_of_type("AWS::CloudWatch::Alarm")
	means(rollback.AlarmName, alarm)
	dimension := input.resources[alarm].properties.Dimensions[_]
	dimension.Name == "EndpointName"
	endpoint_rollback_alarm_of_another_another(dimension.Value, name)
	v := finding(
		"SAGEMAKER_ENDPOINT_ROLLBACK_ALARM_OF_ANOTHER", name, "Properties.DeploymentConfig.AutoRollbackConfiguration.Alarms",
		sprintf("The alarm %s watches another endpoint", [alarm]),
	)
}
