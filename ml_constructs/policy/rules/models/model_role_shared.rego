# title = "Each model has an execution role of its own"
# severity = "warning"
# profile = "production"
# intent = """
# Models that share a role can read each other's artefacts and write each other's captured data, and what one of them
# needs in addition all of them get.
# """
# fix = "Give each model a role that may read its own artefacts and images alone."
# sources = [
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html",
#     "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html",
# ]
# controls = ["NIST.800-53.r5 AC-6"]
# fails = """
# Resources:
#   First:
#     Type: AWS::SageMaker::Model
#     Properties:
#       ExecutionRoleArn: arn:aws:iam::111122223333:role/models
#       PrimaryContainer: {Image: '111122223333.dkr.ecr.eu-west-1.amazonaws.com/churn:1'}
#   Second:
#     Type: AWS::SageMaker::Model
#     Properties:
#       ExecutionRoleArn: arn:aws:iam::111122223333:role/models
#       PrimaryContainer: {Image: '111122223333.dkr.ecr.eu-west-1.amazonaws.com/churn:1'}
# """
# passes = """
# Resources:
#   First:
#     Type: AWS::SageMaker::Model
#     Properties:
#       ExecutionRoleArn: arn:aws:iam::111122223333:role/first
#       PrimaryContainer: {Image: '111122223333.dkr.ecr.eu-west-1.amazonaws.com/churn:1'}
#   Second:
#     Type: AWS::SageMaker::Model
#     Properties:
#       ExecutionRoleArn: arn:aws:iam::111122223333:role/second
#       PrimaryContainer: {Image: '111122223333.dkr.ecr.eu-west-1.amazonaws.com/churn:1'}
# """
# ---
package ml_constructs

import rego.v1

model_role_shared_key(role) := role.__ref if role.__kind == "getatt:Arn"

model_role_shared_key(role) := role if is_string(role)

model_role_shared_of(name) := model_role_shared_key(input.resources[name].properties.ExecutionRoleArn) if {
	not of_a_parameter(name, "Properties.ExecutionRoleArn")
}

violation contains v if {
	some name in resources_of_type("AWS::SageMaker::Model")
	others := [other |
		some other in resources_of_type("AWS::SageMaker::Model")
		other < name
		model_role_shared_of(other) == model_role_shared_of(name)
		input.resources[other].condition == null
	]
	count(others) > 0
	v := finding(
		"SAGEMAKER_MODEL_ROLE_SHARED", name, "Properties.ExecutionRoleArn",
		sprintf("The execution role is that of %s, too", [others[0]]),
	)
}
