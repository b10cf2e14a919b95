# title = "Jobs of workflows run closed in and encrypt what they write"
# severity = "error"
# profile = "regulated"
# intent = """
# A training or processing job reads the raw data. Outside a VPC, or without network isolation, its code can send them
# anywhere; without a key of yours its results are encrypted as their bucket happens to be; and instances of one job
# talk to each other in the clear unless told otherwise.
# """
# fix = "Set VpcConfig, EnableNetworkIsolation, KmsKeyId of the output and EnableInterContainerTrafficEncryption."
# sources = [
#   "https://docs.aws.amazon.com/sagemaker/latest/dg/train-vpc.html",
#   "https://docs.aws.amazon.com/sagemaker/latest/dg/mkt-algo-model-internet-free.html",
#   "https://docs.aws.amazon.com/sagemaker/latest/dg/train-encrypt.html",
# ]
# controls = ["NIST.800-53.r5 SC-7", "NIST.800-53.r5 SC-8", "NIST.800-53.r5 SC-28"]
# fails = """
# Resources:
#   Machine:
#     Type: AWS::StepFunctions::StateMachine
#     Properties:
#       RoleArn: arn:aws:iam::111122223333:role/train
#       Definition:
#         StartAt: Train
#         States:
#           Train:
#             Type: Task
#             Resource: arn:aws:states:::sagemaker:createTrainingJob.sync
#             End: true
#             Parameters:
#               TrainingJobName.$: $.name
#               EnableNetworkIsolation: true
#               EnableInterContainerTrafficEncryption: true
#               OutputDataConfig: {S3OutputPath: "s3://models/", KmsKeyId: alias/models}
#               ResourceConfig: {InstanceType: ml.m5.large, InstanceCount: 2, VolumeSizeInGB: 10}
# """
# passes = """
# Resources:
#   Machine:
#     Type: AWS::StepFunctions::StateMachine
#     Properties:
#       RoleArn: arn:aws:iam::111122223333:role/train
#       Definition:
#         StartAt: Train
#         States:
#           Train:
#             Type: Task
#             Resource: arn:aws:states:::sagemaker:createTrainingJob.sync
#             End: true
#             Parameters:
#               TrainingJobName.$: $.name
#               EnableNetworkIsolation: true
#               EnableInterContainerTrafficEncryption: true
#               VpcConfig: {Subnets: [subnet-0123456789abcdef0], SecurityGroupIds: [sg-0123456789abcdef0]}
#               OutputDataConfig: {S3OutputPath: "s3://models/", KmsKeyId: alias/models}
#               ResourceConfig: {InstanceType: ml.m5.large, InstanceCount: 2, VolumeSizeInGB: 10}
# """
# ---
package ml_constructs

import rego.v1

# Definitions of state machines and SageMaker pipelines, read as JSON; text with references in it can be read, too.
job_protection_definitions contains [name, definition] if {
	some name in resources_of_type("AWS::StepFunctions::StateMachine")
	some property in ["Definition", "DefinitionString"]
	definition := job_protection_definition(input.resources[name].properties[property])
}

job_protection_definitions contains [name, definition] if {
	some name in resources_of_type("AWS::SageMaker::Pipeline")
	definition := job_protection_definition(input.resources[name].properties.PipelineDefinition.PipelineDefinitionBody)
}

job_protection_definition(text) := json.unmarshal(text) if is_string(text)

job_protection_definition(value) := value if is_object(value.States)

job_protection_definition(value) := json.unmarshal(regex.replace(value.__dynamic, `^(Join|Sub):`, ""))

# Their steps, also those inside one map, branch or condition.
job_protection_steps contains [name, step] if {
	some [name, definition] in job_protection_definitions
	some property in ["States", "Steps"]
	some step in definition[property]
}

job_protection_steps contains [name, step] if {
	some [name, definition] in job_protection_definitions
	some state in definition.States
	some property in ["ItemProcessor", "Iterator"]
	some step in state[property].States
}

job_protection_steps contains [name, step] if {
	some [name, definition] in job_protection_definitions
	some state in definition.States
	some branch in state.Branches
	some step in branch.States
}

job_protection_steps contains [name, step] if {
	some [name, definition] in job_protection_definitions
	some condition in definition.Steps
	some property in ["IfSteps", "ElseSteps"]
	some step in condition.Arguments[property]
}

# What they ask SageMaker for, by the kind of job.
job_protection_requests contains [name, kind, request] if {
	some [name, step] in job_protection_steps
	some kind in ["Training", "Processing", "Transform"]
	regex.match(sprintf(`:sagemaker:create%vJob(\.sync)?$`, [kind]), step.Resource)
	some property in ["Parameters", "Arguments"]
	request := step[property]
	is_object(request)
}

job_protection_requests contains [name, kind, request] if {
	some [name, step] in job_protection_steps
	kind := step.Type
	kind in ["Training", "Processing", "Transform"]
	request := step.Arguments
}

# A field, or `null` where it is left out; undefined where a path or an expression sets it when the job starts.
job_protection_field(request, path) := null if {
	object.get(request, path, null) == null
	not job_protection_dynamic(request, path)
}

job_protection_field(request, path) := value if {
	value := object.get(request, path, null)
	value != null
}

job_protection_dynamic(request, path) if {
	some depth in numbers.range(1, count(path))
	selected := sprintf("%v.$", [path[depth - 1]])
	object.get(request, array.concat(array.slice(path, 0, depth - 1), [selected]), null) != null
}

job_protection_dynamic(request, path) if {
	some depth in numbers.range(1, count(path) - 1)
	parent := object.get(request, array.slice(path, 0, depth), {})
	not is_object(parent)
}

job_protection_dynamic(request, path) if {
	some depth in numbers.range(1, count(path) - 1)
	some mark in ["Get", "Std:Join", "__dynamic", "__conditional", "__ref"]
	object.get(request, array.concat(array.slice(path, 0, depth), [mark]), null) != null
}

# By kind of job, where each protection is set and what is said without it.
job_protection_settings := {
	"Training": {
		"VpcConfig.Subnets": "runs in no VPC of yours",
		"EnableNetworkIsolation": "can reach the network",
		"OutputDataConfig.KmsKeyId": "writes without a key of yours",
	},
	"Processing": {
		"NetworkConfig.VpcConfig.Subnets": "runs in no VPC of yours",
		"NetworkConfig.EnableNetworkIsolation": "can reach the network",
	},
	"Transform": {"TransformOutput.KmsKeyId": "writes without a key of yours"},
}

job_protection_faults contains [name, kind, fault] if {
	some [name, kind, request] in job_protection_requests
	some path, fault in job_protection_settings[kind]
	job_protection_field(request, split(path, ".")) in [null, false, "", []]
}

job_protection_faults contains [name, "Processing", "writes without a key of yours"] if {
	some [name, "Processing", request] in job_protection_requests
	count(request.ProcessingOutputConfig.Outputs) > 0
	job_protection_field(request, ["ProcessingOutputConfig", "KmsKeyId"]) in [null, ""]
}

job_protection_faults contains [name, "Training", "does not encrypt what its instances tell each other"] if {
	some [name, "Training", request] in job_protection_requests
	request.ResourceConfig.InstanceCount > 1
	job_protection_field(request, ["EnableInterContainerTrafficEncryption"]) in [null, false]
}

violation contains v if {
	some [name, kind, fault] in job_protection_faults
	v := finding("SAGEMAKER_JOB_PROTECTION", name, "Properties", sprintf("A %v job %v", [lower(kind), fault]))
}
