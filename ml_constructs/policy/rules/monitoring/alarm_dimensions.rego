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
	v := finding("SAGEMAKER_ALARM_DIMENSIONS", alarm, path, unpublished(metric))
}
