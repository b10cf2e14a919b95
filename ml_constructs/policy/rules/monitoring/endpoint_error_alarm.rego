# title = "An alarm watches the errors of an endpoint"
# severity = "error"
# profile = "production"
# intent = """
# Without an alarm on errors the callers are the first to see that the model fails.
# """
# fix = "Add an AWS::CloudWatch::Alarm on Invocation5XXErrors of each variant."
# sources = ["https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html"]
# controls = ["NIST.800-53.r5 SI-4"]
# fails = """
# Resources:
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       ProductionVariants:
#         - {VariantName: main, ModelName: model, InstanceType: ml.m5.large, InitialInstanceCount: 2}
#   Endpoint:
#     Type: AWS::SageMaker::Endpoint
#     Properties:
#       EndpointConfigName: !GetAtt Config.EndpointConfigName
# """
# passes = """
# Resources:
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       ProductionVariants:
#         - {VariantName: main, ModelName: model, InstanceType: ml.m5.large, InitialInstanceCount: 2}
#   Endpoint:
#     Type: AWS::SageMaker::Endpoint
#     Properties:
#       EndpointConfigName: !GetAtt Config.EndpointConfigName
#   Alarm:
#     Type: AWS::CloudWatch::Alarm
#     Properties:
#       Namespace: AWS/SageMaker
#       MetricName: Invocation5XXErrors
#       Dimensions: [{Name: EndpointName, Value: !GetAtt Endpoint.EndpointName}, {Name: VariantName, Value: main}]
#       Statistic: Sum
#       ComparisonOperator: GreaterThanThreshold
#       Threshold: 0
#       Period: 60
#       EvaluationPeriods: 3
#       AlarmActions: [!Ref Topic]
#   Topic: {Type: AWS::SNS::Topic}
# """
# ---
package ml_constructs

import rego.v1

endpoint_error_alarm_metrics := {"Invocation5XXErrors", "InvocationModelErrors", "InvocationFailures"}

violation contains v if {
	some endpoint in resources_of_type("AWS::SageMaker::Endpoint")
	not exported(endpoint)
	not watched(endpoint, endpoint_error_alarm_metrics)
	v := finding(
		"SAGEMAKER_ENDPOINT_ERROR_ALARM", endpoint, "Properties",
		"No alarm watches the errors of the endpoint",
	)
}
