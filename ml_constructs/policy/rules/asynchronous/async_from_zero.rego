# title = "An asynchronous variant that scales to zero comes back"
# severity = "error"
# profile = "production"
# intent = """
# Target tracking divides the backlog by the instances, and has nothing to divide by at zero. Without a step policy on
# HasBacklogWithoutCapacity requests wait until the backlog exceeds the target, or until they expire.
# """
# fix = "Add a step scaling policy, and an alarm on HasBacklogWithoutCapacity that names it in AlarmActions."
# sources = ["https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-autoscale.html"]
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
#       MinCapacity: 0
#       MaxCapacity: 6
#   Backlog:
#     Type: AWS::ApplicationAutoScaling::ScalingPolicy
#     Properties:
#       PolicyName: backlog
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
#       MinCapacity: 0
#       MaxCapacity: 6
#   Backlog:
#     Type: AWS::ApplicationAutoScaling::ScalingPolicy
#     Properties:
#       PolicyName: backlog
#       PolicyType: TargetTrackingScaling
#       ScalingTargetId: !Ref Target
#       TargetTrackingScalingPolicyConfiguration:
#         TargetValue: 5
#         CustomizedMetricSpecification:
#           Namespace: AWS/SageMaker
#           MetricName: ApproximateBacklogSizePerInstance
#           Statistic: Average
#           Dimensions: [{Name: EndpointName, Value: !GetAtt Endpoint.EndpointName}]
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
#       MetricName: HasBacklogWithoutCapacity
#       Dimensions: [{Name: EndpointName, Value: !GetAtt Endpoint.EndpointName}]
#       Statistic: Average
#       ComparisonOperator: GreaterThanOrEqualToThreshold
#       Threshold: 1
#       Period: 60
#       EvaluationPeriods: 3
#       AlarmActions: [!Ref Policy]
# """
# ---
package ml_constructs

import rego.v1

# [target, endpoint, variant] of what scales a variant of an endpoint in the template.
async_from_zero_scaled contains [target, endpoint, variant] if {
	some target in resources_of_type("AWS::ApplicationAutoScaling::ScalableTarget")
	some ref in input.resources[target].outgoingRefs
	startswith(ref.sourcePath, "Properties.ResourceId")
	input.resources[ref.target].resourceType == "AWS::SageMaker::Endpoint"
	endpoint := ref.target
	variant := split(input.resources[target].properties.ResourceId.__dynamic, "/variant/")[1]
}

async_from_zero_scaled contains [target, endpoint, variant] if {
	some target in resources_of_type("AWS::ApplicationAutoScaling::ScalableTarget")
	some endpoint in resources_of_type("AWS::SageMaker::Endpoint")
	is_string(input.resources[target].properties.ResourceId)
	parts := split(input.resources[target].properties.ResourceId, "/")
	parts[1] == resolve(endpoint, "Properties.EndpointName")
	variant := parts[3]
}

# A configuration in the template that an endpoint has.
async_from_zero_configures(config, endpoint) if {
	own := object.get(input.resources[config].properties, "EndpointConfigName", config)
	resolve(endpoint, "Properties.EndpointConfigName") in {config, own}
}

# Other stacks import it, so what the rule looks for may be there.
async_from_zero_exported(name) if {
	some ref in input.resources[name].incomingRefs
	startswith(ref.source, "__output__")
	input.outputs[trim_prefix(ref.source, "__output__")].exportName != null
}

# An alarm on the metric that acts on a policy of the target, or on what only the deployment knows.
async_from_zero_wakes(alarm, target) if {
	contains(json.marshal(input.resources[alarm].properties), `"HasBacklogWithoutCapacity"`)
	some ref in input.resources[alarm].outgoingRefs
	startswith(ref.sourcePath, "Properties.AlarmActions")
	policy := input.resources[ref.target]
	policy.resourceType == "AWS::ApplicationAutoScaling::ScalingPolicy"
	policy.properties.PolicyType == "StepScaling"
	async_from_zero_of(policy.properties, target)
}

async_from_zero_wakes(alarm, _) if {
	contains(json.marshal(input.resources[alarm].properties), `"HasBacklogWithoutCapacity"`)
	contains(json.marshal(input.resources[alarm].properties.AlarmActions), "__dynamic")
}

async_from_zero_of(properties, target) if properties.ScalingTargetId.__ref == target

async_from_zero_of(properties, target) if properties.ResourceId == input.resources[target].properties.ResourceId

async_from_zero_of(properties, _) if {
	some property in ["ScalingTargetId", "ResourceId"]
	some marker in ["__dynamic", "__conditional"]
	properties[property][marker]
}

violation contains v if {
	some [target, endpoint, _] in async_from_zero_scaled
	certainly(target, "Properties.MinCapacity", [0, "0"])
	not async_from_zero_exported(target)
	some config in resources_of_type("AWS::SageMaker::EndpointConfig")
	async_from_zero_configures(config, endpoint)
	input.resources[config].properties.AsyncInferenceConfig.OutputConfig
	count([alarm |
		some alarm in resources_of_type("AWS::CloudWatch::Alarm")
		async_from_zero_wakes(alarm, target)
	]) == 0
	v := finding(
		"SAGEMAKER_ASYNC_FROM_ZERO", target, "Properties.MinCapacity",
		sprintf("No alarm on HasBacklogWithoutCapacity starts an instance of %s again", [endpoint]),
	)
}
