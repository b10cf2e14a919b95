# title = "A scalable target has the dimension of what it scales"
# severity = "error"
# profile = "development"
# intent = """
# Instances of a variant, provisioned concurrency of a serverless variant and copies of an inference component scale by
# different dimensions. Application Auto Scaling refuses any other combination.
# """
# fix = "Choose the ScalableDimension that belongs to ResourceId and to the kind of the variant."
# sources = [
#     "https://docs.aws.amazon.com/autoscaling/application/userguide/services-that-can-integrate-sagemaker.html",
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints-autoscale.html",
# ]
# fails = """
# Resources:
#   Target:
#     Type: AWS::ApplicationAutoScaling::ScalableTarget
#     Properties:
#       ServiceNamespace: sagemaker
#       ScalableDimension: sagemaker:variant:DesiredInstanceCount
#       ResourceId: inference-component/dogs
#       MinCapacity: 2
#       MaxCapacity: 6
# """
# passes = """
# Resources:
#   Target:
#     Type: AWS::ApplicationAutoScaling::ScalableTarget
#     Properties:
#       ServiceNamespace: sagemaker
#       ScalableDimension: sagemaker:inference-component:DesiredCopyCount
#       ResourceId: inference-component/dogs
#       MinCapacity: 2
#       MaxCapacity: 6
# """
# ---
package ml_constructs

import rego.v1

scalable_target_dimension_wrong(target, dimension) if {
	startswith(text_of(input.resources[target].properties.ResourceId), "endpoint/")
	not startswith(dimension, "sagemaker:variant:")
}

scalable_target_dimension_wrong(target, dimension) if {
	startswith(text_of(input.resources[target].properties.ResourceId), "inference-component/")
	not startswith(dimension, "sagemaker:inference-component:")
}

scalable_target_dimension_wrong(target, dimension) if {
	startswith(dimension, "sagemaker:")
	certainly(target, "Properties.ServiceNamespace", scalable_target_dimension_others)
}

scalable_target_dimension_wrong(target, "sagemaker:variant:DesiredInstanceCount") if {
	some variant in scalable_target_dimension_variants(target)
	variant.ServerlessConfig
}

scalable_target_dimension_wrong(target, "sagemaker:variant:DesiredProvisionedConcurrency") if {
	some variant in scalable_target_dimension_variants(target)
	variant.InstanceType
}

scalable_target_dimension_others := [
	"appstream", "cassandra", "comprehend", "custom-resource", "dynamodb", "ec2", "ecs", "elasticache",
	"elasticmapreduce", "kafka", "lambda", "neptune", "rds", "workspaces",
]

scalable_target_dimension_variants(target) := [variant |
	some [scaled, endpoint, name] in scaled_variants
	scaled == target
	some config in configs_of(endpoint)
	variant := input.resources[config].properties.ProductionVariants[_]
	variant.VariantName == name
]

violation contains v if {
	some target in resources_of_type("AWS::ApplicationAutoScaling::ScalableTarget")
	dimension := input.resources[target].properties.ScalableDimension
	is_string(dimension)
	scalable_target_dimension_wrong(target, dimension)
	v := finding(
		"SAGEMAKER_SCALABLE_TARGET_DIMENSION", target, "Properties.ScalableDimension",
		sprintf("%s is not what this target scales by", [dimension]),
	)
}
