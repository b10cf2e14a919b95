# title = "An execution role pulls images and pushes none"
# severity = "error"
# profile = "production"
# intent = """
# A container that may write to the registry it came from can replace the images of every model that pulls from it:
# what runs next is no longer what was reviewed.
# """
# fix = "Allow ecr:BatchGetImage, ecr:GetDownloadUrlForLayer and ecr:BatchCheckLayerAvailability on the image's repository, and ecr:GetAuthorizationToken."
# sources = ["https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html"]
# controls = ["NIST.800-53.r5 AC-6", "NIST.800-53.r5 SI-7"]
# fails = """
# Resources:
#   Role:
#     Type: AWS::IAM::Role
#     Properties:
#       AssumeRolePolicyDocument:
#         Version: "2012-10-17"
#         Statement: [{Effect: Allow, Principal: {Service: sagemaker.amazonaws.com}, Action: "sts:AssumeRole"}]
#       Policies:
#         - PolicyName: images
#           PolicyDocument:
#             Version: "2012-10-17"
#             Statement: [{Effect: Allow, Action: "ecr:*", Resource: "arn:aws:ecr:eu-west-1:111122223333:repository/churn"}]
#   Model:
#     Type: AWS::SageMaker::Model
#     Properties:
#       ExecutionRoleArn: {"Fn::GetAtt": [Role, Arn]}
#       PrimaryContainer: {Image: "111122223333.dkr.ecr.eu-west-1.amazonaws.com/churn:1"}
# """
# passes = """
# Resources:
#   Role:
#     Type: AWS::IAM::Role
#     Properties:
#       AssumeRolePolicyDocument:
#         Version: "2012-10-17"
#         Statement: [{Effect: Allow, Principal: {Service: sagemaker.amazonaws.com}, Action: "sts:AssumeRole"}]
#       Policies:
#         - PolicyName: images
#           PolicyDocument:
#             Version: "2012-10-17"
#             Statement:
#               - Effect: Allow
#                 Action: ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability"]
#                 Resource: arn:aws:ecr:eu-west-1:111122223333:repository/churn
#               - {Effect: Allow, Action: "ecr:GetAuthorizationToken", Resource: "*"}
#   Model:
#     Type: AWS::SageMaker::Model
#     Properties:
#       ExecutionRoleArn: {"Fn::GetAtt": [Role, Arn]}
#       PrimaryContainer: {Image: "111122223333.dkr.ecr.eu-west-1.amazonaws.com/churn:1"}
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some model in resources_of_type("AWS::SageMaker::Model")
	role := follow_ref(model, "Properties.ExecutionRoleArn")
	attached := policies_of(role)
	some allowance in allowances
	allowance.name in attached
	some action in texts(allowance.statement.Action)
	startswith(lower(action), "ecr:")
	some write in ["ecr:PutImage", "ecr:CompleteLayerUpload", "ecr:BatchDeleteImage", "ecr:SetRepositoryPolicy"]
	covers(action, write)
	v := finding(
		"SAGEMAKER_EXECUTION_ROLE_IMAGES", allowance.name, allowance.path,
		sprintf("The role of %s may use %s", [model, action]),
	)
}
