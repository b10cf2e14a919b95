# title = "A model waits for the policy that lets its role read the artefact"
# severity = "error"
# profile = "development"
# intent = """
# A policy that is attached to a role is not part of it: CloudFormation creates both the model and the policy as soon
# as the role is there. SageMaker looks for image and artefact when the model is created, and refuses it; on deletion
# the model loses its access first.
# """
# fix = "Name the policy in the model's DependsOn."
# sources = [
#     "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-dependson.html",
#     "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModel.html",
# ]
# fails = """
# Resources:
#   Role:
#     Type: AWS::IAM::Role
#     Properties:
#       AssumeRolePolicyDocument:
#         Version: "2012-10-17"
#         Statement: [{Effect: Allow, Principal: {Service: sagemaker.amazonaws.com}, Action: "sts:AssumeRole"}]
#   Artefacts:
#     Type: AWS::IAM::Policy
#     Properties:
#       PolicyName: artefacts
#       Roles: [{Ref: Role}]
#       PolicyDocument:
#         Version: "2012-10-17"
#         Statement: [{Effect: Allow, Action: "s3:GetObject", Resource: "arn:aws:s3:::models/churn/*"}]
#   Model:
#     Type: AWS::SageMaker::Model
#     Properties:
#       ExecutionRoleArn: {"Fn::GetAtt": [Role, Arn]}
#       PrimaryContainer: {Image: "111122223333.dkr.ecr.eu-west-1.amazonaws.com/churn:1", ModelDataUrl: "s3://models/churn/model.tar.gz"}
# """
# passes = """
# Resources:
#   Role:
#     Type: AWS::IAM::Role
#     Properties:
#       AssumeRolePolicyDocument:
#         Version: "2012-10-17"
#         Statement: [{Effect: Allow, Principal: {Service: sagemaker.amazonaws.com}, Action: "sts:AssumeRole"}]
#   Artefacts:
#     Type: AWS::IAM::Policy
#     Properties:
#       PolicyName: artefacts
#       Roles: [{Ref: Role}]
#       PolicyDocument:
#         Version: "2012-10-17"
#         Statement: [{Effect: Allow, Action: "s3:GetObject", Resource: "arn:aws:s3:::models/churn/*"}]
#   Model:
#     Type: AWS::SageMaker::Model
#     Properties:
#       ExecutionRoleArn: {"Fn::GetAtt": [Role, Arn]}
#       PrimaryContainer: {Image: "111122223333.dkr.ecr.eu-west-1.amazonaws.com/churn:1", ModelDataUrl: "s3://models/churn/model.tar.gz"}
#     DependsOn: Artefacts
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some model in resources_of_type("AWS::SageMaker::Model")
	policies := role_policy_order_policies_of(follow_ref(model, "Properties.ExecutionRoleArn"))
	readers := policies & role_policy_order_readers
	count(readers) > 0
	count(readers & role_policy_order_there_before(model)) == 0
	v := finding(
		"SAGEMAKER_ROLE_POLICY_ORDER", model, "DependsOn",
		sprintf("The model may be created before %s lets its role read", [concat(" or ", readers)]),
	)
}

# Resources that allow to read an artefact or an image.
role_policy_order_readers contains allowed.name if {
	some allowed in role_policy_order_statements
	some pattern in role_policy_order_texts(allowed.statement.Action)
	some action in ["s3:GetObject", "ecr:BatchGetImage"]
	role_policy_order_covers(pattern, action)
}

# Resources that are there before another is: those it refers to, and those before them.
role_policy_order_there_before(name) := first | second | third if {
	first := {reference.target | some reference in input.resources[name].outgoingRefs}
	second := {reference.target | some each in first; some reference in input.resources[each].outgoingRefs}
	third := {reference.target | some each in second; some reference in input.resources[each].outgoingRefs}
}

# A value as a list; policies allow a single one wherever they allow several.
role_policy_order_listed(value) := value if is_array(value)

role_policy_order_listed(value) := [value] if not is_array(value)

# The literal texts of a value; what intrinsics decide is left out.
role_policy_order_texts(value) := {text | some text in role_policy_order_listed(value); is_string(text)}

# Whether an action of a policy, which may have wildcards, comprises another.
role_policy_order_covers(pattern, action) if {
	regex.match(`^[A-Za-z0-9:*?-]+$`, pattern)
	expression := replace(replace(lower(pattern), "*", ".*"), "?", ".")
	regex.match(concat("", ["^", expression, "$"]), lower(action))
}

# Policies that only bound what others allow.
role_policy_order_boundaries := {reference.target |
	some _, resource in input.resources
	some reference in resource.outgoingRefs
	startswith(reference.sourcePath, "Properties.PermissionsBoundary")
}

# Identity policies, with the path to them.
role_policy_order_documents contains [name, "Properties.PolicyDocument", document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	not name in role_policy_order_boundaries
	document := resource.properties.PolicyDocument
}

role_policy_order_documents contains [name, sprintf("Properties.Policies.%d.PolicyDocument", [index]), document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	some index, policy in resource.properties.Policies
	document := policy.PolicyDocument
}

# Statements that allow something whatever the conditions of the template are.
role_policy_order_statements contains {"name": name, "path": sprintf("%s.Statement.%d", [path, index]), "statement": statement} if {
	some [name, path, document] in role_policy_order_documents
	some index, statement in role_policy_order_listed(document.Statement)
	statement.Effect == "Allow"
}

# Resources that hold the policies of a role.
role_policy_order_policies_of(role) := ({role} | {name |
	some name, resource in input.resources
	some reference in resource.outgoingRefs
	reference.target == role
	startswith(resource.resourceType, "AWS::IAM::")
	regex.match(`^Properties\.Role(s\.|Name$)`, reference.sourcePath)
}) | {reference.target |
	some reference in input.resources[role].outgoingRefs
	startswith(reference.sourcePath, "Properties.ManagedPolicyArns")
}
