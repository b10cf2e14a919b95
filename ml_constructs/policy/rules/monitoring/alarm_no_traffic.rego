# title = "An alarm on missing traffic fires when data is missing"
# severity = "warning"
# profile = "production"
# intent = """
# SageMaker publishes Invocations only when there are some. An alarm on too few that takes missing data for good, or
# keeps its state, stays silent when requests stop.
# """
# fix = "Set TreatMissingData to breaching."
# sources = [
#     "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html",
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html",
# ]
# fails = """
# Resources:
#   Alarm:
#     Type: AWS::CloudWatch::Alarm
#     Properties:
#       Namespace: AWS/SageMaker
#       MetricName: Invocations
#       Dimensions: [{Name: EndpointName, Value: dogs}, {Name: VariantName, Value: main}]
#       Statistic: Sum
#       ComparisonOperator: LessThanThreshold
#       Threshold: 1
#       Period: 60
#       EvaluationPeriods: 3
#       AlarmActions: [!Ref Topic]
#       TreatMissingData: notBreaching
#   Topic: {Type: AWS::SNS::Topic}
# """
# passes = """
# Resources:
#   Alarm:
#     Type: AWS::CloudWatch::Alarm
#     Properties:
#       Namespace: AWS/SageMaker
#       MetricName: Invocations
#       Dimensions: [{Name: EndpointName, Value: dogs}, {Name: VariantName, Value: main}]
#       Statistic: Sum
#       ComparisonOperator: LessThanThreshold
#       Threshold: 1
#       Period: 60
#       EvaluationPeriods: 3
#       AlarmActions: [!Ref Topic]
#       TreatMissingData: breaching
#   Topic: {Type: AWS::SNS::Topic}
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some alarm in resources_of_type("AWS::CloudWatch::Alarm")
	certainly(alarm, "Properties.Namespace", ["AWS/SageMaker"])
	certainly(alarm, "Properties.MetricName", ["Invocations", "InvocationsPerInstance", "InvocationsPerCopy"])
	certainly(alarm, "Properties.ComparisonOperator", ["LessThanThreshold", "LessThanOrEqualToThreshold"])
	certainly(alarm, "Properties.TreatMissingData", [null, "missing", "ignore", "notBreaching"])
	v := finding(
		"SAGEMAKER_ALARM_NO_TRAFFIC", alarm, "Properties.TreatMissingData",
		"The alarm does not fire when requests stop",
	)
}
