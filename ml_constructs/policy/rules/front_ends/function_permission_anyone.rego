# title = "A function in front of an endpoint is not open to every AWS account"
# severity = "error"
# profile = "development"
# intent = """
# A permission with the principal `*` lets any account invoke the function, past the API and its authorisation, and
# the model with it.
# """
# fix = "Name the service or account in Principal, and the caller in SourceArn; or the organisation in PrincipalOrgID."
# sources = ["https://docs.aws.amazon.com/securityhub/latest/userguide/lambda-controls.html"]
# controls = ["SecurityHub Lambda.1", "NIST.800-53.r5 AC-3"]
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
#   Permission:
#     Type: AWS::Lambda::Permission
#     Properties: {FunctionName: {Ref: Function}, Action: "lambda:InvokeFunction", Principal: "*"}
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
#   Permission:
#     Type: AWS::Lambda::Permission
#     Properties: {FunctionName: {Ref: Function}, Action: "lambda:InvokeFunction", Principal: "444455556666"}
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some permission in resources_of_type("AWS::Lambda::Permission")
	certainly(permission, "Properties.Principal", ["*"])
	every key in ["PrincipalOrgID", "SourceArn", "SourceAccount", "FunctionUrlAuthType"] {
		absent(permission, sprintf("Properties.%s", [key]))
	}
	some function in function_permission_anyone_served_by(permission, "Properties.FunctionName")
	v := finding(
		"SAGEMAKER_FUNCTION_PERMISSION_ANYONE", permission, "Properties.Principal",
		sprintf("Any AWS account may invoke %s", [function]),
	)
}

# A value as a list; policies allow a single one wherever they allow several.
function_permission_anyone_listed(value) := value if is_array(value)

function_permission_anyone_listed(value) := [value] if not is_array(value)

# The literal texts of a value; what intrinsics decide is left out.
function_permission_anyone_texts(value) := {text | some text in function_permission_anyone_listed(value); is_string(text)}

# Whether an action of a policy, which may have wildcards, comprises another.
function_permission_anyone_covers(pattern, action) if {
	regex.match(`^[A-Za-z0-9:*?-]+$`, pattern)
	expression := replace(replace(lower(pattern), "*", ".*"), "?", ".")
	regex.match(concat("", ["^", expression, "$"]), lower(action))
}

# Policies that only bound what others allow.
function_permission_anyone_boundaries := {reference.target |
	some _, resource in input.resources
	some reference in resource.outgoingRefs
	startswith(reference.sourcePath, "Properties.PermissionsBoundary")
}

# Identity policies, with the path to them.
function_permission_anyone_documents contains [name, "Properties.PolicyDocument", document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	not name in function_permission_anyone_boundaries
	document := resource.properties.PolicyDocument
}

function_permission_anyone_documents contains [name, sprintf("Properties.Policies.%d.PolicyDocument", [index]), document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	some index, policy in resource.properties.Policies
	document := policy.PolicyDocument
}

# Statements that allow something whatever the conditions of the template are.
function_permission_anyone_statements contains {"name": name, "path": sprintf("%s.Statement.%d", [path, index]), "statement": statement} if {
	some [name, path, document] in function_permission_anyone_documents
	some index, statement in function_permission_anyone_listed(document.Statement)
	statement.Effect == "Allow"
}

# Resources that hold the policies of a role.
function_permission_anyone_policies_of(role) := ({role} | {name |
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
function_permission_anyone_may contains [function, action] if {
	some function in resources_of_type("AWS::Lambda::Function")
	policies := function_permission_anyone_policies_of(follow_ref(function, "Properties.Role"))
	some allowed in function_permission_anyone_statements
	allowed.name in policies
	some pattern in function_permission_anyone_texts(allowed.statement.Action)
	startswith(lower(pattern), "sagemaker:")
	some action in ["InvokeEndpoint", "InvokeEndpointAsync", "InvokeEndpointWithResponseStream"]
	function_permission_anyone_covers(pattern, concat(":", ["sagemaker", action]))
}

function_permission_anyone_serving contains function if some [function, _] in function_permission_anyone_may

# The function behind an alias or a version.
function_permission_anyone_function_of(target) := target if input.resources[target].resourceType == "AWS::Lambda::Function"

function_permission_anyone_function_of(target) := follow_ref(target, "Properties.FunctionName") if {
	input.resources[target].resourceType in {"AWS::Lambda::Alias", "AWS::Lambda::Version"}
}

# Functions that invoke an endpoint, and that a property refers to.
function_permission_anyone_served_by(name, path) := {function |
	some reference in input.resources[name].outgoingRefs
	startswith(reference.sourcePath, path)
	function := function_permission_anyone_function_of(reference.target)
	function in function_permission_anyone_serving
}
