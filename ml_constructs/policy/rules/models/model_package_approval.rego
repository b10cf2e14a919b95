# title = "A deployed model package is approved"
# severity = "error"
# profile = "development"
# intent = """
# A version in the registry waits for approval until somebody gives it, and SageMaker deploys none that waits or was
# rejected.
# """
# fix = "Set ModelApprovalStatus of the package to Approved in the change that its reviewer accepts."
# sources = [
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry-approve.html",
#     "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModelPackage.html",
# ]
# controls = ["NIST.800-53.r5 CM-3"]
# fails = """
# Resources:
#   Model:
#     Type: AWS::SageMaker::Model
#     Properties:
#       ExecutionRoleArn: arn:aws:iam::111122223333:role/model
#       EnableNetworkIsolation: true
#       PrimaryContainer: {ModelPackageName: {Ref: Package}}
#   Package:
#     Type: AWS::SageMaker::ModelPackage
#     Properties: {ModelPackageGroupName: churn, ModelApprovalStatus: PendingManualApproval}
# """
# passes = """
# Resources:
#   Model:
#     Type: AWS::SageMaker::Model
#     Properties:
#       ExecutionRoleArn: arn:aws:iam::111122223333:role/model
#       EnableNetworkIsolation: true
#       PrimaryContainer: {ModelPackageName: {Ref: Package}}
#   Package:
#     Type: AWS::SageMaker::ModelPackage
#     Properties: {ModelPackageGroupName: churn, ModelApprovalStatus: Approved}
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some name in resources_of_type("AWS::SageMaker::Model")
	some [path, container] in model_containers(name)
	package_id := container.ModelPackageName.__ref
	input.resources[package_id].resourceType == "AWS::SageMaker::ModelPackage"
	has_property(package_id, "Properties.ModelPackageGroupName")
	certainly(package_id, "Properties.ModelApprovalStatus", [null, "PendingManualApproval", "Rejected"])
	v := finding(
		"SAGEMAKER_MODEL_PACKAGE_APPROVAL", name, concat(".", [path, "ModelPackageName"]),
		sprintf("The model package %s is not approved", [package_id]),
	)
}
