# title = "A model's name is left to CloudFormation"
# severity = "warning"
# profile = "development"
# intent = """
# Every change of a model replaces it, and CloudFormation creates the new one before it deletes the old one: with a fixed
# name the update fails, for there is such a model already.
# """
# fix = "Leave ModelName out, or let it depend on what the model holds."
# sources = [
#     "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sagemaker-model.html",
#     "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html",
# ]
# fails = """
# Resources:
#   Model:
#     Type: AWS::SageMaker::Model
#     Properties:
#       ExecutionRoleArn: arn:aws:iam::111122223333:role/model
#       PrimaryContainer: {Image: '111122223333.dkr.ecr.eu-west-1.amazonaws.com/churn:1'}
#       ModelName: churn
# """
# passes = """
# Resources:
#   Model:
#     Type: AWS::SageMaker::Model
#     Properties:
#       ExecutionRoleArn: arn:aws:iam::111122223333:role/model
#       PrimaryContainer: {Image: '111122223333.dkr.ecr.eu-west-1.amazonaws.com/churn:1'}
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some name in resources_of_type("AWS::SageMaker::Model")
	is_string(input.resources[name].properties.ModelName)
	not of_a_parameter(name, "Properties.ModelName")
	v := finding("SAGEMAKER_MODEL_FIXED_NAME", name, "Properties.ModelName", "The first change of the model will fail, as its name is taken")
}
