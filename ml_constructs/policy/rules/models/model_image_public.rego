# title = "A model's image comes from a registry of one's own"
# severity = "error"
# profile = "production"
# intent = """
# An image of a public registry is whatever its publisher put there today, and gone if the publisher, the registry's rate
# limit or the way to the internet is. New instances then do not start, when scaling or a replacement needs them.
# """
# fix = "Copy the image to Amazon ECR, or pull it through a cache of Amazon ECR, and name that."
# sources = [
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-containers-inference-private.html",
#     "https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache.html",
# ]
# controls = ["NIST.800-53.r5 SR-3"]
# fails = """
# Resources:
#   Model:
#     Type: AWS::SageMaker::Model
#     Properties:
#       ExecutionRoleArn: arn:aws:iam::111122223333:role/model
#       PrimaryContainer:
#         Image: docker.io/example/churn:1
# """
# passes = """
# Resources:
#   Model:
#     Type: AWS::SageMaker::Model
#     Properties:
#       ExecutionRoleArn: arn:aws:iam::111122223333:role/model
#       PrimaryContainer:
#         Image: 111122223333.dkr.ecr.eu-west-1.amazonaws.com/churn:1
# """
# ---
package ml_constructs

import rego.v1

model_image_public_registries := {
	"docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com",
	"gcr.io", "ghcr.io", "mcr.microsoft.com", "nvcr.io", "public.ecr.aws", "quay.io", "registry.k8s.io",
}

model_image_public_public(image) if split(image, "/")[0] in model_image_public_registries

# Without a host's name an image is one of Docker Hub.
model_image_public_public(image) if {
	not startswith(image, "arn:")
	parts := split(image, "/")
	not model_image_public_host(parts)
}

model_image_public_host(parts) if {
	count(parts) > 1
	regex.match("[.:]|^localhost$", parts[0])
}

violation contains v if {
	some name in resources_of_type("AWS::SageMaker::Model")
	some [path, container] in model_containers(name)
	is_string(container.Image)
	model_image_public_public(container.Image)
	v := finding(
		"SAGEMAKER_MODEL_IMAGE_PUBLIC", name, concat(".", [path, "Image"]),
		sprintf("The image %s comes from a public registry", [container.Image]),
	)
}
