# title = "An execution role reads and writes named buckets"
# severity = "error"
# profile = "production"
# intent = """
# With s3:* or with objects of every bucket, the code inside a model's container, or an artefact that runs code when
# it is loaded, reads and overwrites all data of the account.
# """
# fix = "Allow s3:GetObject on the artefact's key, and s3:PutObject on the prefix that the endpoint writes to."
# sources = ["https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html"]
# controls = ["NIST.800-53.r5 AC-6"]
# fails = """
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
#             Statement: [{Effect: Allow, Action: "s3:GetObject", Resource: "*"}]
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
	some role in execution_roles
	attached := policies_of(role)
	some allowance in allowances
	allowance.name in attached
	unconditional(allowance.statement)
	some action in texts(allowance.statement.Action)
	execution_role_storage_too_much(action, allowance.statement.Resource)
	v := finding(
		"SAGEMAKER_EXECUTION_ROLE_STORAGE", allowance.name, allowance.path,
		sprintf("%s may use %s, on more than a model needs", [role, action]),
	)
}

execution_role_storage_too_much(action, _) if regex.match(`^s3:\*+$`, lower(action))

execution_role_storage_too_much(action, resources) if {
	some object_action in ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
	covers(action, object_action)
	some resource in texts(resources)
	regex.match(`^(\*|arn:[a-z*-]+:s3:::\*(/\*)?)$`, resource)
}
