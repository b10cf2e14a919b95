# title = "No volume key is given for instances with local disks"
# severity = "error"
# profile = "development"
# intent = """
# Local disks are encrypted by the instance itself, with a key that ends with it. CreateEndpointConfig refuses a key for
# such a type, so the deployment fails.
# """
# fix = "Leave KmsKeyId out, or choose instance types without local disks."
# sources = [
#     "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpointConfig.html",
#     "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-store-volumes.html",
# ]
# fails = """
# Resources:
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       KmsKeyId: arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab
#       ProductionVariants:
#         - {VariantName: main, ModelName: churn, InstanceType: ml.g5.xlarge, InitialInstanceCount: 2}
# """
# passes = """
# Resources:
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       KmsKeyId: arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab
#       ProductionVariants:
#         - {VariantName: main, ModelName: churn, InstanceType: ml.m5.large, InitialInstanceCount: 2}
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some name in resources_of_type("AWS::SageMaker::EndpointConfig")
	key := input.resources[name].properties.KmsKeyId
	not key.__conditional
	some variant in variants_and_shadows(name)
	is_string(variant.InstanceType)
	regex.match(with_local_disks, variant.InstanceType)
	v := finding(
		"SAGEMAKER_ENDPOINT_CONFIG_KEY_LOCAL_STORAGE", name, "Properties.KmsKeyId",
		sprintf("No key can be given for %s, whose disks are local", [variant.InstanceType]),
	)
}
