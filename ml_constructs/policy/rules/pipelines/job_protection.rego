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
	some [name, kind, request] in job_requests
	some path, fault in job_protection_settings[kind]
	job_field(request, split(path, ".")) in [null, false, "", []]
}

job_protection_faults contains [name, "Processing", "writes without a key of yours"] if {
	some [name, "Processing", request] in job_requests
	count(request.ProcessingOutputConfig.Outputs) > 0
	job_field(request, ["ProcessingOutputConfig", "KmsKeyId"]) in [null, ""]
}

job_protection_faults contains [name, "Training", "does not encrypt what its instances tell each other"] if {
	some [name, "Training", request] in job_requests
	request.ResourceConfig.InstanceCount > 1
	job_field(request, ["EnableInterContainerTrafficEncryption"]) in [null, false]
}

violation contains v if {
	some [name, kind, fault] in job_protection_faults
	v := finding("SAGEMAKER_JOB_PROTECTION", name, "Properties", sprintf("A %v job %v", [lower(kind), fault]))
}
