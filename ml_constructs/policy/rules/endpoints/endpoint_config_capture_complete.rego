# title = "Captured data holds requests and answers"
# severity = "warning"
# profile = "production"
# intent = """
# A monitor compares what was asked with what was answered. Either alone shows no drift of the other, and a share of 0 %
# captures nothing while the endpoint says that it captures.
# """
# fix = "Capture Input and Output, and set InitialSamplingPercentage above 0."
# sources = [
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html",
#     "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DataCaptureConfig.html",
# ]
# fails = """
# Resources:
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       DataCaptureConfig:
#         EnableCapture: true
#         InitialSamplingPercentage: 0
#         DestinationS3Uri: s3://amzn-s3-demo-bucket/capture
#         CaptureOptions: [{CaptureMode: Input}, {CaptureMode: Output}]
#         KmsKeyId: alias/capture
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
#         InitialSamplingPercentage: 1
#         DestinationS3Uri: s3://amzn-s3-demo-bucket/capture
#         CaptureOptions: [{CaptureMode: Input}, {CaptureMode: Output}]
#         KmsKeyId: alias/capture
#       ProductionVariants:
#         - {VariantName: main, ModelName: churn, InstanceType: ml.m5.large, InitialInstanceCount: 2}
# """
# ---
package ml_constructs

import rego.v1

endpoint_config_capture_complete_lack(name) := "Captures 0 % of the requests" if {
	certainly(name, "Properties.DataCaptureConfig.InitialSamplingPercentage", [0, "0"])
}

endpoint_config_capture_complete_lack(name) := sprintf("Captures only the %s", [lower(options[0].CaptureMode)]) if {
	not endpoint_config_capture_complete_zero(name)
	options := input.resources[name].properties.DataCaptureConfig.CaptureOptions
	is_array(options)
	count({option.CaptureMode | option := options[_]; is_string(option.CaptureMode)}) == 1
	every option in options {
		is_string(option.CaptureMode)
		option.CaptureMode != "InputAndOutput"
	}
}

endpoint_config_capture_complete_zero(name) if {
	certainly(name, "Properties.DataCaptureConfig.InitialSamplingPercentage", [0, "0"])
}

violation contains v if {
	some name in resources_of_type("AWS::SageMaker::EndpointConfig")
	has_property(name, "Properties.DataCaptureConfig.DestinationS3Uri")
	certainly(name, "Properties.DataCaptureConfig.EnableCapture", [null, true, "true"])
	message := endpoint_config_capture_complete_lack(name)
	v := finding("SAGEMAKER_ENDPOINT_CONFIG_CAPTURE_COMPLETE", name, "Properties.DataCaptureConfig", message)
}
