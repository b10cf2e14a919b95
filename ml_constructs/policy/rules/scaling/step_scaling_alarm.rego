# title = "An alarm triggers a step scaling policy"
# severity = "error"
# profile = "production"
# intent = """
# Application Auto Scaling makes the alarms of target tracking, but not those of step scaling. A step policy that no
# alarm names never runs.
# """
# fix = "Name the policy in AlarmActions of an AWS::CloudWatch::Alarm."
# sources = ["https://docs.aws.amazon.com/autoscaling/application/userguide/step-scaling-policy-overview.html"]
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
#       PolicyType: StepScaling
#       ScalingTargetId: !Ref Target
#       StepScalingPolicyConfiguration:
#         AdjustmentType: ChangeInCapacity
#         StepAdjustments: [{MetricIntervalLowerBound: 0, ScalingAdjustment: 1}]
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
#       PolicyType: StepScaling
#       ScalingTargetId: !Ref Target
#       StepScalingPolicyConfiguration:
#         AdjustmentType: ChangeInCapacity
#         StepAdjustments: [{MetricIntervalLowerBound: 0, ScalingAdjustment: 1}]
#   Alarm:
#     Type: AWS::CloudWatch::Alarm
#     Properties:
#       Namespace: /aws/sagemaker/Endpoints
#       MetricName: CPUUtilization
#       Dimensions: [{Name: EndpointName, Value: dogs}, {Name: VariantName, Value: main}]
#       Statistic: Average
#       ComparisonOperator: GreaterThanThreshold
#       Threshold: 90
#       Period: 60
#       EvaluationPeriods: 3
#       AlarmActions: [!Ref Policy]
# """
# ---
package ml_constructs

import rego.v1

# By an alarm here, or by one elsewhere that an output or another resource tells its ARN.
violation contains v if {
	some policy in resources_of_type("AWS::ApplicationAutoScaling::ScalingPolicy")
	scales_sagemaker(policy)
	certainly(policy, "Properties.PolicyType", ["StepScaling"])
	count(input.resources[policy].incomingRefs) == 0
	v := finding("SAGEMAKER_STEP_SCALING_ALARM", policy, "Properties", "No alarm triggers the step scaling policy")
}
