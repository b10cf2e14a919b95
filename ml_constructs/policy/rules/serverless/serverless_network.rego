# title = "The model of a serverless variant has no network settings"
# severity = "error"
# profile = "development"
# intent = """
# Serverless inference supports neither a VPC configuration nor network isolation: SageMaker refuses the endpoint, and a
# model that needs a private network cannot be reached there.
# """
# fix = "Remove VpcConfig and EnableNetworkIsolation from the model, or serve it on instances."
# sources = ["https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html"]
# fails = """
# Resources:
#   Model:
#     Type: AWS::SageMaker::Model
#     Properties:
#       ExecutionRoleArn: arn:aws:iam::111122223333:role/model
#       PrimaryContainer: {Image: 111122223333.dkr.ecr.us-east-1.amazonaws.com/model:1}
#       VpcConfig: {Subnets: [subnet-0a1b2c3d, subnet-1a2b3c4d], SecurityGroupIds: [sg-0a1b2c3d]}
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       ProductionVariants:
#         - VariantName: main
#           ModelName: !GetAtt Model.ModelName
#           ServerlessConfig: {MaxConcurrency: 20, MemorySizeInMB: 2048}
# """
# passes = """
# Resources:
#   Model:
#     Type: AWS::SageMaker::Model
#     Properties:
#       ExecutionRoleArn: arn:aws:iam::111122223333:role/model
#       PrimaryContainer: {Image: 111122223333.dkr.ecr.us-east-1.amazonaws.com/model:1}
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       ProductionVariants:
#         - VariantName: main
#           ModelName: !GetAtt Model.ModelName
#           ServerlessConfig: {MaxConcurrency: 20, MemorySizeInMB: 2048}
# """
# ---
package ml_constructs

import rego.v1

serverless_network_set(model, "VpcConfig") if {
	input.resources[model].properties.VpcConfig.Subnets
}

serverless_network_set(model, "EnableNetworkIsolation") if {
	certainly(model, "Properties.EnableNetworkIsolation", [true, "true"])
}

violation contains v if {
	some [config, _, variant] in production_variants
	variant.ServerlessConfig.MaxConcurrency
	some model in resources_of_type("AWS::SageMaker::Model")
	means(variant.ModelName, model)
	some property in ["VpcConfig", "EnableNetworkIsolation"]
	serverless_network_set(model, property)
	v := finding(
		"SAGEMAKER_SERVERLESS_NETWORK", model, concat(".", ["Properties", property]),
		sprintf("Serverless inference excludes %s, and %s serves the model so", [property, config]),
	)
}
