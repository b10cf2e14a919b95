# title = "A scalable target waits for what it scales"
# severity = "error"
# profile = "development"
# intent = """
# CloudFormation creates what does not depend on each other at the same time. A target that names the endpoint in plain
# text is registered before the endpoint exists, and is refused.
# """
# fix = "Take the name from the endpoint by Fn::GetAtt in ResourceId, or add DependsOn."
# sources = [
#     "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-dependson.html",
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-prerequisites.html",
# ]
# fails = """
# Resources:
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       ProductionVariants:
#         - {VariantName: main, ModelName: model, InstanceType: ml.m5.large, InitialInstanceCount: 2}
#   Endpoint:
#     Type: AWS::SageMaker::Endpoint
#     Properties:
#       EndpointConfigName: !GetAtt Config.EndpointConfigName
#       EndpointName: dogs
#   Target:
#     Type: AWS::ApplicationAutoScaling::ScalableTarget
#     Properties:
#       ServiceNamespace: sagemaker
#       ScalableDimension: sagemaker:variant:DesiredInstanceCount
#       ResourceId: endpoint/dogs/variant/main
#       MinCapacity: 2
#       MaxCapacity: 6
# """
# passes = """
# Resources:
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       ProductionVariants:
#         - {VariantName: main, ModelName: model, InstanceType: ml.m5.large, InitialInstanceCount: 2}
#   Endpoint:
#     Type: AWS::SageMaker::Endpoint
#     Properties:
#       EndpointConfigName: !GetAtt Config.EndpointConfigName
#       EndpointName: dogs
#   Target:
#     Type: AWS::ApplicationAutoScaling::ScalableTarget
#     DependsOn: Endpoint
#     Properties:
#       ServiceNamespace: sagemaker
#       ScalableDimension: sagemaker:variant:DesiredInstanceCount
#       ResourceId: endpoint/dogs/variant/main
#       MinCapacity: 2
#       MaxCapacity: 6
# """
# ---
package ml_constructs

import rego.v1

scalable_target_order_named contains [name, sprintf("endpoint/%s/", [own])] if {
	some name in resources_of_type("AWS::SageMaker::Endpoint")
	own := input.resources[name].properties.EndpointName
	is_string(own)
}

scalable_target_order_named contains [name, sprintf("inference-component/%s", [own])] if {
	some name in resources_of_type("AWS::SageMaker::InferenceComponent")
	own := input.resources[name].properties.InferenceComponentName
	is_string(own)
}

scalable_target_order_needs(name) := {ref.target | some ref in input.resources[name].outgoingRefs} | {other |
	some other in input.resources[name].dependsOn
}

# Directly, or over one or two other resources.
scalable_target_order_waits(name, other) if other in scalable_target_order_needs(name)

scalable_target_order_waits(name, other) if {
	some between in scalable_target_order_needs(name)
	other in scalable_target_order_needs(between)
}

scalable_target_order_waits(name, other) if {
	some first in scalable_target_order_needs(name)
	some second in scalable_target_order_needs(first)
	other in scalable_target_order_needs(second)
}

violation contains v if {
	some target in resources_of_type("AWS::ApplicationAutoScaling::ScalableTarget")
	is_string(input.resources[target].properties.ResourceId)
	some [name, text] in scalable_target_order_named
	startswith(sprintf("%s/", [input.resources[target].properties.ResourceId]), sprintf("%s/", [trim_suffix(text, "/")]))
	not scalable_target_order_waits(target, name)
	v := finding(
		"SAGEMAKER_SCALABLE_TARGET_ORDER", target, "DependsOn",
		sprintf("The target does not wait for %s, which it scales", [name]),
	)
}
