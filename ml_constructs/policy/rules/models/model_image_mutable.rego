# title = "A tag of a model's image is never moved"
# severity = "error"
# profile = "production"
# intent = """
# Whoever may push to the repository can move the tag to another image, and every instance that starts afterwards runs
# it without a deployment: nobody reviewed it, and no alarm rolls it back.
# """
# fix = "Set ImageTagMutability of the repository to IMMUTABLE, or name the image by its digest."
# sources = [
#     "https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-tag-mutability.html",
#     "https://docs.aws.amazon.com/securityhub/latest/userguide/ecr-controls.html",
# ]
# controls = ["SecurityHub ECR.2", "NIST.800-53.r5 CM-2"]
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
#     Properties: {ImageTagMutability: MUTABLE}
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
#     Properties: {ImageTagMutability: IMMUTABLE}
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some name in resources_of_type("AWS::SageMaker::Model")
	not model_image_mutable_digest(name)
	some repository in image_repositories(name)
	certainly(repository, "Properties.ImageTagMutability", [null, "MUTABLE"])
	v := finding(
		"SAGEMAKER_MODEL_IMAGE_MUTABLE", repository, "Properties.ImageTagMutability",
		sprintf("The tag of the image that %s runs can be moved", [name]),
	)
}

model_image_mutable_digest(name) if {
	some [_, container] in model_containers(name)
	contains(json.marshal(container.Image), "@")
}
