# Jobs that workflows start.
package ml_constructs

import rego.v1

# Definitions of state machines and SageMaker pipelines, read as JSON; text with references in it can be read, too.
job_definitions contains [name, definition] if {
	some name in resources_of_type("AWS::StepFunctions::StateMachine")
	some property in ["Definition", "DefinitionString"]
	definition := job_definition(input.resources[name].properties[property])
}

job_definitions contains [name, definition] if {
	some name in resources_of_type("AWS::SageMaker::Pipeline")
	definition := job_definition(input.resources[name].properties.PipelineDefinition.PipelineDefinitionBody)
}

job_definition(value) := value if is_object(value.States)

job_definition(value) := json.unmarshal(text_of(value)) if not value.States

# Their steps, also those inside one map, branch or condition.
job_steps contains [name, step] if {
	some [name, definition] in job_definitions
	some property in ["States", "Steps"]
	step := definition[property][_]
}

job_steps contains [name, step] if {
	some [name, definition] in job_definitions
	state := definition.States[_]
	some property in ["ItemProcessor", "Iterator"]
	step := state[property].States[_]
}

job_steps contains [name, step] if {
	some [name, definition] in job_definitions
	state := definition.States[_]
	step := state.Branches[_].States[_]
}

job_steps contains [name, step] if {
	some [name, definition] in job_definitions
	condition := definition.Steps[_]
	some property in ["IfSteps", "ElseSteps"]
	step := condition.Arguments[property][_]
}

# What they ask SageMaker for, by the kind of job.
job_requests contains [name, kind, request] if {
	some [name, step] in job_steps
	some kind in ["Training", "Processing", "Transform"]
	regex.match(sprintf(`:sagemaker:create%vJob(\.sync)?$`, [kind]), step.Resource)
	some property in ["Parameters", "Arguments"]
	request := step[property]
	is_object(request)
}

job_requests contains [name, kind, request] if {
	some [name, step] in job_steps
	kind := step.Type
	kind in ["Training", "Processing", "Transform"]
	request := step.Arguments
}

# A field, or `null` where it is left out; undefined where a path or an expression sets it when the job starts.
job_field(request, path) := null if {
	object.get(request, path, null) == null
	not job_dynamic(request, path)
}

job_field(request, path) := value if {
	value := object.get(request, path, null)
	value != null
}

job_dynamic(request, path) if {
	some depth in numbers.range(1, count(path))
	selected := sprintf("%v.$", [path[depth - 1]])
	object.get(request, array.concat(array.slice(path, 0, depth - 1), [selected]), null) != null
}

job_dynamic(request, path) if {
	some depth in numbers.range(1, count(path) - 1)
	parent := object.get(request, array.slice(path, 0, depth), {})
	not is_object(parent)
}

job_dynamic(request, path) if {
	some depth in numbers.range(1, count(path) - 1)
	some mark in ["Get", "Std:Join", "__dynamic", "__conditional", "__ref"]
	object.get(request, array.concat(array.slice(path, 0, depth), [mark]), null) != null
}
