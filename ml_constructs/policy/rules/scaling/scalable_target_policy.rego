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

# Other stacks import it, so what the rule looks for may be there.
scalable_target_policy_exported(name) if {
	some ref in input.resources[name].incomingRefs
	startswith(ref.source, "__output__")
	input.outputs[trim_prefix(ref.source, "__output__")].exportName != null
}

scalable_target_policy_of(policy, target) if follow_ref(policy, "Properties.ScalingTargetId") == target

scalable_target_policy_of(policy, target) if {
	input.resources[policy].properties.ResourceId == input.resources[target].properties.ResourceId
}

# A policy of which only the deployment knows what it acts on.
scalable_target_policy_of(policy, _) if {
	some property in ["ScalingTargetId", "ResourceId"]
	some marker in ["__dynamic", "__conditional"]
	input.resources[policy].properties[property][marker]
}

violation contains v if {
	some target in resources_of_type("AWS::ApplicationAutoScaling::ScalableTarget")
	certainly(target, "Properties.ServiceNamespace", ["sagemaker"])
	absent(target, "Properties.ScheduledActions")
	not scalable_target_policy_exported(target)
	count([1 |
		some policy in resources_of_type("AWS::ApplicationAutoScaling::ScalingPolicy")
		scalable_target_policy_of(policy, target)
	]) == 0
	v := finding(
		"SAGEMAKER_SCALABLE_TARGET_POLICY", target, "Properties",
		"Neither a scaling policy nor a scheduled action acts on the target",
	)
}
