# title = "An endpoint configuration's name is left to CloudFormation"
# severity = "warning"
# profile = "development"
# intent = """
# Every change of a configuration replaces it, and CloudFormation creates the new one before it deletes the old one: with a
# fixed name the update fails, and with it every deployment of a model.
# """
# fix = "Leave EndpointConfigName out, or let it depend on what the configuration holds."
# sources = [
#     "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sagemaker-endpointconfig.html",
#     "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html",
# ]
# fails = """
# Resources:
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       EndpointConfigName: churn
#       ProductionVariants:
#         - {VariantName: main, ModelName: churn, InstanceType: ml.m5.large, InitialInstanceCount: 2}
# """
# passes = """
# Resources:
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       ProductionVariants:
#         - {VariantName: main, ModelName: churn, InstanceType: ml.m5.large, InitialInstanceCount: 2}
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some name in resources_of_type("AWS::SageMaker::EndpointConfig")
	is_string(input.resources[name].properties.EndpointConfigName)
	not of_a_parameter(name, "Properties.EndpointConfigName")
	v := finding("SAGEMAKER_ENDPOINT_CONFIG_FIXED_NAME", name, "Properties.EndpointConfigName", "The first change of the configuration will fail, as its name is taken")
}
