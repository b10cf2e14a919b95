# title = "A scalable target has room to scale"
# severity = "warning"
# profile = "production"
# intent = """
# With equal bounds and no schedule that moves them, the capacity is fixed and policies have no effect.
# """
# fix = "Set MaxCapacity above MinCapacity."
# sources = [
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-prerequisites.html",
#     "https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html",
# ]
# fails = """
# Resources:
#   Target:
#     Type: AWS::ApplicationAutoScaling::ScalableTarget
#     Properties:
#       ServiceNamespace: sagemaker
#       ScalableDimension: sagemaker:variant:DesiredInstanceCount
#       ResourceId: endpoint/dogs/variant/main
#       MinCapacity: 2
#       MaxCapacity: 2
# """
# passes = """
# Resources:
#   Target:
#     Type: AWS::ApplicationAutoScaling::ScalableTarget
#     Properties:
#       ServiceNamespace: sagemaker
#       ScalableDimension: sagemaker:variant:DesiredInstanceCount
#       ResourceId: endpoint/dogs/variant/main
#       MinCapacity: 2
#       MaxCapacity: 3
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some target in resources_of_type("AWS::ApplicationAutoScaling::ScalableTarget")
	certainly(target, "Properties.ServiceNamespace", ["sagemaker"])
	absent(target, "Properties.ScheduledActions")
	every low in decided(target, "Properties.MinCapacity") {
		every high in decided(target, "Properties.MaxCapacity") {
			to_number(low) == to_number(high)
		}
	}
	v := finding(
		"SAGEMAKER_SCALABLE_TARGET_FIXED", target, "Properties.MaxCapacity",
		"The smallest and the largest capacity are equal",
	)
}
