# title = "A policy aims at a value that its metric can have"
# severity = "error"
# profile = "development"
# intent = """
# A target of zero or less asks for ever more capacity. Utilization of provisioned concurrency lies between 0 and 1, so
# a target above 1, such as 70, never adds any.
# """
# fix = "Set TargetValue above 0, and to a share such as 0.7 for SageMakerVariantProvisionedConcurrencyUtilization."
# sources = [
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints-autoscale.html",
#     "https://docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html",
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
#         TargetValue: 0
#         PredefinedMetricSpecification: {PredefinedMetricType: SageMakerVariantInvocationsPerInstance}
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
#         TargetValue: 600
#         PredefinedMetricSpecification: {PredefinedMetricType: SageMakerVariantInvocationsPerInstance}
# """
# ---
package ml_constructs

import rego.v1

target_tracking_value_impossible(policy, value) if {
	value <= 0
	metric := "Properties.TargetTrackingScalingPolicyConfiguration.PredefinedMetricSpecification"
	has_property(policy, metric)
}

target_tracking_value_impossible(policy, value) if {
	value > 1
	metric := "Properties.TargetTrackingScalingPolicyConfiguration.PredefinedMetricSpecification.PredefinedMetricType"
	certainly(policy, metric, ["SageMakerVariantProvisionedConcurrencyUtilization"])
}

violation contains v if {
	some policy in resources_of_type("AWS::ApplicationAutoScaling::ScalingPolicy")
	scales_sagemaker(policy)
	path := "Properties.TargetTrackingScalingPolicyConfiguration.TargetValue"
	has_property(policy, path)
	every value in decided(policy, path) {
		target_tracking_value_impossible(policy, to_number(value))
	}
	v := finding(
		"SAGEMAKER_TARGET_TRACKING_VALUE", policy, path,
		"The metric cannot have the value that the policy aims at",
	)
}
