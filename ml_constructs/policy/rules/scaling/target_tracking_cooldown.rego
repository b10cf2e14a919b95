# title = "A policy rests before it scales in again"
# severity = "warning"
# profile = "production"
# intent = """
# An instance takes minutes to start. A policy that removes instances again within a minute follows each dip of the
# traffic, and the next rise finds too few. What is left out is 300 seconds.
# """
# fix = "Leave ScaleInCooldown out, or set it to 300 seconds or what a start takes."
# sources = [
#     "https://docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html",
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
#         TargetValue: 600
#         PredefinedMetricSpecification: {PredefinedMetricType: SageMakerVariantInvocationsPerInstance}
#         ScaleInCooldown: 0
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
#         ScaleInCooldown: 300
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some policy in resources_of_type("AWS::ApplicationAutoScaling::ScalingPolicy")
	scales_sagemaker(policy)
	path := "Properties.TargetTrackingScalingPolicyConfiguration.ScaleInCooldown"
	not certainly(policy, "Properties.TargetTrackingScalingPolicyConfiguration.DisableScaleIn", [true, "true"])
	has_property(policy, path)
	every seconds in decided(policy, path) {
		to_number(seconds) < 60
	}
	v := finding(
		"SAGEMAKER_TARGET_TRACKING_COOLDOWN", policy, path,
		"The policy scales in again after less than a minute",
	)
}
