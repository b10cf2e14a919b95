# title = "A role that SageMaker assumes has no AWS-managed policy of full access"
# severity = "error"
# profile = "production"
# intent = """
# AmazonSageMakerFullAccess lets a container create, change and invoke every endpoint, and read every bucket with
# "sagemaker" in its name; AWS made it for people who try things out. Whoever gets code into the container, or an
# artefact that unpickles, has it all.
# """
# fix = "Allow the model's own artefacts, images, logs and keys, by actions and ARNs, in a policy of your own."
# sources = [
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/security-iam-awsmanpol.html",
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html",
# ]
# controls = ["NIST.800-53.r5 AC-6"]
# fails = """
# Resources:
#   Role:
#     Type: AWS::IAM::Role
#     Properties:
#       AssumeRolePolicyDocument:
#         Version: "2012-10-17"
#         Statement: [{Effect: Allow, Principal: {Service: sagemaker.amazonaws.com}, Action: "sts:AssumeRole"}]
#       ManagedPolicyArns: ["arn:aws:iam::aws:policy/AmazonSageMakerFullAccess"]
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
#         - PolicyName: artefacts
#           PolicyDocument:
#             Version: "2012-10-17"
#             Statement: [{Effect: Allow, Action: "s3:GetObject", Resource: "arn:aws:s3:::models/churn/*"}]
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some role in execution_roles
	some index
	input.resources[role].properties.ManagedPolicyArns[index]
	path := sprintf("Properties.ManagedPolicyArns.%d", [index])
	arns := resolve_all(role, path)
	count(arns) > 0
	every arn in arns {
		regex.match(`^arn:[a-z-]+:iam::aws:policy/(.*FullAccess|AdministratorAccess|PowerUserAccess)$`, arn)
	}
	v := finding(
		"SAGEMAKER_ROLE_MANAGED_POLICIES", role, path,
		sprintf("The role has all that %s allows", [split(arns[0], "/")[1]]),
	)
}
