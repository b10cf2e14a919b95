# title = "A shadow stands behind one real-time variant that can have one"
# severity = "error"
# profile = "development"
# intent = """
# An endpoint has one shadow behind one production variant. SageMaker refuses more of either, and shadows of multi-model
# and multi-container endpoints and on Inferentia 1.
# """
# fix = "Shadow one variant by one, on supported instances, or compare the models on two endpoints."
# sources = [
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/shadow-tests-exclusions.html",
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/shadow-tests-create.html",
# ]
# fails = """
# Resources:
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       ProductionVariants:
#         - {VariantName: main, ModelName: churn, InstanceType: ml.m5.large, InitialInstanceCount: 2}
#         - {VariantName: second, ModelName: churn, InstanceType: ml.m5.large, InitialInstanceCount: 2}
#       ShadowProductionVariants:
#         - {VariantName: shadow, ModelName: churn, InstanceType: ml.m5.large, InitialInstanceCount: 2}
# """
# passes = """
# Resources:
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       ProductionVariants:
#         - {VariantName: main, ModelName: churn, InstanceType: ml.m5.large, InitialInstanceCount: 2}
#       ShadowProductionVariants:
#         - {VariantName: shadow, ModelName: churn, InstanceType: ml.m5.large, InitialInstanceCount: 2}
# """
# ---
package ml_constructs

import rego.v1

endpoint_config_shadow_messages := {
	"several shadows": "There are several shadows",
	"several variants": "Several variants have a shadow",
	"inferentia": "Inferentia 1 has no shadow, and is none",
	"containers": "Models of several containers have no shadow, and are none",
}

endpoint_config_shadow_fault(name, "several shadows") if {
	count([variant | variant := input.resources[name].properties.ShadowProductionVariants[_]; is_string(variant.VariantName)]) > 1
}

endpoint_config_shadow_fault(name, "several variants") if {
	count([variant | variant := input.resources[name].properties.ProductionVariants[_]; is_string(variant.VariantName)]) > 1
}

endpoint_config_shadow_fault(name, "inferentia") if {
	some variant in variants_and_shadows(name)
	is_string(variant.InstanceType)
	startswith(variant.InstanceType, "ml.inf1.")
}

endpoint_config_shadow_fault(name, "containers") if {
	some variant in variants_and_shadows(name)
	some model in resources_of_type("AWS::SageMaker::Model")
	means(variant.ModelName, model)
	endpoint_config_shadow_several(input.resources[model].properties)
}

endpoint_config_shadow_several(model) if count([container | container := model.Containers[_]; container.Image]) > 1

endpoint_config_shadow_several(model) if model.PrimaryContainer.Mode == "MultiModel"

violation contains v if {
	some name in resources_of_type("AWS::SageMaker::EndpointConfig")
	shadows := input.resources[name].properties.ShadowProductionVariants
	is_array(shadows)
	shadow := shadows[_]
	is_string(shadow.VariantName)
	some fault, message in endpoint_config_shadow_messages
	endpoint_config_shadow_fault(name, fault)
	v := finding("SAGEMAKER_ENDPOINT_CONFIG_SHADOW", name, "Properties.ShadowProductionVariants", message)
}
