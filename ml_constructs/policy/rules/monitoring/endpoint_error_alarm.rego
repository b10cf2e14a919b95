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

# An alarm on one of these metrics that is, or may be, for the endpoint.
endpoint_error_alarm_watches(alarm, endpoint) if {
	text := json.marshal(input.resources[alarm].properties)
	some metric in endpoint_error_alarm_metrics
	some named in [sprintf(`"%s"`, [metric]), `"MetricName":{`]
	contains(text, named)
	own := object.get(input.resources[endpoint].properties, "EndpointName", "")
	some mark in [`"__dynamic"`, sprintf(`"__ref":"%s"`, [endpoint]), sprintf(`"%v"`, [own])]
	contains(text, mark)
}

# Other stacks import it, so what the rule looks for may be there.
endpoint_error_alarm_exported(name) if {
	some ref in input.resources[name].incomingRefs
	startswith(ref.source, "__output__")
	input.outputs[trim_prefix(ref.source, "__output__")].exportName != null
}

violation contains v if {
	some endpoint in resources_of_type("AWS::SageMaker::Endpoint")
	not endpoint_error_alarm_exported(endpoint)
	not exists("AWS::SageMaker::InferenceComponent") # they have alarms of their own
	count([alarm |
		some alarm in resources_of_type("AWS::CloudWatch::Alarm")
		endpoint_error_alarm_watches(alarm, endpoint)
	]) == 0
	v := finding(
		"SAGEMAKER_ENDPOINT_ERROR_ALARM", endpoint, "Properties",
		"No alarm watches the errors of the endpoint",
	)
}
