# title = "A variant does not scale by prediction"
# severity = "error"
# profile = "development"
# intent = """
# Predictive scaling exists for Amazon ECS alone. Application Auto Scaling refuses it for SageMaker.
# """
# fix = "Use TargetTrackingScaling, and ScheduledActions of the target for known peaks."
# sources = ["https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PutScalingPolicy.html"]
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
#       PolicyType: PredictiveScaling
#       ScalingTargetId: !Ref Target
#       PredictiveScalingPolicyConfiguration:
#         MetricSpecifications:
#           - TargetValue: 70
#             PredefinedMetricPairSpecification: {PredefinedMetricType: ECSServiceCPUUtilization}
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

violation contains v if {
	some policy in resources_of_type("AWS::ApplicationAutoScaling::ScalingPolicy")
	scales_sagemaker(policy)
	certainly(policy, "Properties.PolicyType", ["PredictiveScaling"])
	v := finding(
		"SAGEMAKER_SCALING_POLICY_PREDICTIVE", policy, "Properties.PolicyType",
		"SageMaker has no predictive scaling",
	)
}
