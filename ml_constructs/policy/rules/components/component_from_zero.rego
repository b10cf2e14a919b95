# title = "An inference component that scales to zero comes back"
# severity = "error"
# profile = "production"
# intent = """
# A component without copies serves nothing that target tracking could measure. Without a step policy on
# NoCapacityInvocationFailures every request fails until somebody scales by hand.
# """
# fix = "Add a step scaling policy, and an alarm on NoCapacityInvocationFailures that names it in AlarmActions."
# sources = ["https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-zero-instances.html"]
# fails = """
# Resources:
#   Component:
#     Type: AWS::SageMaker::InferenceComponent
#     Properties:
#       InferenceComponentName: dogs
#       EndpointName: pets
#       VariantName: main
#       Specification: {ModelName: model, ComputeResourceRequirements: {MinMemoryRequiredInMb: 1024}}
#       RuntimeConfig: {CopyCount: 2}
#   Target:
#     Type: AWS::ApplicationAutoScaling::ScalableTarget
#     DependsOn: Component
#     Properties:
#       ServiceNamespace: sagemaker
#       ScalableDimension: sagemaker:inference-component:DesiredCopyCount
#       ResourceId: inference-component/dogs
#       MinCapacity: 0
#       MaxCapacity: 6
#   Requests:
#     Type: AWS::ApplicationAutoScaling::ScalingPolicy
#     Properties:
#       PolicyName: requests
#       PolicyType: TargetTrackingScaling
#       ScalingTargetId: !Ref Target
#       TargetTrackingScalingPolicyConfiguration:
#         TargetValue: 600
#         PredefinedMetricSpecification: {PredefinedMetricType: SageMakerInferenceComponentInvocationsPerCopy}
# """
# passes = """
# Resources:
#   Component:
#     Type: AWS::SageMaker::InferenceComponent
#     Properties:
#       InferenceComponentName: dogs
#       EndpointName: pets
#       VariantName: main
#       Specification: {ModelName: model, ComputeResourceRequirements: {MinMemoryRequiredInMb: 1024}}
#       RuntimeConfig: {CopyCount: 2}
#   Target:
#     Type: AWS::ApplicationAutoScaling::ScalableTarget
#     DependsOn: Component
#     Properties:
#       ServiceNamespace: sagemaker
#       ScalableDimension: sagemaker:inference-component:DesiredCopyCount
#       ResourceId: inference-component/dogs
#       MinCapacity: 0
#       MaxCapacity: 6
#   Requests:
#     Type: AWS::ApplicationAutoScaling::ScalingPolicy
#     Properties:
#       PolicyName: requests
#       PolicyType: TargetTrackingScaling
#       ScalingTargetId: !Ref Target
#       TargetTrackingScalingPolicyConfiguration:
#         TargetValue: 600
#         PredefinedMetricSpecification: {PredefinedMetricType: SageMakerInferenceComponentInvocationsPerCopy}
#   Policy:
#     Type: AWS::ApplicationAutoScaling::ScalingPolicy
#     Properties:
#       PolicyName: policy
#       PolicyType: StepScaling
#       ScalingTargetId: !Ref Target
#       StepScalingPolicyConfiguration:
#         AdjustmentType: ChangeInCapacity
#         StepAdjustments: [{MetricIntervalLowerBound: 0, ScalingAdjustment: 1}]
#   Alarm:
#     Type: AWS::CloudWatch::Alarm
#     Properties:
#       Namespace: AWS/SageMaker
#       MetricName: NoCapacityInvocationFailures
#       Dimensions: [{Name: InferenceComponentName, Value: dogs}]
#       Statistic: Maximum
#       ComparisonOperator: GreaterThanOrEqualToThreshold
#       Threshold: 1
#       Period: 60
#       EvaluationPeriods: 3
#       AlarmActions: [!Ref Policy]
# """
# ---
package ml_constructs

import rego.v1

# Other stacks import it, so what the rule looks for may be there.
component_from_zero_exported(name) if {
	some ref in input.resources[name].incomingRefs
	startswith(ref.source, "__output__")
	input.outputs[trim_prefix(ref.source, "__output__")].exportName != null
}

# An alarm on the metric that acts on a policy of the target, or on what only the deployment knows.
component_from_zero_wakes(alarm, target) if {
	contains(json.marshal(input.resources[alarm].properties), `"NoCapacityInvocationFailures"`)
	some ref in input.resources[alarm].outgoingRefs
	startswith(ref.sourcePath, "Properties.AlarmActions")
	policy := input.resources[ref.target]
	policy.resourceType == "AWS::ApplicationAutoScaling::ScalingPolicy"
	policy.properties.PolicyType == "StepScaling"
	component_from_zero_of(policy.properties, target)
}

component_from_zero_wakes(alarm, _) if {
	contains(json.marshal(input.resources[alarm].properties), `"NoCapacityInvocationFailures"`)
	contains(json.marshal(input.resources[alarm].properties.AlarmActions), "__dynamic")
}

component_from_zero_of(properties, target) if properties.ScalingTargetId.__ref == target

component_from_zero_of(properties, target) if properties.ResourceId == input.resources[target].properties.ResourceId

component_from_zero_of(properties, _) if {
	some property in ["ScalingTargetId", "ResourceId"]
	some marker in ["__dynamic", "__conditional"]
	properties[property][marker]
}

violation contains v if {
	some target in resources_of_type("AWS::ApplicationAutoScaling::ScalableTarget")
	certainly(target, "Properties.ScalableDimension", ["sagemaker:inference-component:DesiredCopyCount"])
	certainly(target, "Properties.MinCapacity", [0, "0"])
	not component_from_zero_exported(target)
	count([alarm |
		some alarm in resources_of_type("AWS::CloudWatch::Alarm")
		component_from_zero_wakes(alarm, target)
	]) == 0
	v := finding(
		"SAGEMAKER_COMPONENT_FROM_ZERO", target, "Properties.MinCapacity",
		"No alarm on NoCapacityInvocationFailures starts a copy of the component again",
	)
}
