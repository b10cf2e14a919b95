# title = "An alarm watches a metric that SageMaker publishes"
# severity = "error"
# profile = "development"
# intent = """
# SageMaker publishes metrics of a variant by EndpointName and VariantName. An alarm with other or fewer dimensions sees
# no data: it never fires, and as a rollback alarm lets every deployment through.
# """
# fix = "Give the alarm the Dimensions EndpointName and VariantName, or InferenceComponentName for a component."
# sources = [
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html",
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-configuration.html",
# ]
# fails = """
# Resources:
#   Alarm:
#     Type: AWS::CloudWatch::Alarm
#     Properties:
#       Namespace: AWS/SageMaker
#       MetricName: Invocation5XXErrors
#       Dimensions: [{Name: Endpoint, Value: dogs}, {Name: Variant, Value: main}]
#       Statistic: Sum
#       ComparisonOperator: GreaterThanThreshold
#       Threshold: 0
#       Period: 60
#       EvaluationPeriods: 3
#       AlarmActions: [!Ref Topic]
#   Topic: {Type: AWS::SNS::Topic}
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

# Published by endpoint and variant; those of queues have the endpoint alone.
alarm_dimensions_published := {
	"CPUUtilization", "ConcurrentRequestsPerModel", "DiskUtilization", "GPUMemoryUtilization", "GPUUtilization",
	"Invocation4XXErrors", "Invocation5XXErrors", "InvocationModelErrors", "Invocations", "InvocationsPerInstance",
	"MemoryUtilization", "ModelLatency", "OverheadLatency",
}

alarm_dimensions_wanted := [{"EndpointName", "VariantName"}, {"InferenceComponentName"}]

# Each metric of an alarm: its path, and what it is.
alarm_dimensions_metrics contains [alarm, "Properties.Dimensions", metric] if {
	some alarm in resources_of_type("AWS::CloudWatch::Alarm")
	metric := input.resources[alarm].properties
	metric.MetricName
}

alarm_dimensions_metrics contains [alarm, path, metric] if {
	some alarm in resources_of_type("AWS::CloudWatch::Alarm")
	some i
	query := input.resources[alarm].properties.Metrics[i]
	is_number(i)
	metric := query.MetricStat.Metric
	path := sprintf("Properties.Metrics.%d.MetricStat.Metric.Dimensions", [i])
}

violation contains v if {
	some [alarm, path, metric] in alarm_dimensions_metrics
	metric.Namespace in {"AWS/SageMaker", "/aws/sagemaker/Endpoints", "/aws/sagemaker/InferenceComponents"}
	metric.MetricName in alarm_dimensions_published
	dimensions := object.get(metric, "Dimensions", [])
	is_array(dimensions)
	names := {name | some dimension in dimensions; name := dimension.Name; is_string(name)}
	count(names) == count(dimensions)
	every wanted in alarm_dimensions_wanted {
		count(wanted - names) > 0
	}
	v := finding(
		"SAGEMAKER_ALARM_DIMENSIONS", alarm, path,
		sprintf("SageMaker publishes no %s by [%s]", [metric.MetricName, concat(", ", names)]),
	)
}
