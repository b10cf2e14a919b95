# title = "A model package group is not shared with every AWS account"
# severity = "error"
# profile = "development"
# intent = """
# A resource policy with the principal `*` and no condition lets any account read the group, and with the actions for
# it register packages that a deployment then takes for ours.
# """
# fix = "Name the accounts, or add a condition on aws:PrincipalOrgID."
# sources = [
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry-deploy-xaccount.html",
#     "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_PutModelPackageGroupPolicy.html",
# ]
# controls = ["NIST.800-53.r5 AC-3", "NIST.800-53.r5 AC-6"]
# fails = """
# Resources:
#   Group:
#     Type: AWS::SageMaker::ModelPackageGroup
#     Properties:
#       ModelPackageGroupName: churn
#       ModelPackageGroupPolicy:
#         Version: "2012-10-17"
#         Statement: [{Effect: Allow, Principal: "*", Action: "sagemaker:DescribeModelPackage", Resource: "*"}]
# """
# passes = """
# Resources:
#   Group:
#     Type: AWS::SageMaker::ModelPackageGroup
#     Properties:
#       ModelPackageGroupName: churn
#       ModelPackageGroupPolicy:
#         Version: "2012-10-17"
#         Statement: [{Effect: Allow, Principal: {AWS: "arn:aws:iam::444455556666:root"}, Action: "sagemaker:DescribeModelPackage", Resource: "*"}]
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some group in resources_of_type("AWS::SageMaker::ModelPackageGroup")
	some index, statement in listed(input.resources[group].properties.ModelPackageGroupPolicy.Statement)
	statement.Effect == "Allow"
	unconditional(statement)
	"*" in principals_of(statement)
	v := finding(
		"SAGEMAKER_REGISTRY_POLICY_PUBLIC", group, sprintf("Properties.ModelPackageGroupPolicy.Statement.%d", [index]),
		"Any AWS account may use the group",
	)
}
