# Buckets and logs that serve SageMaker.
package ml_constructs

import rego.v1

# What SageMaker resources say, as text.
sagemaker_texts := {name: json.marshal(resource.properties) |
	some name, resource in input.resources
	startswith(resource.resourceType, "AWS::SageMaker::")
}

# Buckets that a SageMaker resource of a type that matches the pattern names, by reference or in an S3 URI.
names_bucket(pattern, bucket) if {
	edge := input.resources[bucket].incomingRefs[_]
	edge.kind != "DependsOn"
	regex.match(pattern, input.resources[edge.source].resourceType)
}

names_bucket(pattern, bucket) if {
	literal := resolve(bucket, "Properties.BucketName")
	is_string(literal)
	some user, marshalled in sagemaker_texts
	regex.match(pattern, input.resources[user].resourceType)
	contains(marshalled, sprintf("s3://%v/", [literal]))
}

# Log groups of a template with SageMaker resources, those that SageMaker writes to, and those of functions that invoke.
sagemaker_logs contains group if {
	some group in resources_of_type("AWS::Logs::LogGroup")
	hosts_sagemaker
}

sagemaker_logs contains group if {
	some group in resources_of_type("AWS::Logs::LogGroup")
	startswith(resolve(group, "Properties.LogGroupName"), "/aws/sagemaker/")
}

sagemaker_logs contains group if {
	some function in invoking_functions
	group := follow_ref(function, "Properties.LoggingConfig.LogGroup")
	input.resources[group].resourceType == "AWS::Logs::LogGroup"
}

# What a key encrypts, and whether that is of SageMaker or serves it.
encrypted_with(key) := {edge.source |
	edge := input.resources[key].incomingRefs[_]
	regex.match(`(?i)kms[a-z]*(id|arn|key)`, edge.sourcePath)
}

serves_sagemaker(name) if startswith(input.resources[name].resourceType, "AWS::SageMaker::")

serves_sagemaker(name) if {
	input.resources[name].resourceType == "AWS::S3::Bucket"
	names_bucket(`^AWS::SageMaker::`, name)
}

serves_sagemaker(name) if name in sagemaker_logs
