# title = "An alarm on latency counts in microseconds"
# severity = "warning"
# profile = "production"
# intent = """
# SageMaker publishes ModelLatency and OverheadLatency in microseconds. A threshold of 500 is half a millisecond, so the
# alarm always fires, rolls every deployment back, and is soon ignored.
# """
# fix = "Multiply the milliseconds by 1000: 500 ms are 500000."
# sources = ["https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html"]
# fails = """
# Resources:
#   Alarm:
#     Type: AWS::CloudWatch::Alarm
#     Properties:
#       Namespace: AWS/SageMaker
#       MetricName: ModelLatency
#       Dimensions: [{Name: EndpointName, Value: dogs}, {Name: VariantName, Value: main}]
#       Statistic: Average
#       ComparisonOperator: GreaterThanThreshold
#       Threshold: 500
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
#       MetricName: ModelLatency
#       Dimensions: [{Name: EndpointName, Value: dogs}, {Name: VariantName, Value: main}]
#       Statistic: Average
#       ComparisonOperator: GreaterThanThreshold
#       Threshold: 500000
#       Period: 60
#       EvaluationPeriods: 3
#       AlarmActions: [!Ref Topic]
#   Topic: {Type: AWS::SNS::Topic}
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some alarm in resources_of_type("AWS::CloudWatch::Alarm")
	certainly(alarm, "Properties.Namespace", ["AWS/SageMaker"])
	certainly(alarm, "Properties.MetricName", ["ModelLatency", "OverheadLatency"])
	certainly(alarm, "Properties.ComparisonOperator", ["GreaterThanThreshold", "GreaterThanOrEqualToThreshold"])
	has_property(alarm, "Properties.Threshold")
	every threshold in decided(alarm, "Properties.Threshold") {
		to_number(threshold) > 0
		to_number(threshold) <= 1000
	}
	v := finding(
		"SAGEMAKER_ALARM_LATENCY_UNIT", alarm, "Properties.Threshold",
		"The alarm fires at a millisecond or less, for it counts microseconds",
	)
}
