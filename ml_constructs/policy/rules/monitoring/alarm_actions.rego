# title = "An alarm on an endpoint tells somebody"
# severity = "error"
# profile = "production"
# intent = """
# An alarm without actions changes its colour in a console that nobody watches.
# """
# fix = "Name an SNS topic in AlarmActions, or use the alarm in a composite alarm or to roll back."
# sources = [
#     "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html",
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html",
# ]
# controls = ["SecurityHub CloudWatch.15", "SecurityHub CloudWatch.17", "NIST.800-53.r5 SI-4"]
# fails = """
# Resources:
#   Alarm:
#     Type: AWS::CloudWatch::Alarm
#     Properties:
#       Namespace: AWS/SageMaker
#       MetricName: Invocation5XXErrors
#       Dimensions: [{Name: EndpointName, Value: dogs}, {Name: VariantName, Value: main}]
#       Statistic: Sum
#       ComparisonOperator: GreaterThanThreshold
#       Threshold: 0
#       Period: 60
#       EvaluationPeriods: 3
# """
# passes = """
# Resources:
#   Alarm:
#     Type: AWS::CloudWatch::Alarm
#     Properties:
#       Namespace: AWS/SageMaker
#       MetricName: Invocation5XXErrors
#       Dimensions: [{Name: EndpointName, Value: dogs}, {Name: VariantName, Value: main}]
#       Statistic: Sum
#       ComparisonOperator: GreaterThanThreshold
#       Threshold: 0
#       Period: 60
#       EvaluationPeriods: 3
#       AlarmActions: [!Ref Topic]
#   Topic: {Type: AWS::SNS::Topic}
# """
# ---
package ml_constructs

import rego.v1

alarm_actions_mute(alarm) if absent(alarm, "Properties.AlarmActions")

alarm_actions_mute(alarm) if certainly(alarm, "Properties.ActionsEnabled", [false, "false"])

# Something in the template, or another stack, refers to it by reference or by name; a dashboard tells nobody.
alarm_actions_used(alarm) if {
	some ref in input.resources[alarm].incomingRefs
	not input.resources[ref.source].resourceType == "AWS::CloudWatch::Dashboard"
}

alarm_actions_used(alarm) if {
	name := input.resources[alarm].properties.AlarmName
	some other, resource in input.resources
	other != alarm
	resource.resourceType in {
		"AWS::CloudWatch::CompositeAlarm", "AWS::SageMaker::Endpoint", "AWS::SageMaker::InferenceComponent",
	}
	contains(json.marshal(resource.properties), alarm_actions_text(name))
}

alarm_actions_text(name) := name if is_string(name)

alarm_actions_text(name) := json.marshal(name) if is_object(name)

violation contains v if {
	some alarm in resources_of_type("AWS::CloudWatch::Alarm")
	some namespace in ["AWS/SageMaker", "/aws/sagemaker/Endpoints", "/aws/sagemaker/InferenceComponents"]
	contains(json.marshal(input.resources[alarm].properties), sprintf(`"Namespace":"%s"`, [namespace]))
	alarm_actions_mute(alarm)
	not alarm_actions_used(alarm)
	v := finding("SAGEMAKER_ALARM_ACTIONS", alarm, "Properties.AlarmActions", "Nobody is told when the alarm fires")
}
