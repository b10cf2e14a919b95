# title = "A function in front of an endpoint has no secret in the template"
# severity = "error"
# profile = "development"
# intent = """
# What the environment of a function holds is in the template, in every change set, in the console, and in each answer
# of GetFunctionConfiguration.
# """
# fix = "Keep the secret in AWS Secrets Manager, give the function its ARN, and let it fetch the value."
# sources = ["https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html"]
# controls = ["NIST.800-53.r5 IA-5", "NIST.800-53.r5 SC-28"]
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
#       Environment: {Variables: {UPSTREAM_API_KEY: 9f86d081884c7d65}}
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
#       Environment: {Variables: {UPSTREAM_API_KEY_ARN: "arn:aws:secretsmanager:eu-west-1:111122223333:secret:upstream-a1b2c3"}}
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some function in function_secrets_serving
	some name, value in input.resources[function].properties.Environment.Variables
	regex.match(function_secrets_names, name)
	is_string(value)
	regex.match(`^[^:{}$ ]{6,}$`, value)
	path := sprintf("Properties.Environment.Variables.%s", [name])
	v := finding(
		"SAGEMAKER_FUNCTION_SECRETS", function, path,
		sprintf("%s looks like a secret in clear text", [name]),
	)
}

function_secrets_names := concat("", [
	`(?i)(password|passwd|passphrase|api_?key|secret_?(access_?)?key|private_?key|client_?secret|`,
	`(auth|access|api|bearer|hub)_?token)$`,
])

# A value as a list; policies allow a single one wherever they allow several.
function_secrets_listed(value) := value if is_array(value)

function_secrets_listed(value) := [value] if not is_array(value)

# The literal texts of a value; what intrinsics decide is left out.
function_secrets_texts(value) := {text | some text in function_secrets_listed(value); is_string(text)}

# Whether an action of a policy, which may have wildcards, comprises another.
function_secrets_covers(pattern, action) if {
	regex.match(`^[A-Za-z0-9:*?-]+$`, pattern)
	expression := replace(replace(lower(pattern), "*", ".*"), "?", ".")
	regex.match(concat("", ["^", expression, "$"]), lower(action))
}

# Policies that only bound what others allow.
function_secrets_boundaries := {reference.target |
	some _, resource in input.resources
	some reference in resource.outgoingRefs
	startswith(reference.sourcePath, "Properties.PermissionsBoundary")
}

# Identity policies, with the path to them.
function_secrets_documents contains [name, "Properties.PolicyDocument", document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	not name in function_secrets_boundaries
	document := resource.properties.PolicyDocument
}

function_secrets_documents contains [name, sprintf("Properties.Policies.%d.PolicyDocument", [index]), document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	some index, policy in resource.properties.Policies
	document := policy.PolicyDocument
}

# Statements that allow something whatever the conditions of the template are.
function_secrets_statements contains {"name": name, "path": sprintf("%s.Statement.%d", [path, index]), "statement": statement} if {
	some [name, path, document] in function_secrets_documents
	some index, statement in function_secrets_listed(document.Statement)
	statement.Effect == "Allow"
}

# Resources that hold the policies of a role.
function_secrets_policies_of(role) := ({role} | {name |
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
function_secrets_may contains [function, action] if {
	some function in resources_of_type("AWS::Lambda::Function")
	policies := function_secrets_policies_of(follow_ref(function, "Properties.Role"))
	some allowed in function_secrets_statements
	allowed.name in policies
	some pattern in function_secrets_texts(allowed.statement.Action)
	startswith(lower(pattern), "sagemaker:")
	some action in ["InvokeEndpoint", "InvokeEndpointAsync", "InvokeEndpointWithResponseStream"]
	function_secrets_covers(pattern, concat(":", ["sagemaker", action]))
}

function_secrets_serving contains function if some [function, _] in function_secrets_may
