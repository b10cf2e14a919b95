# title = "A customer's key encrypts the logs of SageMaker and what surrounds it"
# severity = "error"
# profile = "regulated"
# intent = """
# Containers and functions log what they fail on, and with it what customers sent. Only with a key of yours can
# reading that be limited by a key policy and withdrawn.
# """
# fix = "Set KmsKeyId to the ARN of a key of yours that CloudWatch Logs may use."
# sources = ["https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html"]
# controls = ["NIST.800-53.r5 AU-9", "NIST.800-53.r5 SC-28"]
# fails = """
# Resources:
#   Logs:
#     Type: AWS::Logs::LogGroup
#     Properties:
#       LogGroupName: /aws/sagemaker/Endpoints/churn
#   Endpoint:
#     Type: AWS::SageMaker::Endpoint
#     Properties: {EndpointConfigName: config, EndpointName: churn}
# """
# passes = """
# Resources:
#   Logs:
#     Type: AWS::Logs::LogGroup
#     Properties:
#       LogGroupName: /aws/sagemaker/Endpoints/churn
#       KmsKeyId: "arn:aws:kms:us-east-1:111122223333:key/01234567-89ab-cdef-0123-456789abcdef"
#   Endpoint:
#     Type: AWS::SageMaker::Endpoint
#     Properties: {EndpointConfigName: config, EndpointName: churn}
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some name in sagemaker_logs
	absent(name, "Properties.KmsKeyId")
	v := finding("SAGEMAKER_LOG_GROUP_KEY", name, "Properties.KmsKeyId", "Logs have no key of yours")
}
