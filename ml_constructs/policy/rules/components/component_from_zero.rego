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

violation contains v if {
	some target in resources_of_type("AWS::ApplicationAutoScaling::ScalableTarget")
	certainly(target, "Properties.ScalableDimension", ["sagemaker:inference-component:DesiredCopyCount"])
	certainly(target, "Properties.MinCapacity", [0, "0"])
	not exported(target)
	not awakened(target, "NoCapacityInvocationFailures")
	v := finding(
		"SAGEMAKER_COMPONENT_FROM_ZERO", target, "Properties.MinCapacity",
		"No alarm on NoCapacityInvocationFailures starts a copy of the component again",
	)
}
