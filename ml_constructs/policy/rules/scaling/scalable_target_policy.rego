# title = "Something acts on a scalable target"
# severity = "error"
# profile = "production"
# intent = """
# A scalable target is a range alone. Without a scaling policy or a scheduled action the capacity never changes.
# """
# fix = "Add an AWS::ApplicationAutoScaling::ScalingPolicy with ScalingTargetId, or ScheduledActions."
# sources = [
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-prerequisites.html",
#     "https://docs.aws.amazon.com/autoscaling/application/userguide/services-that-can-integrate-sagemaker.html",
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
	some target in resources_of_type("AWS::ApplicationAutoScaling::ScalableTarget")
	certainly(target, "Properties.ServiceNamespace", ["sagemaker"])
	absent(target, "Properties.ScheduledActions")
	not exported(target)
	count([1 |
		some policy in resources_of_type("AWS::ApplicationAutoScaling::ScalingPolicy")
		steers(policy, target)
	]) == 0
	v := finding(
		"SAGEMAKER_SCALABLE_TARGET_POLICY", target, "Properties",
		"Neither a scaling policy nor a scheduled action acts on the target",
	)
}
