# title = "A model's containers have no network"
# severity = "error"
# profile = "regulated"
# intent = """
# With isolation SageMaker moves requests, answers and artefacts in and out, and the containers reach nothing and get no
# credentials, so that code in them cannot leak what they see.
# """
# fix = "Set EnableNetworkIsolation, and let the image bring what it would otherwise download."
# sources = [
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/mkt-algo-model-internet-free.html",
#     "https://docs.aws.amazon.com/securityhub/latest/userguide/sagemaker-controls.html",
# ]
# controls = ["SecurityHub SageMaker.5", "NIST.800-53.r5 SC-7"]
# fails = """
# Resources:
#   Model:
#     Type: AWS::SageMaker::Model
#     Properties:
#       ExecutionRoleArn: arn:aws:iam::111122223333:role/model
#       PrimaryContainer: {Image: '111122223333.dkr.ecr.eu-west-1.amazonaws.com/churn:1'}
#       VpcConfig: {Subnets: [subnet-1, subnet-2], SecurityGroupIds: [sg-1]}
# """
# passes = """
# Resources:
#   Model:
#     Type: AWS::SageMaker::Model
#     Properties:
#       ExecutionRoleArn: arn:aws:iam::111122223333:role/model
#       PrimaryContainer: {Image: '111122223333.dkr.ecr.eu-west-1.amazonaws.com/churn:1'}
#       EnableNetworkIsolation: true
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some name in resources_of_type("AWS::SageMaker::Model")
	certainly(name, "Properties.EnableNetworkIsolation", [null, false, "false"])
	not networked_elsewhere(name)
	v := finding("SAGEMAKER_MODEL_NETWORK_ISOLATION", name, "Properties.EnableNetworkIsolation", "The containers have a network")
}
