# What several rules need. Rego rules of the pack share one package, so names are unique in it: a rule's own functions begin
# with the name of its file. A rule fires if every value that conditions allow breaks it, and is silent about what only
# the deployment knows.
package ml_constructs

import rego.v1

# A finding, with severity, fix and source as the rule's file documents them.
finding(rule, name, path, message) := make_diag_full(
	rule, documentation[rule].severity, name, path, message, documentation[rule].fix, documentation[rule].source,
)

# Every value that a property may have, null where it is left out; undefined if only the deployment knows.
decided(name, path) := [null] if not has_property(name, path)

decided(name, path) := values if {
	has_property(name, path)
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

# Types of resources that are in the template.
exists(type) if count(resources_of_type(type)) > 0
