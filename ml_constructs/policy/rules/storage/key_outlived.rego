# title = "A key outlives the data that it encrypts"
# severity = "error"
# profile = "production"
# intent = """
# A bucket or log group that is retained when its stack is deleted cannot be read any more once the key is gone, which
# that deletion schedules. AWS cannot restore a deleted key.
# """
# fix = "Set DeletionPolicy and UpdateReplacePolicy of the key to Retain."
# sources = [
#   "https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html",
#   "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html",
# ]
# controls = ["SecurityHub KMS.3", "NIST.800-53.r5 SC-12"]
# fails = """
# Resources:
#   Key:
#     Type: AWS::KMS::Key
#     Properties:
#       KeyPolicy:
#         Version: "2012-10-17"
#         Statement:
#           - {Effect: Allow, Principal: {AWS: "arn:aws:iam::111122223333:root"}, Action: "kms:*", Resource: "*"}
#   Bucket:
#     Type: AWS::S3::Bucket
#     DeletionPolicy: Retain
#     Properties:
#       BucketEncryption:
#         ServerSideEncryptionConfiguration:
#           - ServerSideEncryptionByDefault: {SSEAlgorithm: "aws:kms", KMSMasterKeyID: {"Fn::GetAtt": [Key, Arn]}}
# """
# passes = """
# Resources:
#   Key:
#     Type: AWS::KMS::Key
#     DeletionPolicy: Retain
#     UpdateReplacePolicy: Retain
#     Properties:
#       KeyPolicy:
#         Version: "2012-10-17"
#         Statement:
#           - {Effect: Allow, Principal: {AWS: "arn:aws:iam::111122223333:root"}, Action: "kms:*", Resource: "*"}
#   Bucket:
#     Type: AWS::S3::Bucket
#     DeletionPolicy: Retain
#     Properties:
#       BucketEncryption:
#         ServerSideEncryptionConfiguration:
#           - ServerSideEncryptionByDefault: {SSEAlgorithm: "aws:kms", KMSMasterKeyID: {"Fn::GetAtt": [Key, Arn]}}
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some name in resources_of_type("AWS::KMS::Key")
	input.resources[name].deletionPolicy in [null, "Delete"]
	some edge in input.resources[name].incomingRefs
	regex.match(`(?i)kms[a-z]*(id|arn|key)`, edge.sourcePath)
	kept := input.resources[edge.source]
	kept.resourceType in {"AWS::S3::Bucket", "AWS::Logs::LogGroup", "AWS::SageMaker::Domain"}
	kept.deletionPolicy in ["Retain", "RetainExceptOnCreate"]
	v := finding(
		"SAGEMAKER_KEY_OUTLIVED", name, "DeletionPolicy",
		sprintf("The key is deleted with the stack, %v, which it encrypts, is not", [edge.source]),
	)
}
