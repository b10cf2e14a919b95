# title = "The images of models are scanned"
# severity = "warning"
# profile = "production"
# intent = """
# An image carries the vulnerabilities of its operating system and its Python packages into the account. Without a scan
# nobody is told of those it has.
# """
# fix = "Set ImageScanningConfiguration.ScanOnPush of the repository, or scan the whole registry."
# sources = [
#     "https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning.html",
#     "https://docs.aws.amazon.com/securityhub/latest/userguide/ecr-controls.html",
# ]
# controls = ["SecurityHub ECR.1", "NIST.800-53.r5 RA-5"]
# fails = """
# Resources:
#   Model:
#     Type: AWS::SageMaker::Model
#     Properties:
#       ExecutionRoleArn: arn:aws:iam::111122223333:role/model
#       PrimaryContainer:
#         Image: {"Fn::Sub": "${Repository.RepositoryUri}:2026-11-01"}
#   Repository:
#     Type: AWS::ECR::Repository
#     Properties: {ImageTagMutability: IMMUTABLE}
# """
# passes = """
# Resources:
#   Model:
#     Type: AWS::SageMaker::Model
#     Properties:
#       ExecutionRoleArn: arn:aws:iam::111122223333:role/model
#       PrimaryContainer:
#         Image: {"Fn::Sub": "${Repository.RepositoryUri}:2026-11-01"}
#   Repository:
#     Type: AWS::ECR::Repository
#     Properties: {ImageTagMutability: IMMUTABLE, ImageScanningConfiguration: {ScanOnPush: true}}
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	not exists("AWS::ECR::RegistryScanningConfiguration")
	some name in resources_of_type("AWS::SageMaker::Model")
	some repository in image_repositories(name)
	certainly(repository, "Properties.ImageScanningConfiguration.ScanOnPush", [null, false, "false"])
	v := finding(
		"SAGEMAKER_MODEL_IMAGE_SCAN", repository, "Properties.ImageScanningConfiguration",
		sprintf("The image that %s runs is not scanned when it is pushed", [name]),
	)
}
