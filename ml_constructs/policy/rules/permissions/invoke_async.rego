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
	count(configs_of(endpoint) & asynchronous_configs) > 0
	some allowance in allowances
	invoke_async_names(allowance.statement, endpoint)
	invoke_async_allows(allowance.statement, "sagemaker:InvokeEndpoint")
	not invoke_async_otherwise(allowance.name)
	v := finding(
		"SAGEMAKER_INVOKE_ASYNC", allowance.name, allowance.path,
		sprintf("%s is asynchronous, and sagemaker:InvokeEndpointAsync is not allowed", [endpoint]),
	)
}

# Whether a statement is about an endpoint.
invoke_async_names(statement, endpoint) if {
	some resource in listed(statement.Resource)
	resource.__ref == endpoint
}

invoke_async_names(statement, endpoint) if {
	some resource in listed(statement.Resource)
	some form in ["{ref:%s}", "${%s}", "${%s.EndpointName}"]
	endswith(text_of(resource), sprintf(form, [endpoint]))
}

invoke_async_names(statement, endpoint) if {
	some resource in listed(statement.Resource)
	endswith(text_of(resource), lower(concat("", [":endpoint/", resolve(endpoint, "Properties.EndpointName")])))
}

invoke_async_allows(statement, action) if {
	some pattern in texts(statement.Action)
	covers(pattern, action)
}

# Policies that allow it in some statement, or hold what only the deployment knows.
invoke_async_otherwise(policy) if {
	some [name, _, document] in policy_documents
	name == policy
	some statement in listed(document.Statement)
	some action in listed(object.get(statement, "Action", {}))
	invoke_async_perhaps(action)
}

invoke_async_perhaps(action) if not is_string(action)

invoke_async_perhaps(action) if covers(action, "sagemaker:InvokeEndpointAsync")
