# title = "A model's environment holds no secrets"
# severity = "error"
# profile = "development"
# intent = """
# Everybody who may describe the model or read the template sees its environment, and so does every version of the
# template in the repository.
# """
# fix = "Let the container read the secret from AWS Secrets Manager with its role, and put the secret's name in the environment."
# sources = [
#     "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html",
#     "https://docs.aws.amazon.com/secretsmanager/latest/userguide/best-practices.html",
# ]
# controls = ["NIST.800-53.r5 IA-5(7)"]
# fails = """
# Resources:
#   Model:
#     Type: AWS::SageMaker::Model
#     Properties:
#       ExecutionRoleArn: arn:aws:iam::111122223333:role/model
#       PrimaryContainer:
#         Image: 111122223333.dkr.ecr.eu-west-1.amazonaws.com/churn:1
#         Environment:
#           DATABASE_PASSWORD: example
# """
# passes = """
# Resources:
#   Model:
#     Type: AWS::SageMaker::Model
#     Properties:
#       ExecutionRoleArn: arn:aws:iam::111122223333:role/model
#       PrimaryContainer:
#         Image: 111122223333.dkr.ecr.eu-west-1.amazonaws.com/churn:1
#         Environment:
#           DATABASE_PASSWORD_SECRET: arn:aws:secretsmanager:eu-west-1:111122223333:secret:churn
# """
# ---
package ml_constructs

import rego.v1

model_secrets_name(key) if {
	regex.match("(^|_)(PASSWORD|PASSWD|SECRET|SECRET_KEY|SECRET_ACCESS_KEY|API_?KEY|PRIVATE_KEY|ACCESS_TOKEN|AUTH_TOKEN|API_TOKEN|SESSION_TOKEN|HF_TOKEN|HUB_TOKEN)$", upper(key))
}

# Keys that say themselves what they are: of AWS, of Hugging Face, of GitHub, and in PEM.
model_secrets_value(value) if {
	regex.match("(^|[^A-Z0-9])(AKIA|ASIA)[A-Z0-9]{16}($|[^A-Z0-9])|^hf_[A-Za-z0-9]{30,}$|^gh[pousr]_[A-Za-z0-9]{30,}$|-----BEGIN [A-Z ]*PRIVATE KEY-----", value)
}

model_secrets_told(key, value) if {
	model_secrets_name(key)
	not regex.match("^$|^arn:|[{][{]resolve:|^/", value)
}

model_secrets_told(_, value) if model_secrets_value(value)

violation contains v if {
	some name in resources_of_type("AWS::SageMaker::Model")
	some [path, container] in model_containers(name)
	some key
	value := container.Environment[key]
	is_string(value)
	model_secrets_told(key, value)
	not of_a_parameter(name, concat(".", [path, "Environment", key]))
	v := finding(
		"SAGEMAKER_MODEL_SECRETS", name, concat(".", [path, "Environment", key]),
		sprintf("The environment shows the secret %s to everybody who sees the model", [key]),
	)
}
