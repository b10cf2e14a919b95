# title = "A model runs an image that its template names"
# severity = "error"
# profile = "development"
# intent = """
# The tag latest, which is also meant where there is none, names another image after each push. Instances that scaling
# adds then run other code than their neighbours, and a rollback does not restore what ran before.
# """
# fix = "Name the image by its digest, or by a tag that is never moved."
# sources = [
#     "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html",
#     "https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-tag-mutability.html",
# ]
# controls = ["NIST.800-53.r5 CM-2"]
# fails = """
# Resources:
#   Model:
#     Type: AWS::SageMaker::Model
#     Properties:
#       ExecutionRoleArn: arn:aws:iam::111122223333:role/model
#       PrimaryContainer:
#         Image: 111122223333.dkr.ecr.eu-west-1.amazonaws.com/churn:latest
# """
# passes = """
# Resources:
#   Model:
#     Type: AWS::SageMaker::Model
#     Properties:
#       ExecutionRoleArn: arn:aws:iam::111122223333:role/model
#       PrimaryContainer:
#         Image: 111122223333.dkr.ecr.eu-west-1.amazonaws.com/churn:2026-11-01
# """
# ---
package ml_constructs

import rego.v1

model_image_tag_moves(image) if endswith(text_of(image), ":latest")

# Without a tag; the name is written in the template.
model_image_tag_moves(image) if {
	is_string(image)
	not startswith(image, "arn:")
	parts := split(image, "/")
	not regex.match("[:@]", parts[count(parts) - 1])
}

model_image_tag_moves(image) if image.__kind == "getatt:RepositoryUri"

violation contains v if {
	some name in resources_of_type("AWS::SageMaker::Model")
	some [path, container] in model_containers(name)
	model_image_tag_moves(container.Image)
	v := finding("SAGEMAKER_MODEL_IMAGE_TAG", name, concat(".", [path, "Image"]), "The image has no tag, or the tag latest")
}
