# title = "A real-time endpoint keeps what it was asked and answered"
# severity = "error"
# profile = "regulated"
# intent = """
# Without captured requests and answers nobody can show what a model decided, nor notice that its input has drifted away
# from what it was trained on.
# """
# fix = "Set DataCaptureConfig, with EnableCapture, for input and output."
# sources = [
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html",
#     "https://docs.aws.amazon.com/wellarchitected/latest/machine-learning-lens/machine-learning-lens.html",
# ]
# controls = ["NIST.800-53.r5 AU-12"]
# fails = """
# Resources:
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       ProductionVariants:
#         - {VariantName: main, ModelName: churn, InstanceType: ml.m5.large, InitialInstanceCount: 2}
# """
# passes = """
# Resources:
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       DataCaptureConfig:
#         EnableCapture: true
#         InitialSamplingPercentage: 20
#         DestinationS3Uri: s3://amzn-s3-demo-bucket/capture
#         CaptureOptions: [{CaptureMode: Input}, {CaptureMode: Output}]
#         KmsKeyId: alias/capture
#       ProductionVariants:
#         - {VariantName: main, ModelName: churn, InstanceType: ml.m5.large, InitialInstanceCount: 2}
# """
# ---
package ml_constructs

import rego.v1

# Serverless and asynchronous endpoints capture nothing, and instances without a model of their own belong to components.
endpoint_config_capture_able(name) if {
	not has_property(name, "Properties.AsyncInferenceConfig")
	variant := input.resources[name].properties.ProductionVariants[_]
	variant.ModelName
	variant.InstanceType
}

endpoint_config_capture_off(name) if absent(name, "Properties.DataCaptureConfig")

endpoint_config_capture_off(name) if {
	has_property(name, "Properties.DataCaptureConfig.EnableCapture")
	certainly(name, "Properties.DataCaptureConfig.EnableCapture", [false, "false"])
}

violation contains v if {
	some name in resources_of_type("AWS::SageMaker::EndpointConfig")
	endpoint_config_capture_able(name)
	endpoint_config_capture_off(name)
	v := finding("SAGEMAKER_ENDPOINT_CONFIG_CAPTURE", name, "Properties.DataCaptureConfig", "Requests and answers are not captured")
}
