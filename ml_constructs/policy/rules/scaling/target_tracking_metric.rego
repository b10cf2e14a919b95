# title = "A policy tracks a metric of what it scales"
# severity = "error"
# profile = "development"
# intent = """
# Each predefined metric belongs to one dimension: invocations per instance to instances, utilization to provisioned
# concurrency, requests per copy to inference components. Application Auto Scaling refuses another one.
# """
# fix = "Choose the PredefinedMetricType that belongs to the ScalableDimension of the target."
# sources = [
#     "https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PredefinedMetricSpecification.html",
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-add-code-define.html",
# ]
# fails = """
# Resources:
#   Target:
#     Type: AWS::ApplicationAutoScaling::ScalableTarget
#     Properties:
#       ServiceNamespace: sagemaker
#       ScalableDimension: sagemaker:inference-component:DesiredCopyCount
#       ResourceId: inference-component/dogs
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

target_tracking_metric_of := {
	"sagemaker:variant:DesiredInstanceCount": {
		"SageMakerVariantInvocationsPerInstance", "SageMakerVariantConcurrentRequestsPerModelHighResolution",
	},
	"sagemaker:variant:DesiredProvisionedConcurrency": {"SageMakerVariantProvisionedConcurrencyUtilization"},
	"sagemaker:inference-component:DesiredCopyCount": {
		"SageMakerInferenceComponentInvocationsPerCopy",
		"SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution",
	},
}

target_tracking_metric_dimension(policy) := resolve(target, "Properties.ScalableDimension") if {
	target := follow_ref(policy, "Properties.ScalingTargetId")
}

target_tracking_metric_dimension(policy) := resolve(policy, "Properties.ScalableDimension") if {
	not has_property(policy, "Properties.ScalingTargetId")
}

violation contains v if {
	some policy in resources_of_type("AWS::ApplicationAutoScaling::ScalingPolicy")
	dimension := target_tracking_metric_dimension(policy)
	fitting := target_tracking_metric_of[dimension]
	specification := "Properties.TargetTrackingScalingPolicyConfiguration.PredefinedMetricSpecification"
	path := concat(".", [specification, "PredefinedMetricType"])
	has_property(policy, path)
	every metric in decided(policy, path) {
		not metric in fitting
	}
	v := finding(
		"SAGEMAKER_TARGET_TRACKING_METRIC", policy, path,
		sprintf("The metric is not one of %s", [dimension]),
	)
}
