# title = "A key of SageMaker data is rotated"
# severity = "error"
# profile = "regulated"
# intent = """
# Without rotation one piece of key material protects everything that was ever written. AWS keeps old material for
# reading, so that rotation breaks nothing.
# """
# fix = "Set EnableKeyRotation to true."
# sources = [
#   "https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html",
#   "https://docs.aws.amazon.com/securityhub/latest/userguide/kms-controls.html",
# ]
# controls = ["SecurityHub KMS.4", "NIST.800-53.r5 SC-12"]
# fails = """
# Resources:
#   Key:
#     Type: AWS::KMS::Key
#     Properties:
#       KeyPolicy:
#         Version: "2012-10-17"
#         Statement:
#           - {Effect: Allow, Principal: {AWS: "arn:aws:iam::111122223333:root"}, Action: "kms:*", Resource: "*"}
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       KmsKeyId: {Ref: Key}
#       ProductionVariants: [{VariantName: main, ModelName: model, InstanceType: ml.m5.large, InitialInstanceCount: 2}]
# """
# passes = """
# Resources:
#   Key:
#     Type: AWS::KMS::Key
#     Properties:
#       EnableKeyRotation: true
#       KeyPolicy:
#         Version: "2012-10-17"
#         Statement:
#           - {Effect: Allow, Principal: {AWS: "arn:aws:iam::111122223333:root"}, Action: "kms:*", Resource: "*"}
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       KmsKeyId: {Ref: Key}
#       ProductionVariants: [{VariantName: main, ModelName: model, InstanceType: ml.m5.large, InitialInstanceCount: 2}]
# """
# ---
package ml_constructs

import rego.v1

# Only symmetric keys whose material AWS made are rotated.
key_rotation_rotates(name) if {
	certainly(name, "Properties.KeySpec", [null, "SYMMETRIC_DEFAULT"])
	certainly(name, "Properties.KeyUsage", [null, "ENCRYPT_DECRYPT"])
	certainly(name, "Properties.Origin", [null, "AWS_KMS"])
}

violation contains v if {
	some name in resources_of_type("AWS::KMS::Key")
	some user in encrypted_with(name)
	serves_sagemaker(user)
	key_rotation_rotates(name)
	certainly(name, "Properties.EnableKeyRotation", [null, false, "false"])
	v := finding(
		"SAGEMAKER_KEY_ROTATION", name, "Properties.EnableKeyRotation",
		"The key of SageMaker data is never rotated",
	)
}
