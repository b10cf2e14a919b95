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

# [target, endpoint, variant] of what scales a variant of an endpoint in the template.
async_scaling_metric_scaled contains [target, endpoint, variant] if {
	some target in resources_of_type("AWS::ApplicationAutoScaling::ScalableTarget")
	some ref in input.resources[target].outgoingRefs
	startswith(ref.sourcePath, "Properties.ResourceId")
	input.resources[ref.target].resourceType == "AWS::SageMaker::Endpoint"
	endpoint := ref.target
	variant := split(input.resources[target].properties.ResourceId.__dynamic, "/variant/")[1]
}

async_scaling_metric_scaled contains [target, endpoint, variant] if {
	some target in resources_of_type("AWS::ApplicationAutoScaling::ScalableTarget")
	some endpoint in resources_of_type("AWS::SageMaker::Endpoint")
	is_string(input.resources[target].properties.ResourceId)
	parts := split(input.resources[target].properties.ResourceId, "/")
	parts[1] == resolve(endpoint, "Properties.EndpointName")
	variant := parts[3]
}

# A configuration in the template that an endpoint has.
async_scaling_metric_configures(config, endpoint) if {
	own := object.get(input.resources[config].properties, "EndpointConfigName", config)
	resolve(endpoint, "Properties.EndpointConfigName") in {config, own}
}

violation contains v if {
	some policy in resources_of_type("AWS::ApplicationAutoScaling::ScalingPolicy")
	path := "Properties.TargetTrackingScalingPolicyConfiguration.PredefinedMetricSpecification.PredefinedMetricType"
	certainly(policy, path, [
		"SageMakerVariantInvocationsPerInstance", "SageMakerVariantConcurrentRequestsPerModelHighResolution",
	])
	some [target, endpoint, _] in async_scaling_metric_scaled
	follow_ref(policy, "Properties.ScalingTargetId") == target
	some config in resources_of_type("AWS::SageMaker::EndpointConfig")
	async_scaling_metric_configures(config, endpoint)
	input.resources[config].properties.AsyncInferenceConfig.OutputConfig
	v := finding(
		"SAGEMAKER_ASYNC_SCALING_METRIC", policy, path,
		sprintf("The asynchronous endpoint %s does not publish the metric", [endpoint]),
	)
}
