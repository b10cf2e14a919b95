# title = "The disks of an endpoint are encrypted with a key of the customer's"
# severity = "error"
# profile = "regulated"
# intent = """
# Models, and requests while they are answered, lie on the disks of the instances. Who can use the key of AWS that encrypts
# them otherwise is neither limited nor recorded by you.
# """
# fix = "Set KmsKeyId to a key of your own that the execution roles may use."
# sources = [
#     "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpointConfig.html",
#     "https://docs.aws.amazon.com/config/latest/developerguide/sagemaker-endpoint-configuration-kms-key-configured.html",
# ]
# controls = ["NIST.800-53.r5 SC-28"]
# fails = """
# Resources:
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       ProductionVariants:
#         - {VariantName: main, ModelName: churn, InstanceType: ml.m5.large, InitialInstanceCount: 2}
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

# A key is refused for local disks, which AWS encrypts, so that a key is asked for only where all types are known.
endpoint_config_key_takes(variant) if variant.ServerlessConfig

endpoint_config_key_takes(variant) if {
	is_string(variant.InstanceType)
	not regex.match(with_local_disks, variant.InstanceType)
}

violation contains v if {
	some name in resources_of_type("AWS::SageMaker::EndpointConfig")
	absent(name, "Properties.KmsKeyId")
	variants := variants_and_shadows(name)
	count(variants) > 0
	every variant in variants {
		endpoint_config_key_takes(variant)
	}
	v := finding("SAGEMAKER_ENDPOINT_CONFIG_KEY", name, "Properties.KmsKeyId", "The disks are not encrypted with a key of the customer's")
}
