# title = "Callers of an asynchronous endpoint may call it asynchronously"
# severity = "error"
# profile = "development"
# intent = """
# An asynchronous endpoint takes requests by InvokeEndpointAsync, which is an action of its own: with
# sagemaker:InvokeEndpoint alone every request is refused.
# """
# fix = "Allow sagemaker:InvokeEndpointAsync."
# sources = [
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-create-endpoint-prerequisites.html",
#     "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpointAsync.html",
# ]
# fails = """
# Resources:
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       ProductionVariants: [{ModelName: churn, VariantName: main, InstanceType: ml.m5.large, InitialInstanceCount: 2}]
#       AsyncInferenceConfig: {OutputConfig: {S3OutputPath: "s3://answers/churn"}}
#   Endpoint:
#     Type: AWS::SageMaker::Endpoint
#     Properties: {EndpointConfigName: {"Fn::GetAtt": [Config, EndpointConfigName]}}
#   Policy:
#     Type: AWS::IAM::ManagedPolicy
#     Properties:
#       PolicyDocument:
#         Version: "2012-10-17"
#         Statement: [{Effect: Allow, Action: "sagemaker:InvokeEndpoint", Resource: {Ref: Endpoint}}]
# """
# passes = """
# Resources:
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       ProductionVariants: [{ModelName: churn, VariantName: main, InstanceType: ml.m5.large, InitialInstanceCount: 2}]
#       AsyncInferenceConfig: {OutputConfig: {S3OutputPath: "s3://answers/churn"}}
#   Endpoint:
#     Type: AWS::SageMaker::Endpoint
#     Properties: {EndpointConfigName: {"Fn::GetAtt": [Config, EndpointConfigName]}}
#   Policy:
#     Type: AWS::IAM::ManagedPolicy
#     Properties:
#       PolicyDocument:
#         Version: "2012-10-17"
#         Statement: [{Effect: Allow, Action: "sagemaker:InvokeEndpointAsync", Resource: {Ref: Endpoint}}]
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some endpoint in resources_of_type("AWS::SageMaker::Endpoint")
	every settings in decided(follow_ref(endpoint, "Properties.EndpointConfigName"), "Properties.AsyncInferenceConfig") {
		settings != null
	}
	some allowed in invoke_async_statements
	invoke_async_names(allowed.statement, endpoint)
	invoke_async_allows(allowed.statement, "sagemaker:InvokeEndpoint")
	not invoke_async_otherwise(allowed.name)
	v := finding(
		"SAGEMAKER_INVOKE_ASYNC", allowed.name, allowed.path,
		sprintf("%s is asynchronous, and sagemaker:InvokeEndpointAsync is not allowed", [endpoint]),
	)
}

# Whether a statement is about an endpoint.
invoke_async_names(statement, endpoint) if {
	some resource in invoke_async_listed(statement.Resource)
	resource.__ref == endpoint
}

invoke_async_names(statement, endpoint) if {
	some resource in invoke_async_listed(statement.Resource)
	some form in ["{ref:%s}", "${%s}", "${%s.EndpointName}"]
	endswith(invoke_async_text_of(resource), sprintf(form, [endpoint]))
}

invoke_async_names(statement, endpoint) if {
	some resource in invoke_async_listed(statement.Resource)
	endswith(invoke_async_text_of(resource), lower(concat("", [":endpoint/", resolve(endpoint, "Properties.EndpointName")])))
}

invoke_async_allows(statement, action) if {
	some pattern in invoke_async_texts(statement.Action)
	invoke_async_covers(pattern, action)
}

# Policies that allow it in some statement, or hold what only the deployment knows.
invoke_async_otherwise(policy) if {
	some [name, _, document] in invoke_async_documents
	name == policy
	some statement in invoke_async_listed(document.Statement)
	some action in invoke_async_listed(object.get(statement, "Action", {}))
	invoke_async_perhaps(action)
}

invoke_async_perhaps(action) if not is_string(action)

invoke_async_perhaps(action) if invoke_async_covers(action, "sagemaker:InvokeEndpointAsync")

# A value as a list; policies allow a single one wherever they allow several.
invoke_async_listed(value) := value if is_array(value)

invoke_async_listed(value) := [value] if not is_array(value)

# The literal texts of a value; what intrinsics decide is left out.
invoke_async_texts(value) := {text | some text in invoke_async_listed(value); is_string(text)}

# Text with the references in it, for example `arn:aws:s3:::{ref:Bucket}/*`.
invoke_async_text_of(value) := value if is_string(value)

invoke_async_text_of(value) := trim_prefix(trim_prefix(value.__dynamic, "Sub:"), "Join:") if is_object(value)

# Whether an action of a policy, which may have wildcards, comprises another.
invoke_async_covers(pattern, action) if {
	regex.match(`^[A-Za-z0-9:*?-]+$`, pattern)
	expression := replace(replace(lower(pattern), "*", ".*"), "?", ".")
	regex.match(concat("", ["^", expression, "$"]), lower(action))
}

# Policies that only bound what others allow.
invoke_async_boundaries := {reference.target |
	some _, resource in input.resources
	some reference in resource.outgoingRefs
	startswith(reference.sourcePath, "Properties.PermissionsBoundary")
}

# Identity policies, with the path to them.
invoke_async_documents contains [name, "Properties.PolicyDocument", document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	not name in invoke_async_boundaries
	document := resource.properties.PolicyDocument
}

invoke_async_documents contains [name, sprintf("Properties.Policies.%d.PolicyDocument", [index]), document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	some index, policy in resource.properties.Policies
	document := policy.PolicyDocument
}

# Statements that allow something whatever the conditions of the template are.
invoke_async_statements contains {"name": name, "path": sprintf("%s.Statement.%d", [path, index]), "statement": statement} if {
	some [name, path, document] in invoke_async_documents
	some index, statement in invoke_async_listed(document.Statement)
	statement.Effect == "Allow"
}
