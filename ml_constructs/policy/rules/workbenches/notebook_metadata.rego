# title = "A notebook instance demands version 2 of the instance metadata service"
# severity = "error"
# profile = "production"
# intent = """
# Version 1 hands the credentials of the execution role to any request, also one that a server-side request forgery in
# a notebook extension or a proxied page sends. It is allowed unless version 2 is demanded.
# """
# fix = "Set InstanceMetadataServiceConfiguration.MinimumInstanceMetadataServiceVersion to \"2\"."
# sources = ["https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_InstanceMetadataServiceConfiguration.html"]
# controls = ["NIST.800-53.r5 AC-6"]
# fails = """
# Resources:
#   Notebook:
#     Type: AWS::SageMaker::NotebookInstance
#     Properties:
#       InstanceType: ml.t3.medium
#       RoleArn: arn:aws:iam::111122223333:role/notebook
# """
# passes = """
# Resources:
#   Notebook:
#     Type: AWS::SageMaker::NotebookInstance
#     Properties:
#       InstanceType: ml.t3.medium
#       RoleArn: arn:aws:iam::111122223333:role/notebook
#       InstanceMetadataServiceConfiguration: {MinimumInstanceMetadataServiceVersion: "2"}
# """
# ---
package ml_constructs

import rego.v1

notebook_metadata_version := "Properties.InstanceMetadataServiceConfiguration.MinimumInstanceMetadataServiceVersion"

violation contains v if {
	some name in resources_of_type("AWS::SageMaker::NotebookInstance")
	certainly(name, notebook_metadata_version, [null, "1", 1])
	v := finding(
		"SAGEMAKER_NOTEBOOK_METADATA", name, notebook_metadata_version,
		"The notebook instance answers version 1 of the metadata service",
	)
}
