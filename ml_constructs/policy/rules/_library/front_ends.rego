# What stands in front of an endpoint.
package ml_constructs

import rego.v1

# Functions and the actions by which they may invoke an endpoint.
invocations contains [function, action] if {
	some function in resources_of_type("AWS::Lambda::Function")
	attached := policies_of(follow_ref(function, "Properties.Role"))
	some allowance in allowances
	allowance.name in attached
	some pattern in texts(allowance.statement.Action)
	startswith(lower(pattern), "sagemaker:")
	some action in ["InvokeEndpoint", "InvokeEndpointAsync", "InvokeEndpointWithResponseStream"]
	covers(pattern, concat(":", ["sagemaker", action]))
}

invoking_functions contains function if some [function, _] in invocations

# The function behind an alias or a version.
function_of(target) := target if input.resources[target].resourceType == "AWS::Lambda::Function"

function_of(target) := follow_ref(target, "Properties.FunctionName") if {
	input.resources[target].resourceType in {"AWS::Lambda::Alias", "AWS::Lambda::Version"}
}

# Functions that invoke an endpoint, and that a property refers to.
served_by(name, path) := {function |
	edge := input.resources[name].outgoingRefs[_]
	startswith(edge.sourcePath, path)
	function := function_of(edge.target)
	function in invoking_functions
}

# Methods of REST APIs behind which an endpoint answers, by way of a function or directly.
api_methods contains method if {
	some method in resources_of_type("AWS::ApiGateway::Method")
	count(served_by(method, "Properties.Integration.Uri")) > 0
}

api_methods contains method if some method in direct_methods

direct_methods contains method if {
	some method in resources_of_type("AWS::ApiGateway::Method")
	contains(text_of(input.resources[method].properties.Integration.Uri), ":runtime.sagemaker:")
}

# Routes of HTTP APIs behind which an endpoint answers.
api_routes contains route if {
	some route in resources_of_type("AWS::ApiGatewayV2::Route")
	resolve(follow_ref(route, "Properties.ApiId"), "Properties.ProtocolType") == "HTTP"
	edge := input.resources[route].outgoingRefs[_]
	startswith(edge.sourcePath, "Properties.Target")
	count(served_by(edge.target, "Properties.IntegrationUri")) > 0
}

# Stages of the APIs behind which an endpoint answers.
rest_stages contains stage if {
	some stage in resources_of_type("AWS::ApiGateway::Stage")
	some method in api_methods
	follow_ref(method, "Properties.RestApiId") == follow_ref(stage, "Properties.RestApiId")
}

http_stages contains stage if {
	some stage in resources_of_type("AWS::ApiGatewayV2::Stage")
	some route in api_routes
	follow_ref(route, "Properties.ApiId") == follow_ref(stage, "Properties.ApiId")
}

# Sources of messages or records in the template, and the functions that invoke an endpoint with them.
event_mappings contains {"mapping": mapping, "source": source, "type": type, "function": function} if {
	some mapping in resources_of_type("AWS::Lambda::EventSourceMapping")
	some function in served_by(mapping, "Properties.FunctionName")
	source := follow_ref(mapping, "Properties.EventSourceArn")
	type := input.resources[source].resourceType
}

queue_mappings contains event if {
	some event in event_mappings
	event.type == "AWS::SQS::Queue"
}

stream_mappings contains event if {
	some event in event_mappings
	event.type in {"AWS::Kinesis::Stream", "AWS::Kinesis::StreamConsumer", "AWS::DynamoDB::Table"}
}
