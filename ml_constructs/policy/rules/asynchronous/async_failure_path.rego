# title = "An asynchronous endpoint keeps what failed"
# severity = "warning"
# profile = "production"
# intent = """
# Without a path for failures the reason that a container gave is lost, and the failed request cannot be told from one
# that is still in the queue.
# """
# fix = "Set AsyncInferenceConfig.OutputConfig.S3FailurePath."
# sources = ["https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AsyncInferenceOutputConfig.html"]
# fails = """
# Resources:
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       ProductionVariants:
#         - {VariantName: main, ModelName: model, InstanceType: ml.m5.large, InitialInstanceCount: 2}
#       AsyncInferenceConfig:
#         OutputConfig:
#           S3OutputPath: s3://answers/out
# """
# passes = """
# Resources:
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       ProductionVariants:
#         - {VariantName: main, ModelName: model, InstanceType: ml.m5.large, InitialInstanceCount: 2}
#       AsyncInferenceConfig:
#         OutputConfig:
#           S3OutputPath: s3://answers/out
#           S3FailurePath: s3://answers/failures
# """
# ---
package ml_constructs

import rego.v1

# Asynchronous endpoints whatever the conditions are.
async_failure_path_asynchronous contains config if {
	some config in resources_of_type("AWS::SageMaker::EndpointConfig")
	input.resources[config].properties.AsyncInferenceConfig.OutputConfig
}

violation contains v if {
	some config in async_failure_path_asynchronous
	path := "Properties.AsyncInferenceConfig.OutputConfig.S3FailurePath"
	absent(config, path)
	v := finding("SAGEMAKER_ASYNC_FAILURE_PATH", config, path, "What the container says of a failed request is lost")
}
