# title = "Model data is an archive, or a prefix for many models"
# severity = "error"
# profile = "development"
# intent = """
# A container of one model loads one compressed archive, and one of many models looks archives up below a prefix. The
# other way round CreateModel fails, or every request does.
# """
# fix = "End ModelDataUrl in .tar.gz for one model, in a prefix for many; ModelDataSource takes what is not compressed."
# sources = [
#     "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html",
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/create-multi-model-endpoint.html",
# ]
# fails = """
# Resources:
#   Model:
#     Type: AWS::SageMaker::Model
#     Properties:
#       ExecutionRoleArn: arn:aws:iam::111122223333:role/model
#       PrimaryContainer:
#         Image: 111122223333.dkr.ecr.eu-west-1.amazonaws.com/churn:1
#         ModelDataUrl: s3://amzn-s3-demo-bucket/churn/
# """
# passes = """
# Resources:
#   Model:
#     Type: AWS::SageMaker::Model
#     Properties:
#       ExecutionRoleArn: arn:aws:iam::111122223333:role/model
#       PrimaryContainer:
#         Image: 111122223333.dkr.ecr.eu-west-1.amazonaws.com/churn:1
#         ModelDataUrl: s3://amzn-s3-demo-bucket/churn/model.tar.gz
# """
# ---
package ml_constructs

import rego.v1

model_data_mode_wrong(container) := "One model is one archive, not a prefix" if {
	not container.Mode
	endswith(text_of(container.ModelDataUrl), "/")
}

model_data_mode_wrong(container) := "One model is one archive, not a prefix" if {
	container.Mode == "SingleModel"
	endswith(text_of(container.ModelDataUrl), "/")
}

model_data_mode_wrong(container) := "Many models lie below a prefix, not in one archive" if {
	container.Mode == "MultiModel"
	endswith(text_of(container.ModelDataUrl), ".tar.gz")
}

violation contains v if {
	some name in resources_of_type("AWS::SageMaker::Model")
	some [path, container] in model_containers(name)
	message := model_data_mode_wrong(container)
	v := finding("SAGEMAKER_MODEL_DATA_MODE", name, concat(".", [path, "ModelDataUrl"]), message)
}
