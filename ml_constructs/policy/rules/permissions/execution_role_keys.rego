# title = "An execution role uses named keys"
# severity = "error"
# profile = "production"
# intent = """
# With kms:Decrypt on every key, the container reads whatever data its other permissions let it fetch, encryption or
# not.
# """
# fix = "Name the keys, or narrow the statement to a service and account with kms:ViaService and kms:CallerAccount."
# sources = [
#     "https://docs.aws.amazon.com/securityhub/latest/userguide/kms-controls.html",
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html",
# ]
# controls = ["SecurityHub KMS.1", "SecurityHub KMS.2", "NIST.800-53.r5 AC-6"]
# fails = """
# Resources:
#   Role:
#     Type: AWS::IAM::Role
#     Properties:
#       AssumeRolePolicyDocument:
#         Version: "2012-10-17"
#         Statement: [{Effect: Allow, Principal: {Service: sagemaker.amazonaws.com}, Action: "sts:AssumeRole"}]
#       Policies:
#         - PolicyName: keys
#           PolicyDocument:
#             Version: "2012-10-17"
#             Statement: [{Effect: Allow, Action: ["kms:Decrypt", "kms:GenerateDataKey"], Resource: "*"}]
# """
# passes = """
# Resources:
#   Key:
#     Type: AWS::KMS::Key
#   Role:
#     Type: AWS::IAM::Role
#     Properties:
#       AssumeRolePolicyDocument:
#         Version: "2012-10-17"
#         Statement: [{Effect: Allow, Principal: {Service: sagemaker.amazonaws.com}, Action: "sts:AssumeRole"}]
#       Policies:
#         - PolicyName: keys
#           PolicyDocument:
#             Version: "2012-10-17"
#             Statement: [{Effect: Allow, Action: ["kms:Decrypt", "kms:GenerateDataKey"], Resource: {"Fn::GetAtt": [Key, Arn]}}]
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some role in execution_roles
	attached := policies_of(role)
	some allowance in allowances
	allowance.name in attached
	unconditional(allowance.statement)
	some action in texts(allowance.statement.Action)
	startswith(lower(action), "kms:")
	some use in ["kms:Decrypt", "kms:ReEncryptFrom", "kms:CreateGrant"]
	covers(action, use)
	some resource in listed(allowance.statement.Resource)
	regex.match(`^(\*|arn:[^/]*:(\*|key/\*))$`, text_of(resource))
	v := finding(
		"SAGEMAKER_EXECUTION_ROLE_KEYS", allowance.name, allowance.path,
		sprintf("%s may use %s with every key", [role, action]),
	)
}
