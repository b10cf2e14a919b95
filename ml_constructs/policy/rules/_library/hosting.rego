# Models, endpoints, what scales them and what watches them.
package ml_constructs

import rego.v1

# The containers of a model, with their paths.
model_containers(model) := array.concat(
	[["Properties.PrimaryContainer", container] | container := input.resources[model].properties.PrimaryContainer],
	[[sprintf("Properties.Containers.%v", [i]), container] | container := input.resources[model].properties.Containers[i]],
)

# The repositories of this template that a model's images come from, whatever the conditions are.
image_repositories(model) := {edge.target |
	edge := input.resources[model].outgoingRefs[_]
	regex.match("^Properties[.](PrimaryContainer|Containers[.][0-9]+)[.]Image([.]|$)", edge.sourcePath)
	not edge.conditionContext
	input.resources[edge.target].resourceType == "AWS::ECR::Repository"
}

# A model whose network is not its own affair: serverless variants know neither VPC nor isolation, and an inference
# component runs in the network of its endpoint.
networked_elsewhere(model) if {
	edge := input.resources[model].incomingRefs[_]
	input.resources[edge.source].resourceType == "AWS::SageMaker::InferenceComponent"
}

networked_elsewhere(model) if {
	some [_, _, variant] in production_variants
	variant.ServerlessConfig
	means(variant.ModelName, model)
}

# The variants of configurations that are written in the template, with their paths.
production_variants contains [config, sprintf("Properties.ProductionVariants.%d", [i]), variant] if {
	some config in resources_of_type("AWS::SageMaker::EndpointConfig")
	is_array(input.resources[config].properties.ProductionVariants)
	variant := input.resources[config].properties.ProductionVariants[i]
}

# All variants of a configuration, shadows too; none if a condition decides about one.
variants_and_shadows(config) := array.concat(
	object.get(input.resources[config].properties, "ProductionVariants", []),
	object.get(input.resources[config].properties, "ShadowProductionVariants", []),
)

# The families with local disks, as ml_constructs/_instance_types.py has them.
with_local_disks := `^ml\.([a-z0-9-]*d[a-z0-9-]*|(g5|g6|g7e|p5|p6|trn1|trn2)[a-z0-9-]*)\.`

# Configurations that are asynchronous whatever the conditions are.
asynchronous_configs contains config if {
	some config in resources_of_type("AWS::SageMaker::EndpointConfig")
	input.resources[config].properties.AsyncInferenceConfig.OutputConfig
}

# Configurations and what they ask for that not every kind of inference has.
extras_of_configs contains [config, "AsyncInferenceConfig"] if some config in asynchronous_configs

extras_of_configs contains [config, "ExplainerConfig"] if {
	some config in resources_of_type("AWS::SageMaker::EndpointConfig")
	input.resources[config].properties.ExplainerConfig.ClarifyExplainerConfig
}

extras_of_configs contains [config, "ShadowProductionVariants"] if {
	some config in resources_of_type("AWS::SageMaker::EndpointConfig")
	input.resources[config].properties.ShadowProductionVariants[_].VariantName
}

extras_of_configs contains [config, "DataCaptureConfig"] if {
	some config in resources_of_type("AWS::SageMaker::EndpointConfig")
	input.resources[config].properties.DataCaptureConfig.DestinationS3Uri
	certainly(config, "Properties.DataCaptureConfig.EnableCapture", [true, "true"])
}

extras_of_configs contains [config, "ProductionVariants"] if {
	some config in resources_of_type("AWS::SageMaker::EndpointConfig")
	count([variant | variant := input.resources[config].properties.ProductionVariants[_]; variant.VariantName]) > 1
}

# The configuration of an endpoint, if it is in the template.
configs_of(endpoint) := {config |
	some config in resources_of_type("AWS::SageMaker::EndpointConfig")
	means(input.resources[endpoint].properties.EndpointConfigName, config)
}

# [target, endpoint, variant] of what scales a variant of an endpoint in the template.
scaled_variants contains [target, edge.target, variant] if {
	some target in resources_of_type("AWS::ApplicationAutoScaling::ScalableTarget")
	edge := input.resources[target].outgoingRefs[_]
	startswith(edge.sourcePath, "Properties.ResourceId")
	input.resources[edge.target].resourceType == "AWS::SageMaker::Endpoint"
	variant := split(input.resources[target].properties.ResourceId.__dynamic, "/variant/")[1]
}

scaled_variants contains [target, endpoint, parts[3]] if {
	some target in resources_of_type("AWS::ApplicationAutoScaling::ScalableTarget")
	some endpoint in resources_of_type("AWS::SageMaker::Endpoint")
	parts := split(input.resources[target].properties.ResourceId, "/")
	parts[1] == resolve(endpoint, "Properties.EndpointName")
}

# [target, component] of what scales an inference component in the template.
scaled_components contains [target, edge.target] if {
	some target in resources_of_type("AWS::ApplicationAutoScaling::ScalableTarget")
	edge := input.resources[target].outgoingRefs[_]
	startswith(edge.sourcePath, "Properties.ResourceId")
	input.resources[edge.target].resourceType == "AWS::SageMaker::InferenceComponent"
}

