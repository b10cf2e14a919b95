# title = "The execution role may write what the endpoint captures"
# severity = "error"
# profile = "development"
# intent = """
# SageMaker writes captured data with the execution role of the model. Without permission it drops them; the endpoint
# answers as if nothing was wrong, and the bucket stays empty.
# """
# fix = "Allow the role s3:PutObject below DataCaptureConfig.DestinationS3Uri."
# sources = [
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html",
#     "https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html",
# ]
# fails = """
# Resources:
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       DataCaptureConfig:
#         EnableCapture: true
#         InitialSamplingPercentage: 20
#         DestinationS3Uri: {"Fn::Sub": "s3://${Bucket}/capture"}
#         CaptureOptions: [{CaptureMode: Input}, {CaptureMode: Output}]
#         KmsKeyId: alias/capture
#       ProductionVariants:
#         - {VariantName: main, ModelName: {"Fn::GetAtt": [Model, ModelName]}, InstanceType: ml.m5.large, InitialInstanceCount: 2}
#   Model:
#     Type: AWS::SageMaker::Model
#     Properties:
#       ExecutionRoleArn: {"Fn::GetAtt": [Role, Arn]}
#       PrimaryContainer: {Image: '111122223333.dkr.ecr.eu-west-1.amazonaws.com/churn:1'}
#   Role:
#     Type: AWS::IAM::Role
#     Properties:
#       AssumeRolePolicyDocument:
#         Version: "2012-10-17"
#         Statement: [{Effect: Allow, Action: sts:AssumeRole, Principal: {Service: sagemaker.amazonaws.com}}]
#       Policies:
#         - PolicyName: artefacts
#           PolicyDocument:
#             Version: "2012-10-17"
#             Statement: [{Effect: Allow, Action: s3:GetObject, Resource: {"Fn::Sub": "${Bucket.Arn}/*"}}]
#   Bucket: {Type: AWS::S3::Bucket}
# """
# passes = """
# Resources:
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       DataCaptureConfig:
#         EnableCapture: true
#         InitialSamplingPercentage: 20
#         DestinationS3Uri: {"Fn::Sub": "s3://${Bucket}/capture"}
#         CaptureOptions: [{CaptureMode: Input}, {CaptureMode: Output}]
#         KmsKeyId: alias/capture
#       ProductionVariants:
#         - {VariantName: main, ModelName: {"Fn::GetAtt": [Model, ModelName]}, InstanceType: ml.m5.large, InitialInstanceCount: 2}
#   Model:
#     Type: AWS::SageMaker::Model
#     Properties:
#       ExecutionRoleArn: {"Fn::GetAtt": [Role, Arn]}
#       PrimaryContainer: {Image: '111122223333.dkr.ecr.eu-west-1.amazonaws.com/churn:1'}
#   Role:
#     Type: AWS::IAM::Role
#     Properties:
#       AssumeRolePolicyDocument:
#         Version: "2012-10-17"
#         Statement: [{Effect: Allow, Action: sts:AssumeRole, Principal: {Service: sagemaker.amazonaws.com}}]
#       Policies:
#         - PolicyName: artefacts
#           PolicyDocument:
#             Version: "2012-10-17"
#             Statement: [{Effect: Allow, Action: s3:PutObject, Resource: {"Fn::Sub": "${Bucket.Arn}/capture/*"}}]
#   Bucket: {Type: AWS::S3::Bucket}
# """
# ---
package ml_constructs

import rego.v1

# The buckets of the template that a configuration captures to: one, unless its name is put together from several.
endpoint_config_capture_writable_buckets(name) := {edge.target |
	edge := input.resources[name].outgoingRefs[_]
	startswith(edge.sourcePath, "Properties.DataCaptureConfig.DestinationS3Uri")
	not edge.conditionContext
	input.resources[edge.target].resourceType == "AWS::S3::Bucket"
}

# The execution roles of its models that are in the template.
endpoint_config_capture_writable_roles(name) := {role |
	variant := input.resources[name].properties.ProductionVariants[_]
	model := variant.ModelName.__ref
	role := input.resources[model].properties.ExecutionRoleArn.__ref
	input.resources[role].resourceType == "AWS::IAM::Role"
}

# A statement that may allow the role to write to the bucket.
endpoint_config_capture_writable_writes(statement, bucket) if {
	endpoint_config_capture_writable_allows(statement)
	endpoint_config_capture_writable_covers(json.marshal(statement.Resource), bucket)
}

endpoint_config_capture_writable_writes(statement, _) if {
	not statement.Effect
}

endpoint_config_capture_writable_writes(statement, _) if {
	some key in ["NotAction", "NotResource"]
	statement[key]
}

endpoint_config_capture_writable_allows(statement) if {
	statement.Effect != "Deny"
	action := lower(json.marshal(statement.Action))
	regex.match(`"(\*|s3:\*|s3:p[^"]*\*|s3:putobject)"|__dynamic|__conditional`, action)
}

# Names the bucket, or nothing that could be told from it.
endpoint_config_capture_writable_covers(resource, bucket) if {
	some mark in [["{ref:", bucket, "}"], ["${", bucket, "}"], ["${", bucket, "."], ["\"__ref\":\"", bucket, "\""]]
	contains(resource, concat("", mark))
}

endpoint_config_capture_writable_covers(resource, bucket) if {
	name := input.resources[bucket].properties.BucketName
	contains(resource, json.marshal(name))
}

endpoint_config_capture_writable_covers(resource, bucket) if {
	name := input.resources[bucket].properties.BucketName
	is_string(name)
	contains(resource, name)
}

endpoint_config_capture_writable_covers(resource, _) if regex.match(`"\*"|:::[^"/{$]*\*|__conditional|__dynamic`, resource)

# The bucket's own policy may allow it.
endpoint_config_capture_writable_granted(bucket) if {
	some policy in resources_of_type("AWS::S3::BucketPolicy")
	input.resources[policy].properties.Bucket.__ref == bucket
	contains(json.marshal(input.resources[policy].properties.PolicyDocument), "\"Allow\"")
}

violation contains v if {
	some name in resources_of_type("AWS::SageMaker::EndpointConfig")
	count(endpoint_config_capture_writable_buckets(name)) == 1
	some bucket in endpoint_config_capture_writable_buckets(name)
	not endpoint_config_capture_writable_granted(bucket)
	some role in endpoint_config_capture_writable_roles(name)
	not inscrutable(role)
	writes := [statement | some statement in statements_of(role); endpoint_config_capture_writable_writes(statement, bucket)]
	count(writes) == 0
	v := finding(
		"SAGEMAKER_ENDPOINT_CONFIG_CAPTURE_WRITABLE", name, "Properties.DataCaptureConfig.DestinationS3Uri",
		sprintf("The role %s may not write captured data to %s", [role, bucket]),
	)
}
