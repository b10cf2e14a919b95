# title = "An alarm that rolls an endpoint back can go off before the deployment ends"
# severity = "error"
# profile = "production"
# intent = """
# SageMaker looks at the alarms while it shifts traffic and until it ends the old fleet: during the intervals between the
# steps and TerminationWaitInSeconds, which is 0 unless it is set. An alarm needs its period times the number of data points
# to go off. If that is longer, the deployment is over and the old fleet is gone when it does.
# """
# fix = "Raise WaitIntervalInSeconds or TerminationWaitInSeconds to the time that the alarm needs, or shorten its period."
# sources = [
#   "https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-configuration.html",
#   "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_BlueGreenUpdatePolicy.html",
# ]
# controls = ["NIST.800-53.r5 CM-3", "NIST.800-53.r5 SI-17"]
# fails = """
# Resources:
#   Alarm:
#     Type: AWS::CloudWatch::Alarm
#     Properties:
#       Namespace: AWS/SageMaker
#       MetricName: Invocation5XXErrors
#       Dimensions: [{Name: EndpointName, Value: churn}, {Name: VariantName, Value: main}]
#       Statistic: Sum
#       ComparisonOperator: GreaterThanThreshold
#       Threshold: 0
#       Period: 60
#       EvaluationPeriods: 10
#   Endpoint:
#     Type: AWS::SageMaker::Endpoint
#     Properties:
#       EndpointName: churn
#       EndpointConfigName: config
#       DeploymentConfig:
#         BlueGreenUpdatePolicy:
#           TrafficRoutingConfiguration: {Type: CANARY, WaitIntervalInSeconds: 300, CanarySize: {Type: CAPACITY_PERCENT, Value: 10}}
#         AutoRollbackConfiguration: {Alarms: [{AlarmName: {Ref: Alarm}}]}
# """
# passes = """
# Resources:
#   Alarm:
#     Type: AWS::CloudWatch::Alarm
#     Properties:
#       Namespace: AWS/SageMaker
#       MetricName: Invocation5XXErrors
#       Dimensions: [{Name: EndpointName, Value: churn}, {Name: VariantName, Value: main}]
#       Statistic: Sum
#       ComparisonOperator: GreaterThanThreshold
#       Threshold: 0
#       Period: 60
#       EvaluationPeriods: 10
#   Endpoint:
#     Type: AWS::SageMaker::Endpoint
#     Properties:
#       EndpointName: churn
#       EndpointConfigName: config
#       DeploymentConfig:
#         BlueGreenUpdatePolicy:
#           TerminationWaitInSeconds: 300
#           TrafficRoutingConfiguration: {Type: CANARY, WaitIntervalInSeconds: 300, CanarySize: {Type: CAPACITY_PERCENT, Value: 10}}
#         AutoRollbackConfiguration: {Alarms: [{AlarmName: {Ref: Alarm}}]}
# """
# ---
package ml_constructs

import rego.v1

# Seconds in which alarms are watched, at most.
endpoint_bake_time_watched(name) := max(ends) + max(waits) if {
	policy := "Properties.DeploymentConfig.BlueGreenUpdatePolicy"
	absent(name, "Properties.DeploymentConfig.RollingUpdatePolicy")
	ends := numbers_of(name, concat(".", [policy, "TerminationWaitInSeconds"]), 0)
	waits := endpoint_bake_time_waits(name, concat(".", [policy, "TrafficRoutingConfiguration"]))
}

endpoint_bake_time_watched(name) := max(waits) if {
	policy := "Properties.DeploymentConfig.RollingUpdatePolicy"
	input.resources[name].properties.DeploymentConfig.RollingUpdatePolicy.MaximumBatchSize
	waits := endpoint_bake_time_steps(name, policy, "MaximumBatchSize")
}

endpoint_bake_time_waits(name, _) := {0} if {
	certainly(name, "Properties.DeploymentConfig.BlueGreenUpdatePolicy.TrafficRoutingConfiguration.Type", [null, "ALL_AT_ONCE"])
}

endpoint_bake_time_waits(name, routing) := numbers_of(name, concat(".", [routing, "WaitIntervalInSeconds"]), 0) if {
	certainly(name, concat(".", [routing, "Type"]), ["CANARY"])
}

endpoint_bake_time_waits(name, routing) := endpoint_bake_time_steps(name, routing, "LinearStepSize") if {
	certainly(name, concat(".", [routing, "Type"]), ["LINEAR"])
}

# One interval for each step; how many steps a number of instances makes depends on how many there are.
endpoint_bake_time_steps(name, policy, size) := waits if {
	certainly(name, concat(".", [policy, size, "Type"]), ["CAPACITY_PERCENT"])
	percents := numbers_of(name, concat(".", [policy, size, "Value"]), 100)
	intervals := numbers_of(name, concat(".", [policy, "WaitIntervalInSeconds"]), 0)
	waits := {wait |
		some percent in percents
		some interval in intervals
		wait := ceil(100 / percent) * interval
	}
}

# Seconds that an alarm needs to go off, at least.
endpoint_bake_time_needed(alarm) := min(periods) * min(points) if {
	has_property(alarm, "Properties.Period")
	periods := numbers_of(alarm, "Properties.Period", 0)
	points := endpoint_bake_time_points(alarm)
}

endpoint_bake_time_needed(alarm) := min(periods) * min(points) if {
	periods := {period |
		metric := input.resources[alarm].properties.Metrics[_]
		some holder in [metric, object.get(metric, "MetricStat", {})]
		period := holder.Period
		is_number(period)
	}
	points := endpoint_bake_time_points(alarm)
}

endpoint_bake_time_points(alarm) := numbers_of(alarm, "Properties.DatapointsToAlarm", 0) if {
	has_property(alarm, "Properties.DatapointsToAlarm")
}

endpoint_bake_time_points(alarm) := numbers_of(alarm, "Properties.EvaluationPeriods", 1) if {
	not has_property(alarm, "Properties.DatapointsToAlarm")
}

violation contains v if {
	some name in resources_of_type("AWS::SageMaker::Endpoint")
	some alarm in resources_of_type("AWS::CloudWatch::Alarm")
	means(input.resources[name].properties.DeploymentConfig.AutoRollbackConfiguration.Alarms[_].AlarmName, alarm)
	endpoint_bake_time_needed(alarm) > endpoint_bake_time_watched(name)
	v := finding(
		"SAGEMAKER_ENDPOINT_BAKE_TIME", name, "Properties.DeploymentConfig",
		sprintf("%s needs %v s to go off, and the deployment watches it for %v s", [
			alarm, endpoint_bake_time_needed(alarm), endpoint_bake_time_watched(name),
		]),
	)
}
