# title = "A lifecycle script holds no credentials"
# severity = "error"
# profile = "development"
# intent = """
# Who may describe a lifecycle configuration reads its script, and so does everybody who reads the template. A key in
# it cannot be rotated without a deployment.
# """
# fix = "Give the execution role what the script needs, or read the value from AWS Secrets Manager when the script runs."
# sources = ["https://docs.aws.amazon.com/sagemaker/latest/dg/notebook-lifecycle-config.html"]
# controls = ["NIST.800-53.r5 IA-5"]
# fails = """
# Resources:
#   Setup:
#     Type: AWS::SageMaker::NotebookInstanceLifecycleConfig
#     Properties:
#       OnStart:
#         - Content: {"Fn::Base64": "export AWS_SECRET_ACCESS_KEY=0123456789"}
# """
# passes = """
# Resources:
#   Setup:
#     Type: AWS::SageMaker::NotebookInstanceLifecycleConfig
#     Properties:
#       OnStart:
#         - Content: {"Fn::Base64": "aws secretsmanager get-secret-value --secret-id token"}
# """
# ---
package ml_constructs

import rego.v1

# What assigns a credential, in Base64 at each of its three alignments: scripts are Base64 in a template.
lifecycle_script_secrets_marks := [
	"QVdTX1NFQ1JFVF9BQ0NFU1NfS0VZP", # AWS_SECRET_ACCESS_KEY=
	"FXU19TRUNSRVRfQUNDRVNTX0tFWT",
	"BV1NfU0VDUkVUX0FDQ0VTU19LRVk9",
	"YXdzX3NlY3JldF9hY2Nlc3Nfa2V5", # aws_secret_access_key
	"F3c19zZWNyZXRfYWNjZXNzX2tleQ",
	"hd3Nfc2VjcmV0X2FjY2Vzc19rZX",
]

lifecycle_script_secrets_scripts(name) := array.concat(
	[script | some script in decided(name, "Properties.StudioLifecycleConfigContent")],
	[hook.Content |
		some moment in ["OnCreate", "OnStart"]
		hook := input.resources[name].properties[moment][_]
	],
)

violation contains v if {
	some type in ["AWS::SageMaker::NotebookInstanceLifecycleConfig", "AWS::SageMaker::StudioLifecycleConfig"]
	some name in resources_of_type(type)
	some script in lifecycle_script_secrets_scripts(name)
	some mark in lifecycle_script_secrets_marks
	contains(script, mark)
	v := finding(
		"SAGEMAKER_LIFECYCLE_SCRIPT_SECRETS", name, "Properties",
		"The lifecycle script assigns a secret access key",
	)
}
