# title = "An alarm watches the latency of an endpoint"
# severity = "warning"
# profile = "production"
# intent = """
# A model that becomes slow fails its callers by their timeouts, which SageMaker does not count as errors.
# """
# fix = "Add an AWS::CloudWatch::Alarm on ModelLatency of each variant, with a percentile such as p99."
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
#       MetricName: ModelLatency
#       Dimensions: [{Name: EndpointName, Value: !GetAtt Endpoint.EndpointName}, {Name: VariantName, Value: main}]
#       Statistic: Average
#       ComparisonOperator: GreaterThanThreshold
#       Threshold: 500000
#       Period: 60
#       EvaluationPeriods: 3
#       AlarmActions: [!Ref Topic]
#   Topic: {Type: AWS::SNS::Topic}
# """
# ---
package ml_constructs

import rego.v1

endpoint_latency_alarm_metrics := {"ModelLatency", "OverheadLatency"}

violation contains v if {
	some endpoint in resources_of_type("AWS::SageMaker::Endpoint")
	not exported(endpoint)
	some config in configs_of(endpoint)
	absent(config, "Properties.AsyncInferenceConfig") # those are watched by their queue
	not watched(endpoint, endpoint_latency_alarm_metrics)
	v := finding(
		"SAGEMAKER_ENDPOINT_LATENCY_ALARM", endpoint, "Properties",
		"No alarm watches the latency of the endpoint",
	)
}
