# title = "A Spot training job waits at least as long as it may run"
# severity = "error"
# profile = "development"
# intent = """
# MaxWaitTimeInSeconds counts the wait for Spot capacity and the run. SageMaker rejects a job whose wait is missing or
# shorter than MaxRuntimeInSeconds, so the workflow fails each time it gets there.
# """
# fix = "Set StoppingCondition.MaxWaitTimeInSeconds to MaxRuntimeInSeconds or more."
# sources = ["https://docs.aws.amazon.com/sagemaker/latest/dg/model-managed-spot-training.html"]
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
#               EnableManagedSpotTraining: true
#               StoppingCondition: {MaxRuntimeInSeconds: 3600}
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
#               EnableManagedSpotTraining: true
#               StoppingCondition: {MaxRuntimeInSeconds: 3600, MaxWaitTimeInSeconds: 7200}
# """
# ---
package ml_constructs

import rego.v1

job_spot_wait_short(condition) if {
	object.get(condition, "MaxWaitTimeInSeconds", null) == null
	object.get(condition, "MaxWaitTimeInSeconds.$", null) == null
}

job_spot_wait_short(condition) if {
	is_number(condition.MaxWaitTimeInSeconds)
	condition.MaxWaitTimeInSeconds < condition.MaxRuntimeInSeconds
}

violation contains v if {
	some [name, "Training", request] in job_requests
	request.EnableManagedSpotTraining == true
	is_number(request.StoppingCondition.MaxRuntimeInSeconds)
	job_spot_wait_short(request.StoppingCondition)
	v := finding(
		"SAGEMAKER_JOB_SPOT_WAIT", name, "Properties",
		"A Spot training job waits for less time than it may run",
	)
}
