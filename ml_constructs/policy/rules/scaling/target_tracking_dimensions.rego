# title = "A policy tracks a metric that SageMaker publishes"
# severity = "error"
# profile = "development"
# intent = """
# SageMaker publishes metrics of a variant by EndpointName and VariantName. A policy with other or fewer dimensions sees
# no data and never scales.
# """
# fix = "Set the Dimensions EndpointName and VariantName, or InferenceComponentName for a component."
# sources = [
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html",
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-add-code-define.html",
# ]
# fails = """
# Resources:
#   Target:
#     Type: AWS::ApplicationAutoScaling::ScalableTarget
#     Properties:
#       ServiceNamespace: sagemaker
#       ScalableDimension: sagemaker:variant:DesiredInstanceCount
#       ResourceId: endpoint/dogs/variant/main
#       MinCapacity: 2
#       MaxCapacity: 6
#   Policy:
#     Type: AWS::ApplicationAutoScaling::ScalingPolicy
#     Properties:
#       PolicyName: policy
#       PolicyType: TargetTrackingScaling
#       ScalingTargetId: !Ref Target
#       TargetTrackingScalingPolicyConfiguration:
#         TargetValue: 70
#         CustomizedMetricSpecification:
#           Namespace: /aws/sagemaker/Endpoints
#           MetricName: CPUUtilization
#           Statistic: Average
#           Dimensions: [{Name: Endpoint, Value: dogs}, {Name: Variant, Value: main}]
# """
# passes = """
# Resources:
#   Target:
#     Type: AWS::ApplicationAutoScaling::ScalableTarget
#     Properties:
#       ServiceNamespace: sagemaker
#       ScalableDimension: sagemaker:variant:DesiredInstanceCount
#       ResourceId: endpoint/dogs/variant/main
#       MinCapacity: 2
#       MaxCapacity: 6
#   Policy:
#     Type: AWS::ApplicationAutoScaling::ScalingPolicy
#     Properties:
#       PolicyName: policy
#       PolicyType: TargetTrackingScaling
#       ScalingTargetId: !Ref Target
#       TargetTrackingScalingPolicyConfiguration:
#         TargetValue: 70
#         CustomizedMetricSpecification:
#           Namespace: /aws/sagemaker/Endpoints
#           MetricName: CPUUtilization
#           Statistic: Average
#           Dimensions: [{Name: EndpointName, Value: dogs}, {Name: VariantName, Value: main}]
# """
# ---
package ml_constructs

import rego.v1

target_tracking_dimensions_path := "Properties.TargetTrackingScalingPolicyConfiguration.CustomizedMetricSpecification"

# Each metric of a policy: its path, and what it is.
target_tracking_dimensions_metrics contains [policy, target_tracking_dimensions_path, metric] if {
	some policy in resources_of_type("AWS::ApplicationAutoScaling::ScalingPolicy")
	metric := input.resources[policy].properties.TargetTrackingScalingPolicyConfiguration.CustomizedMetricSpecification
	metric.MetricName
}

target_tracking_dimensions_metrics contains [policy, path, metric] if {
	some policy in resources_of_type("AWS::ApplicationAutoScaling::ScalingPolicy")
	tracking := input.resources[policy].properties.TargetTrackingScalingPolicyConfiguration
	metric := tracking.CustomizedMetricSpecification.Metrics[i].MetricStat.Metric
	path := sprintf("%s.Metrics.%d.MetricStat.Metric", [target_tracking_dimensions_path, i])
}

violation contains v if {
	some [policy, path, metric] in target_tracking_dimensions_metrics
	v := finding("SAGEMAKER_TARGET_TRACKING_DIMENSIONS", policy, path, unpublished(metric))
}
