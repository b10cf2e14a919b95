# title = "A function's address in front of an endpoint knows who calls"
# severity = "error"
# profile = "development"
# intent = """
# With AuthType NONE the address is public: anyone who learns it uses the model, without a limit of rate, at your
# cost.
# """
# fix = "Set AuthType to AWS_IAM, and allow lambda:InvokeFunctionUrl to the callers."
# sources = ["https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"]
# controls = ["NIST.800-53.r5 AC-3"]
# fails = """
# Resources:
#   Role:
#     Type: AWS::IAM::Role
#     Properties:
#       AssumeRolePolicyDocument:
#         Version: "2012-10-17"
#         Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: "sts:AssumeRole"}]
#       Policies:
#         - PolicyName: invoke
#           PolicyDocument:
#             Version: "2012-10-17"
#             Statement:
#               - Effect: Allow
#                 Action: sagemaker:InvokeEndpoint
#                 Resource: {"Fn::Sub": "arn:${AWS::Partition}:sagemaker:${AWS::Region}:${AWS::AccountId}:endpoint/churn"}
#   Function:
#     Type: AWS::Lambda::Function
#     Properties:
#       Role: {"Fn::GetAtt": [Role, Arn]}
#       Code: {ZipFile: "def handle(event, context): ..."}
#       Handler: index.handle
#       Runtime: python3.13
#   Url:
#     Type: AWS::Lambda::Url
#     Properties: {TargetFunctionArn: {"Fn::GetAtt": [Function, Arn]}, AuthType: NONE}
# """
# passes = """
# Resources:
#   Role:
#     Type: AWS::IAM::Role
#     Properties:
#       AssumeRolePolicyDocument:
#         Version: "2012-10-17"
#         Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: "sts:AssumeRole"}]
#       Policies:
#         - PolicyName: invoke
#           PolicyDocument:
#             Version: "2012-10-17"
#             Statement:
#               - Effect: Allow
#                 Action: sagemaker:InvokeEndpoint
#                 Resource: {"Fn::Sub": "arn:${AWS::Partition}:sagemaker:${AWS::Region}:${AWS::AccountId}:endpoint/churn"}
#   Function:
#     Type: AWS::Lambda::Function
#     Properties:
#       Role: {"Fn::GetAtt": [Role, Arn]}
#       Code: {ZipFile: "def handle(event, context): ..."}
#       Handler: index.handle
#       Runtime: python3.13
#   Url:
#     Type: AWS::Lambda::Url
#     Properties: {TargetFunctionArn: {"Fn::GetAtt": [Function, Arn]}, AuthType: AWS_IAM}
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some url in resources_of_type("AWS::Lambda::Url")
	certainly(url, "Properties.AuthType", ["NONE"])
	some function in function_url_authorisation_served_by(url, "Properties.TargetFunctionArn")
	v := finding(
		"SAGEMAKER_FUNCTION_URL_AUTHORISATION", url, "Properties.AuthType",
		sprintf("Anyone can call %s, which invokes an endpoint", [function]),
	)
}

# A value as a list; policies allow a single one wherever they allow several.
function_url_authorisation_listed(value) := value if is_array(value)

function_url_authorisation_listed(value) := [value] if not is_array(value)

# The literal texts of a value; what intrinsics decide is left out.
function_url_authorisation_texts(value) := {text | some text in function_url_authorisation_listed(value); is_string(text)}

# Whether an action of a policy, which may have wildcards, comprises another.
function_url_authorisation_covers(pattern, action) if {
	regex.match(`^[A-Za-z0-9:*?-]+$`, pattern)
	expression := replace(replace(lower(pattern), "*", ".*"), "?", ".")
	regex.match(concat("", ["^", expression, "$"]), lower(action))
}

# Policies that only bound what others allow.
function_url_authorisation_boundaries := {reference.target |
	some _, resource in input.resources
	some reference in resource.outgoingRefs
	startswith(reference.sourcePath, "Properties.PermissionsBoundary")
}

# Identity policies, with the path to them.
function_url_authorisation_documents contains [name, "Properties.PolicyDocument", document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	not name in function_url_authorisation_boundaries
	document := resource.properties.PolicyDocument
}

function_url_authorisation_documents contains [name, sprintf("Properties.Policies.%d.PolicyDocument", [index]), document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	some index, policy in resource.properties.Policies
	document := policy.PolicyDocument
}

# Statements that allow something whatever the conditions of the template are.
function_url_authorisation_statements contains {"name": name, "path": sprintf("%s.Statement.%d", [path, index]), "statement": statement} if {
	some [name, path, document] in function_url_authorisation_documents
	some index, statement in function_url_authorisation_listed(document.Statement)
	statement.Effect == "Allow"
}

# Resources that hold the policies of a role.
function_url_authorisation_policies_of(role) := ({role} | {name |
	some name, resource in input.resources
	some reference in resource.outgoingRefs
	reference.target == role
	startswith(resource.resourceType, "AWS::IAM::")
	regex.match(`^Properties\.Role(s\.|Name$)`, reference.sourcePath)
}) | {reference.target |
	some reference in input.resources[role].outgoingRefs
	startswith(reference.sourcePath, "Properties.ManagedPolicyArns")
}

# Functions and the actions by which they may invoke an endpoint.
function_url_authorisation_may contains [function, action] if {
	some function in resources_of_type("AWS::Lambda::Function")
	policies := function_url_authorisation_policies_of(follow_ref(function, "Properties.Role"))
	some allowed in function_url_authorisation_statements
	allowed.name in policies
	some pattern in function_url_authorisation_texts(allowed.statement.Action)
	startswith(lower(pattern), "sagemaker:")
	some action in ["InvokeEndpoint", "InvokeEndpointAsync", "InvokeEndpointWithResponseStream"]
	function_url_authorisation_covers(pattern, concat(":", ["sagemaker", action]))
}

function_url_authorisation_serving contains function if some [function, _] in function_url_authorisation_may

# The function behind an alias or a version.
function_url_authorisation_function_of(target) := target if input.resources[target].resourceType == "AWS::Lambda::Function"

function_url_authorisation_function_of(target) := follow_ref(target, "Properties.FunctionName") if {
	input.resources[target].resourceType in {"AWS::Lambda::Alias", "AWS::Lambda::Version"}
}

# Functions that invoke an endpoint, and that a property refers to.
function_url_authorisation_served_by(name, path) := {function |
	some reference in input.resources[name].outgoingRefs
	startswith(reference.sourcePath, path)
	function := function_url_authorisation_function_of(reference.target)
	function in function_url_authorisation_serving
}
