# title = "A notebook instance runs on a supported platform"
# severity = "warning"
# profile = "development"
# intent = """
# AWS ended the support of the platforms on Amazon Linux 1 and 2: no security patches, JupyterLab versions that are no
# longer maintained, and an upgrade at a time that AWS chooses.
# """
# fix = "Set PlatformIdentifier to notebook-al2023-v1 or later, or leave it out."
# sources = [
#   "https://docs.aws.amazon.com/sagemaker/latest/dg/nbi-al2.html",
#   "https://docs.aws.amazon.com/securityhub/latest/userguide/sagemaker-controls.html",
# ]
# controls = ["SecurityHub SageMaker.8", "NIST.800-53.r5 SI-2"]
# fails = """
# Resources:
#   Notebook:
#     Type: AWS::SageMaker::NotebookInstance
#     Properties:
#       InstanceType: ml.t3.medium
#       RoleArn: arn:aws:iam::111122223333:role/notebook
#       PlatformIdentifier: notebook-al2-v2
# """
# passes = """
# Resources:
#   Notebook:
#     Type: AWS::SageMaker::NotebookInstance
#     Properties:
#       InstanceType: ml.t3.medium
#       RoleArn: arn:aws:iam::111122223333:role/notebook
#       PlatformIdentifier: notebook-al2023-v1
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some name in resources_of_type("AWS::SageMaker::NotebookInstance")
	every platform in decided(name, "Properties.PlatformIdentifier") {
		regex.match(`^notebook-al[12]-`, platform)
	}
	v := finding(
		"SAGEMAKER_NOTEBOOK_PLATFORM", name, "Properties.PlatformIdentifier",
		"The platform of the notebook instance is no longer supported",
	)
}
