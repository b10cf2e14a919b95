# title = "A model's role is assumed by SageMaker alone"
# severity = "warning"
# profile = "regulated"
# intent = """
# A role that also runs functions or machines has the sum of all their permissions in the container, and its use in
# the trail does not say who used it.
# """
# fix = "Make one role a service, each with the permissions that it needs."
# sources = ["https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html"]
# controls = ["NIST.800-53.r5 AC-5", "NIST.800-53.r5 AC-6"]
# fails = """
# Resources:
#   Role:
#     Type: AWS::IAM::Role
#     Properties:
#       AssumeRolePolicyDocument:
#         Version: "2012-10-17"
#         Statement:
#           - Effect: Allow
#             Principal: {Service: [sagemaker.amazonaws.com, lambda.amazonaws.com]}
#             Action: sts:AssumeRole
#             Condition: {StringEquals: {"aws:SourceAccount": "111122223333"}}
#   Model:
#     Type: AWS::SageMaker::Model
#     Properties:
#       ExecutionRoleArn: {"Fn::GetAtt": [Role, Arn]}
#       PrimaryContainer: {Image: "111122223333.dkr.ecr.eu-west-1.amazonaws.com/churn:1", ModelDataUrl: "s3://models/churn/model.tar.gz"}
# """
# passes = """
# Resources:
#   Role:
#     Type: AWS::IAM::Role
#     Properties:
#       AssumeRolePolicyDocument:
#         Version: "2012-10-17"
#         Statement:
#           - Effect: Allow
#             Principal: {Service: sagemaker.amazonaws.com}
#             Action: sts:AssumeRole
#             Condition: {StringEquals: {"aws:SourceAccount": "111122223333"}}
#   Model:
#     Type: AWS::SageMaker::Model
#     Properties:
#       ExecutionRoleArn: {"Fn::GetAtt": [Role, Arn]}
#       PrimaryContainer: {Image: "111122223333.dkr.ecr.eu-west-1.amazonaws.com/churn:1", ModelDataUrl: "s3://models/churn/model.tar.gz"}
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some model in resources_of_type("AWS::SageMaker::Model")
	role := follow_ref(model, "Properties.ExecutionRoleArn")
	some trust in trusting
	trust.role == role
	not startswith(trust.service, "sagemaker.amazonaws.com")
	v := finding(
		"SAGEMAKER_ROLE_SERVICES", role, sprintf("Properties.AssumeRolePolicyDocument.Statement.%d", [trust.index]),
		sprintf("%s, too, may assume the role of %s", [trust.service, model]),
	)
}
