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

violation contains v if {
	some [target, endpoint, _] in scaled_variants
	certainly(target, "Properties.MinCapacity", [0, "0"])
	not exported(target)
	some config in configs_of(endpoint)
	config in asynchronous_configs
	not awakened(target, "HasBacklogWithoutCapacity")
	v := finding(
		"SAGEMAKER_ASYNC_FROM_ZERO", target, "Properties.MinCapacity",
		sprintf("No alarm on HasBacklogWithoutCapacity starts an instance of %s again", [endpoint]),
	)
}
