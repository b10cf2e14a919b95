# title = "An execution role pulls images and pushes none"
# severity = "error"
# profile = "production"
# intent = """
# A container that may write to the registry it came from can replace the images of every model that pulls from it:
# what runs next is no longer what was reviewed.
# """
# fix = "Allow ecr:BatchGetImage, ecr:GetDownloadUrlForLayer and ecr:BatchCheckLayerAvailability on the image's repository, and ecr:GetAuthorizationToken."
# sources = ["https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html"]
# controls = ["NIST.800-53.r5 AC-6", "NIST.800-53.r5 SI-7"]
# fails = """
# Resources:
#   Role:
#     Type: AWS::IAM::Role
#     Properties:
#       AssumeRolePolicyDocument:
#         Version: "2012-10-17"
#         Statement: [{Effect: Allow, Principal: {Service: sagemaker.amazonaws.com}, Action: "sts:AssumeRole"}]
#       Policies:
#         - PolicyName: images
#           PolicyDocument:
#             Version: "2012-10-17"
#             Statement: [{Effect: Allow, Action: "ecr:*", Resource: "arn:aws:ecr:eu-west-1:111122223333:repository/churn"}]
#   Model:
#     Type: AWS::SageMaker::Model
#     Properties:
#       ExecutionRoleArn: {"Fn::GetAtt": [Role, Arn]}
#       PrimaryContainer: {Image: "111122223333.dkr.ecr.eu-west-1.amazonaws.com/churn:1"}
# """
# passes = """
# Resources:
#   Role:
#     Type: AWS::IAM::Role
#     Properties:
#       AssumeRolePolicyDocument:
#         Version: "2012-10-17"
#         Statement: [{Effect: Allow, Principal: {Service: sagemaker.amazonaws.com}, Action: "sts:AssumeRole"}]
#       Policies:
#         - PolicyName: images
#           PolicyDocument:
#             Version: "2012-10-17"
#             Statement:
#               - Effect: Allow
#                 Action: ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability"]
#                 Resource: arn:aws:ecr:eu-west-1:111122223333:repository/churn
#               - {Effect: Allow, Action: "ecr:GetAuthorizationToken", Resource: "*"}
#   Model:
#     Type: AWS::SageMaker::Model
#     Properties:
#       ExecutionRoleArn: {"Fn::GetAtt": [Role, Arn]}
#       PrimaryContainer: {Image: "111122223333.dkr.ecr.eu-west-1.amazonaws.com/churn:1"}
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some model in resources_of_type("AWS::SageMaker::Model")
	role := follow_ref(model, "Properties.ExecutionRoleArn")
	policies := execution_role_images_policies_of(role)
	some allowed in execution_role_images_statements
	allowed.name in policies
	some action in execution_role_images_texts(allowed.statement.Action)
	startswith(lower(action), "ecr:")
	some write in ["ecr:PutImage", "ecr:CompleteLayerUpload", "ecr:BatchDeleteImage", "ecr:SetRepositoryPolicy"]
	execution_role_images_covers(action, write)
	v := finding(
		"SAGEMAKER_EXECUTION_ROLE_IMAGES", allowed.name, allowed.path,
		sprintf("The role of %s may use %s", [model, action]),
	)
}

# A value as a list; policies allow a single one wherever they allow several.
execution_role_images_listed(value) := value if is_array(value)

execution_role_images_listed(value) := [value] if not is_array(value)

# The literal texts of a value; what intrinsics decide is left out.
execution_role_images_texts(value) := {text | some text in execution_role_images_listed(value); is_string(text)}

# Whether an action of a policy, which may have wildcards, comprises another.
execution_role_images_covers(pattern, action) if {
	regex.match(`^[A-Za-z0-9:*?-]+$`, pattern)
	expression := replace(replace(lower(pattern), "*", ".*"), "?", ".")
	regex.match(concat("", ["^", expression, "$"]), lower(action))
}

# Policies that only bound what others allow.
execution_role_images_boundaries := {reference.target |
	some _, resource in input.resources
	some reference in resource.outgoingRefs
	startswith(reference.sourcePath, "Properties.PermissionsBoundary")
}

# Identity policies, with the path to them.
execution_role_images_documents contains [name, "Properties.PolicyDocument", document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	not name in execution_role_images_boundaries
	document := resource.properties.PolicyDocument
}

execution_role_images_documents contains [name, sprintf("Properties.Policies.%d.PolicyDocument", [index]), document] if {
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::IAM::")
	some index, policy in resource.properties.Policies
	document := policy.PolicyDocument
}

# Statements that allow something whatever the conditions of the template are.
execution_role_images_statements contains {"name": name, "path": sprintf("%s.Statement.%d", [path, index]), "statement": statement} if {
	some [name, path, document] in execution_role_images_documents
	some index, statement in execution_role_images_listed(document.Statement)
	statement.Effect == "Allow"
}

# Resources that hold the policies of a role.
execution_role_images_policies_of(role) := ({role} | {name |
	some name, resource in input.resources
	some reference in resource.outgoingRefs
	reference.target == role
	startswith(resource.resourceType, "AWS::IAM::")
	regex.match(`^Properties\.Role(s\.|Name$)`, reference.sourcePath)
}) | {reference.target |
	some reference in input.resources[role].outgoingRefs
	startswith(reference.sourcePath, "Properties.ManagedPolicyArns")
}
