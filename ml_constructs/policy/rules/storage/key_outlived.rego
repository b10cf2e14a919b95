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
#   Model:
#     Type: AWS::SageMaker::Model
#     Properties:
#       ExecutionRoleArn: arn:aws:iam::111122223333:role/churn
#       PrimaryContainer:
#         Image: 111122223333.dkr.ecr.eu-west-1.amazonaws.com/churn:1
#         ModelDataUrl: {"Fn::Sub": "s3://${Bucket}/churn.tar.gz"}
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
#   Model:
#     Type: AWS::SageMaker::Model
#     Properties:
#       ExecutionRoleArn: arn:aws:iam::111122223333:role/churn
#       PrimaryContainer:
#         Image: 111122223333.dkr.ecr.eu-west-1.amazonaws.com/churn:1
#         ModelDataUrl: {"Fn::Sub": "s3://${Bucket}/churn.tar.gz"}
# """
# ---
package ml_constructs

import rego.v1

key_outlived_ours(name) if serves_sagemaker(name)

# Models and captures often have a stack of their own, which tells others where they are.
key_outlived_ours(name) if {
	edge := input.resources[name].incomingRefs[_]
	startswith(edge.source, "__output__")
}

violation contains v if {
	some name in resources_of_type("AWS::KMS::Key")
	input.resources[name].deletionPolicy in [null, "Delete"]
	some kept in encrypted_with(name)
	key_outlived_ours(kept)
	input.resources[kept].resourceType in {"AWS::S3::Bucket", "AWS::Logs::LogGroup", "AWS::SageMaker::Domain"}
	input.resources[kept].deletionPolicy in ["Retain", "RetainExceptOnCreate"]
	v := finding(
		"SAGEMAKER_KEY_OUTLIVED", name, "DeletionPolicy",
		sprintf("The key is deleted with the stack, %v, which it encrypts, is not", [kept]),
	)
}
