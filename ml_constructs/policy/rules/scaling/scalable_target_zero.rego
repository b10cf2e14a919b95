# title = "Only asynchronous variants and inference components scale to zero"
# severity = "error"
# profile = "development"
# intent = """
# SageMaker keeps at least one instance of a real-time variant and one unit of provisioned concurrency. A target that
# goes lower is refused, or its scaling activities fail.
# """
# fix = "Set MinCapacity to 1 or more, in ScheduledActions too; or serve inference components or asynchronous requests."
# sources = [
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-zero-instances.html",
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-autoscale.html",
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints-autoscale.html",
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
#   Target:
#     Type: AWS::ApplicationAutoScaling::ScalableTarget
#     Properties:
#       ServiceNamespace: sagemaker
#       ScalableDimension: sagemaker:variant:DesiredInstanceCount
#       ResourceId: !Sub "endpoint/${Endpoint.EndpointName}/variant/main"
#       MinCapacity: 0
#       MaxCapacity: 6
# """
# passes = """
# Resources:
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       ProductionVariants:
#         - {VariantName: main, ModelName: model, InstanceType: ml.m5.large, InitialInstanceCount: 2}
#       AsyncInferenceConfig: {OutputConfig: {S3OutputPath: "s3://answers/out"}}
#   Endpoint:
#     Type: AWS::SageMaker::Endpoint
#     Properties:
#       EndpointConfigName: !GetAtt Config.EndpointConfigName
#   Target:
#     Type: AWS::ApplicationAutoScaling::ScalableTarget
#     Properties:
#       ServiceNamespace: sagemaker
#       ScalableDimension: sagemaker:variant:DesiredInstanceCount
#       ResourceId: !Sub "endpoint/${Endpoint.EndpointName}/variant/main"
#       MinCapacity: 0
#       MaxCapacity: 6
# """
# ---
package ml_constructs

import rego.v1

scalable_target_zero_paths(target) := {"Properties.MinCapacity", "Properties.MaxCapacity"} | {path |
	some i
	input.resources[target].properties.ScheduledActions[i]
	is_number(i)
	some bound in ["MinCapacity", "MaxCapacity"]
	path := sprintf("Properties.ScheduledActions.%d.ScalableTargetAction.%s", [i, bound])
}

scalable_target_zero_refused(target) if {
	certainly(target, "Properties.ScalableDimension", ["sagemaker:variant:DesiredProvisionedConcurrency"])
}

scalable_target_zero_refused(target) if {
	certainly(target, "Properties.ScalableDimension", ["sagemaker:variant:DesiredInstanceCount"])
	some [scaled, endpoint, _] in scaled_variants
	scaled == target
	some config in configs_of(endpoint)
	absent(config, "Properties.AsyncInferenceConfig")
}

violation contains v if {
	some target in resources_of_type("AWS::ApplicationAutoScaling::ScalableTarget")
	scalable_target_zero_refused(target)
	some path in scalable_target_zero_paths(target)
	certainly(target, path, [0, "0"])
	v := finding("SAGEMAKER_SCALABLE_TARGET_ZERO", target, path, "The target scales to zero what cannot be zero")
}
