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

# An alarm on one of these metrics that is, or may be, for the endpoint.
endpoint_latency_alarm_watches(alarm, endpoint) if {
	text := json.marshal(input.resources[alarm].properties)
	some metric in endpoint_latency_alarm_metrics
	some named in [sprintf(`"%s"`, [metric]), `"MetricName":{`]
	contains(text, named)
	own := object.get(input.resources[endpoint].properties, "EndpointName", "")
	some mark in [`"__dynamic"`, sprintf(`"__ref":"%s"`, [endpoint]), sprintf(`"%v"`, [own])]
	contains(text, mark)
}

# Other stacks import it, so what the rule looks for may be there.
endpoint_latency_alarm_exported(name) if {
	some ref in input.resources[name].incomingRefs
	startswith(ref.source, "__output__")
	input.outputs[trim_prefix(ref.source, "__output__")].exportName != null
}

# A configuration in the template that an endpoint has.
endpoint_latency_alarm_configures(config, endpoint) if {
	own := object.get(input.resources[config].properties, "EndpointConfigName", config)
	resolve(endpoint, "Properties.EndpointConfigName") in {config, own}
}

violation contains v if {
	some endpoint in resources_of_type("AWS::SageMaker::Endpoint")
	not endpoint_latency_alarm_exported(endpoint)
	not exists("AWS::SageMaker::InferenceComponent") # they have alarms of their own
	some config in resources_of_type("AWS::SageMaker::EndpointConfig")
	endpoint_latency_alarm_configures(config, endpoint)
	absent(config, "Properties.AsyncInferenceConfig") # those are watched by their queue
	count([alarm |
		some alarm in resources_of_type("AWS::CloudWatch::Alarm")
		endpoint_latency_alarm_watches(alarm, endpoint)
	]) == 0
	v := finding(
		"SAGEMAKER_ENDPOINT_LATENCY_ALARM", endpoint, "Properties",
		"No alarm watches the latency of the endpoint",
	)
}