scaled_components contains [target, component] if {
	some target in resources_of_type("AWS::ApplicationAutoScaling::ScalableTarget")
	some component in resources_of_type("AWS::SageMaker::InferenceComponent")
	name := input.resources[component].properties.InferenceComponentName
	input.resources[target].properties.ResourceId == concat("/", ["inference-component", name])
}

# A target that may scale any component, because only the deployment knows its name.
scaled_unknown_components if {
	some target in resources_of_type("AWS::ApplicationAutoScaling::ScalableTarget")
	not contains(json.marshal(input.resources[target].properties.ResourceId), "endpoint/")
	count([1 | some [scaled, _] in scaled_components; scaled == target]) == 0
}

# Scaling policies for SageMaker.
scales_sagemaker(policy) if {
	certainly(follow_ref(policy, "Properties.ScalingTargetId"), "Properties.ServiceNamespace", ["sagemaker"])
}

scales_sagemaker(policy) if certainly(policy, "Properties.ServiceNamespace", ["sagemaker"])

# A scaling policy of a target, or one of which only the deployment knows what it acts on.
steers(policy, target) if input.resources[policy].properties.ScalingTargetId.__ref == target

steers(policy, target) if input.resources[policy].properties.ResourceId == input.resources[target].properties.ResourceId

steers(policy, _) if {
	some property in ["ScalingTargetId", "ResourceId"]
	some marker in ["__dynamic", "__conditional"]
	input.resources[policy].properties[property][marker]
}

# An alarm on a metric that acts on a policy of the target, or on what only the deployment knows.
awakened(target, metric) if {
	some alarm in resources_of_type("AWS::CloudWatch::Alarm")
	contains(json.marshal(input.resources[alarm].properties), sprintf(`"%s"`, [metric]))
	edge := input.resources[alarm].outgoingRefs[_]
	startswith(edge.sourcePath, "Properties.AlarmActions")
	input.resources[edge.target].resourceType == "AWS::ApplicationAutoScaling::ScalingPolicy"
	input.resources[edge.target].properties.PolicyType == "StepScaling"
	steers(edge.target, target)
}

awakened(_, metric) if {
	some alarm in resources_of_type("AWS::CloudWatch::Alarm")
	contains(json.marshal(input.resources[alarm].properties), sprintf(`"%s"`, [metric]))
	contains(json.marshal(input.resources[alarm].properties.AlarmActions), "__dynamic")
}

# An alarm on one of these metrics that is, or may be, for the endpoint; components have alarms of their own.
watched(endpoint, metrics) if {
	some alarm in resources_of_type("AWS::CloudWatch::Alarm")
	marshalled := json.marshal(input.resources[alarm].properties)
	some metric in metrics
	some named in [sprintf(`"%s"`, [metric]), `"MetricName":{`]
	contains(marshalled, named)
	own := object.get(input.resources[endpoint].properties, "EndpointName", "")
	some mark in [`"__dynamic"`, sprintf(`"__ref":"%s"`, [endpoint]), sprintf(`"%v"`, [own])]
	contains(marshalled, mark)
}

watched(_, _) if exists("AWS::SageMaker::InferenceComponent")

# Why a metric does not exist: its dimensions are not those that SageMaker publishes it by. Metrics of queues have the
# endpoint alone, and others are a user's own.
unpublished(metric) := sprintf("SageMaker publishes no %s by [%s]", [metric.MetricName, concat(", ", given)]) if {
	metric.Namespace in {"AWS/SageMaker", "/aws/sagemaker/Endpoints", "/aws/sagemaker/InferenceComponents"}
	metric.MetricName in published_by_variant
	dimensions := object.get(metric, "Dimensions", [])
	is_array(dimensions)
	given := {name | name := dimensions[_].Name; is_string(name)}
	count(given) == count(dimensions)
	every wanted in [{"EndpointName", "VariantName"}, {"InferenceComponentName"}] {
		count(wanted - given) > 0
	}
}

published_by_variant := {
	"CPUUtilization", "ConcurrentRequestsPerModel", "DiskUtilization", "GPUMemoryUtilization", "GPUUtilization",
	"Invocation4XXErrors", "Invocation5XXErrors", "InvocationModelErrors", "Invocations", "InvocationsPerInstance",
	"MemoryUtilization", "ModelLatency", "OverheadLatency",
}

# The definition of a monitoring job, or the one that is part of a schedule: [resource, where it is].
monitoring_jobs contains [name, "Properties"] if {
	some kind in ["DataQuality", "ModelBias", "ModelExplainability", "ModelQuality"]
	some name in resources_of_type(sprintf("AWS::SageMaker::%sJobDefinition", [kind]))
}

monitoring_jobs contains [name, "Properties.MonitoringScheduleConfig.MonitoringJobDefinition"] if {
	some name in resources_of_type("AWS::SageMaker::MonitoringSchedule")
	input.resources[name].properties.MonitoringScheduleConfig.MonitoringJobDefinition.MonitoringInputs
}
