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

# All variants of a configuration that are written in the template; none if a condition decides about one.
endpoint_config_key_local_storage_variants(name) := array.concat(
	object.get(input.resources[name].properties, "ProductionVariants", []),
	object.get(input.resources[name].properties, "ShadowProductionVariants", []),
)

# The families with local disks, as ml_constructs/_instance_types.py has them.
endpoint_config_key_local_storage_local := `^ml\.([a-z0-9-]*d[a-z0-9-]*|(g5|g6|g7e|p5|p6|trn1|trn2)[a-z0-9-]*)\.`

violation contains v if {
	some name in resources_of_type("AWS::SageMaker::EndpointConfig")
	key := input.resources[name].properties.KmsKeyId
	not key.__conditional
	some variant in endpoint_config_key_local_storage_variants(name)
	is_string(variant.InstanceType)
	regex.match(endpoint_config_key_local_storage_local, variant.InstanceType)
	v := finding(
		"SAGEMAKER_ENDPOINT_CONFIG_KEY_LOCAL_STORAGE", name, "Properties.KmsKeyId",
		sprintf("No key can be given for %s, whose disks are local", [variant.InstanceType]),
	)
}
