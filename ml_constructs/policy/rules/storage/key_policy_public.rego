# title = "A key is not open to all AWS accounts"
# severity = "error"
# profile = "development"
# intent = """
# A statement that lets every principal use a key, without a condition, lets everybody on AWS decrypt models and
# captures whose ciphertext they hold, or schedule the deletion of the key.
# """
# fix = "Name the account or the roles as Principal, or add a condition such as kms:CallerAccount."
# sources = [
#   "https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-overview.html",
#   "https://docs.aws.amazon.com/securityhub/latest/userguide/kms-controls.html",
# ]
# controls = ["SecurityHub KMS.5", "NIST.800-53.r5 AC-3"]
# fails = """
# Resources:
#   Key:
#     Type: AWS::KMS::Key
#     Properties:
#       KeyPolicy:
#         Version: "2012-10-17"
#         Statement:
#           - Effect: Allow
#             Principal: "*"
#             Action: "kms:*"
#             Resource: "*"
#   Logs:
#     Type: AWS::Logs::LogGroup
#     Properties: {LogGroupName: /aws/sagemaker/Endpoints/churn, RetentionInDays: 365, KmsKeyId: {"Fn::GetAtt": [Key, Arn]}}
# """
# passes = """
# Resources:
#   Key:
#     Type: AWS::KMS::Key
#     Properties:
#       KeyPolicy:
#         Version: "2012-10-17"
#         Statement:
#           - Effect: Allow
#             Principal: {AWS: "arn:aws:iam::111122223333:root"}
#             Action: "kms:*"
#             Resource: "*"
#   Logs:
#     Type: AWS::Logs::LogGroup
#     Properties: {LogGroupName: /aws/sagemaker/Endpoints/churn, RetentionInDays: 365, KmsKeyId: {"Fn::GetAtt": [Key, Arn]}}
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some name in resources_of_type("AWS::KMS::Key")
	some user in encrypted_with(name)
	serves_sagemaker(user)
	some index, statement in listed(input.resources[name].properties.KeyPolicy.Statement)
	statement.Effect == "Allow"
	"*" in principals_of(statement)
	unconditional(statement)
	v := finding(
		"SAGEMAKER_KEY_POLICY_PUBLIC", name, sprintf("Properties.KeyPolicy.Statement.%v", [index]),
		"The key policy lets every AWS account use the key",
	)
}
