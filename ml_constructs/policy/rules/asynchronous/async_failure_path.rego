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

violation contains v if {
	some config in asynchronous_configs
	path := "Properties.AsyncInferenceConfig.OutputConfig.S3FailurePath"
	absent(config, path)
	v := finding("SAGEMAKER_ASYNC_FAILURE_PATH", config, path, "What the container says of a failed request is lost")
}
