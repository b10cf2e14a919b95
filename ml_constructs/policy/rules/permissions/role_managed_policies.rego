# title = "A role that SageMaker assumes has no AWS-managed policy of full access"
# severity = "error"
# profile = "production"
# intent = """
# AmazonSageMakerFullAccess lets a container create, change and invoke every endpoint, and read every bucket with
# "sagemaker" in its name; AWS made it for people who try things out. Whoever gets code into the container, or an
# artefact that unpickles, has it all.
# """
# fix = "Allow the model's own artefacts, images, logs and keys, by actions and ARNs, in a policy of your own."
# sources = [
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/security-iam-awsmanpol.html",
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html",
# ]
# controls = ["NIST.800-53.r5 AC-6"]
# fails = """
# Resources:
#   Role:
#     Type: AWS::IAM::Role
#     Properties:
#       AssumeRolePolicyDocument:
#         Version: "2012-10-17"
#         Statement: [{Effect: Allow, Principal: {Service: sagemaker.amazonaws.com}, Action: "sts:AssumeRole"}]
#       ManagedPolicyArns: ["arn:aws:iam::aws:policy/AmazonSageMakerFullAccess"]
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
#         - PolicyName: artefacts
#           PolicyDocument:
#             Version: "2012-10-17"
#             Statement: [{Effect: Allow, Action: "s3:GetObject", Resource: "arn:aws:s3:::models/churn/*"}]
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some role in role_managed_policies_execution_roles
	some index, _ in input.resources[role].properties.ManagedPolicyArns
	path := sprintf("Properties.ManagedPolicyArns.%d", [index])
	arns := resolve_all(role, path)
	count(arns) > 0
	every arn in arns {
		regex.match(`^arn:[a-z-]+:iam::aws:policy/(.*FullAccess|AdministratorAccess|PowerUserAccess)$`, arn)
	}
	v := finding(
		"SAGEMAKER_ROLE_MANAGED_POLICIES", role, path,
		sprintf("The role has all that %s allows", [split(arns[0], "/")[1]]),
	)
}

# A value as a list; policies allow a single one wherever they allow several.
role_managed_policies_listed(value) := value if is_array(value)

role_managed_policies_listed(value) := [value] if not is_array(value)

# The literal texts of a value; what intrinsics decide is left out.
role_managed_policies_texts(value) := {text | some text in role_managed_policies_listed(value); is_string(text)}

# Statements by which a service may assume a role.
role_managed_policies_trusts contains {"role": role, "index": index, "statement": statement, "service": service} if {
	some role in resources_of_type("AWS::IAM::Role")
	some index, statement in role_managed_policies_listed(input.resources[role].properties.AssumeRolePolicyDocument.Statement)
	statement.Effect == "Allow"
	some service in role_managed_policies_texts(statement.Principal.Service)
}

# Roles that SageMaker may assume.
role_managed_policies_execution_roles contains trust.role if {
	some trust in role_managed_policies_trusts
	startswith(trust.service, "sagemaker.amazonaws.com")
}
