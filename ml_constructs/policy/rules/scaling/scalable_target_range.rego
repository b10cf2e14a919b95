# title = "The range of a scalable target has its bounds in order"
# severity = "error"
# profile = "development"
# intent = """
# Application Auto Scaling refuses a smallest capacity above the largest one, when it registers the target or when a
# scheduled action runs.
# """
# fix = "Set MinCapacity no higher than MaxCapacity; an action takes the bound it leaves out from the target."
# sources = [
#     "https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html",
#     "https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-scheduled-scaling.html",
# ]
# fails = """
# Resources:
#   Target:
#     Type: AWS::ApplicationAutoScaling::ScalableTarget
#     Properties:
#       ServiceNamespace: sagemaker
#       ScalableDimension: sagemaker:variant:DesiredInstanceCount
#       ResourceId: endpoint/dogs/variant/main
#       MinCapacity: 6
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
#       MaxCapacity: 6
# """
# ---
package ml_constructs

import rego.v1

# Smallest capacities, largest capacities, and where the former are set.
scalable_target_range_bounds(target) := {["Properties.MinCapacity", "Properties.MaxCapacity"]} | {bounds |
	some i
	action := input.resources[target].properties.ScheduledActions[i]
	is_number(i)
	own := sprintf("Properties.ScheduledActions.%d.ScalableTargetAction.", [i])
	least := scalable_target_range_from(action, own, "MinCapacity")
	most := scalable_target_range_from(action, own, "MaxCapacity")
	bounds := [least, most]
}

scalable_target_range_from(action, own, bound) := concat("", [own, bound]) if action.ScalableTargetAction[bound]

scalable_target_range_from(action, _, bound) := concat("", ["Properties.", bound]) if {
	not action.ScalableTargetAction[bound]
}

violation contains v if {
	some target in resources_of_type("AWS::ApplicationAutoScaling::ScalableTarget")
	certainly(target, "Properties.ServiceNamespace", ["sagemaker"])
	some [least, most] in scalable_target_range_bounds(target)
	every low in decided(target, least) {
		every high in decided(target, most) {
			to_number(low) > to_number(high)
		}
	}
	v := finding("SAGEMAKER_SCALABLE_TARGET_RANGE", target, least, sprintf("%s is above %s", [least, most]))
}
