# title = "An asynchronous variant scales on its queue"
# severity = "error"
# profile = "development"
# intent = """
# Asynchronous endpoints publish neither invocations per instance nor concurrent requests. A policy that tracks them
# sees no data and never scales.
# """
# fix = "Track ApproximateBacklogSizePerInstance by EndpointName in a CustomizedMetricSpecification."
# sources = [
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-autoscale.html",
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-monitor.html",
# ]
# fails = """
# Resources:
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       ProductionVariants:
#         - {VariantName: main, ModelName: model, InstanceType: ml.m5.large, InitialInstanceCount: 2}
#       AsyncInferenceConfig: {OutputConfig: {S3OutputPath: "s3://answers/out"}}
#   Endpoint:
#     Type: AWS::SageMaker::Endpoint
#     Properties:
#       EndpointConfigName: !GetAtt Config.EndpointConfigName
#   Target:
#     Type: AWS::ApplicationAutoScaling::ScalableTarget
#     Properties:
#       ServiceNamespace: sagemaker
#       ScalableDimension: sagemaker:variant:DesiredInstanceCount
#       ResourceId: !Sub "endpoint/${Endpoint.EndpointName}/variant/main"
#       MinCapacity: 1
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
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       ProductionVariants:
#         - {VariantName: main, ModelName: model, InstanceType: ml.m5.large, InitialInstanceCount: 2}
#       AsyncInferenceConfig: {OutputConfig: {S3OutputPath: "s3://answers/out"}}
#   Endpoint:
#     Type: AWS::SageMaker::Endpoint
#     Properties:
#       EndpointConfigName: !GetAtt Config.EndpointConfigName
#   Target:
#     Type: AWS::ApplicationAutoScaling::ScalableTarget
#     Properties:
#       ServiceNamespace: sagemaker
#       ScalableDimension: sagemaker:variant:DesiredInstanceCount
#       ResourceId: !Sub "endpoint/${Endpoint.EndpointName}/variant/main"
#       MinCapacity: 1
#       MaxCapacity: 6
#   Policy:
#     Type: AWS::ApplicationAutoScaling::ScalingPolicy
#     Properties:
#       PolicyName: policy
#       PolicyType: TargetTrackingScaling
#       ScalingTargetId: !Ref Target
#       TargetTrackingScalingPolicyConfiguration:
#         TargetValue: 5
#         CustomizedMetricSpecification:
#           Namespace: AWS/SageMaker
#           MetricName: ApproximateBacklogSizePerInstance
#           Statistic: Average
#           Dimensions: [{Name: EndpointName, Value: !GetAtt Endpoint.EndpointName}]
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some policy in resources_of_type("AWS::ApplicationAutoScaling::ScalingPolicy")
	path := "Properties.TargetTrackingScalingPolicyConfiguration.PredefinedMetricSpecification.PredefinedMetricType"
	certainly(policy, path, [
		"SageMakerVariantInvocationsPerInstance", "SageMakerVariantConcurrentRequestsPerModelHighResolution",
	])
	some [target, endpoint, _] in scaled_variants
	follow_ref(policy, "Properties.ScalingTargetId") == target
	some config in configs_of(endpoint)
	config in asynchronous_configs
	v := finding(
		"SAGEMAKER_ASYNC_SCALING_METRIC", policy, path,
		sprintf("The asynchronous endpoint %s does not publish the metric", [endpoint]),
	)
}
