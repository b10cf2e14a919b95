# title = "A workflow that judges no model approves none"
# severity = "error"
# profile = "production"
# intent = """
# A model that is registered as approved can be deployed at once. Without a condition on its quality before, or a
# person after, whatever training produced goes live.
# """
# fix = "Register with ModelApprovalStatus PendingManualApproval, or after a condition on the evaluation."
# sources = ["https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry-approve.html"]
# controls = ["NIST.800-53.r5 CM-3"]
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
#             Resource: arn:aws:states:::sagemaker:createModelPackage
#             End: true
#             Parameters:
#               ModelPackageGroupName: models
#               ModelApprovalStatus: Approved
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
#             Resource: arn:aws:states:::sagemaker:createModelPackage
#             End: true
#             Parameters:
#               ModelPackageGroupName: models
#               ModelApprovalStatus: PendingManualApproval
# """
# ---
package ml_constructs

import rego.v1



workflow_approval_conditional(definition) if {
	some property in ["States", "Steps"]
	step := definition[property][_]
	step.Type in ["Choice", "Condition"]
}

workflow_approval_requests contains [name, request] if {
	some [name, definition] in job_definitions
	not workflow_approval_conditional(definition)
	state := definition.States[_]
	endswith(state.Resource, ":sagemaker:createModelPackage")
	some property in ["Parameters", "Arguments"]
	request := state[property]
}

workflow_approval_requests contains [name, step.Arguments] if {
	some [name, definition] in job_definitions
	not workflow_approval_conditional(definition)
	step := definition.Steps[_]
	step.Type == "RegisterModel"
}

violation contains v if {
	some [name, request] in workflow_approval_requests
	request.ModelApprovalStatus == "Approved"
	v := finding(
		"SAGEMAKER_WORKFLOW_APPROVAL", name, "Properties",
		"The workflow approves a model that nothing has judged",
	)
}
