# Rego rules of the pack share one package. Names are unique in it, and no local variable has the name of a function or a
# set: a rule's own begin with the name of its file, those of the library are named so that no variable would be.
#
# A rule fires if every value that conditions allow breaks it, and is silent about what only the deployment knows. What is
# of a template is iterated as `each := value[_]`: `some each in value` ends a whole review at text or a number.
package ml_constructs

import rego.v1

# A finding, with severity, fix and source as the rule's file documents them.
finding(rule, name, path, message) := make_diag_full(
	rule, documentation[rule].severity, name, path, message, documentation[rule].fix, documentation[rule].source,
)

# Every value that a property may have, null where it is left out; undefined if only the deployment knows one of them.
decided(name, path) := [null] if not has_property(name, path)

decided(name, path) := values if {
	has_property(name, path)
	not is_dynamic(name, path)
	values := resolve_all(name, path)
	count(values) > 0
}

# A property that no condition sets, or that is an empty list, object or text.
absent(name, path) if {
	certainly(name, path, [null, "", [], {}])
}

# A property that has one of these values whatever the conditions are.
certainly(name, path, wanted) if {
	every value in decided(name, path) {
		value in wanted
	}
}

# Every number that a property may be, a default where it is left out; undefined if only the deployment knows.
numbers_of(name, path, default_value) := numbers if {
	values := decided(name, path)
	numbers := {number_of(value, default_value) | value := values[_]}
}

number_of(value, default_value) := default_value if value == null

number_of(value, _) := to_number(value) if value != null

# Types of resources that are in the template.
exists(type) if count(resources_of_type(type)) > 0

# A value as a list; policies allow a single one wherever they allow several.
listed(value) := value if is_array(value)

listed(value) := [value] if not is_array(value)

# The literal texts of a value; what intrinsics decide is left out.
texts(value) := {text | some text in listed(value); is_string(text)}

# Text with the references in it, for example `arn:aws:s3:::{ref:Bucket}/*`.
text_of(value) := value if is_string(value)

text_of(value) := regex.replace(value.__dynamic, "^(Sub|Join):", "") if regex.match("^(Sub|Join):", value.__dynamic)

# A reference to a resource by its logical id, or by the name that it is given.
means(reference, name) if reference.__ref == name

means(reference, name) if reference == input.resources[name].properties[name_property[input.resources[name].resourceType]]

name_property := {
	"AWS::CloudWatch::Alarm": "AlarmName",
	"AWS::SageMaker::Endpoint": "EndpointName",
	"AWS::SageMaker::EndpointConfig": "EndpointConfigName",
	"AWS::SageMaker::Model": "ModelName",
}

# The default of a parameter, which may be another value at each deployment.
of_a_parameter(name, path) if {
	edge := input.resources[name].outgoingRefs[_]
	startswith(edge.sourcePath, path)
	not input.resources[edge.target]
}

# Other stacks import it, so what a rule looks for may be there.
exported(name) if {
	edge := input.resources[name].incomingRefs[_]
	startswith(edge.source, "__output__")
	input.outputs[trim_prefix(edge.source, "__output__")].exportName != null
}

# Resources of SageMaker itself are in the template.
hosts_sagemaker if startswith(input.resources[_].resourceType, "AWS::SageMaker::")
