# title = "A model waits for the policy that lets its role read the artefact"
# severity = "error"
# profile = "development"
# intent = """
# A policy that is attached to a role is not part of it: CloudFormation creates both the model and the policy as soon
# as the role is there. SageMaker looks for image and artefact when the model is created, and refuses it; on deletion
# the model loses its access first.
# """
# fix = "Name the policy in the model's DependsOn."
# sources = [
#     "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-dependson.html",
#     "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModel.html",
# ]
# fails = """
# Resources:
#   Role:
#     Type: AWS::IAM::Role
#     Properties:
#       AssumeRolePolicyDocument:
#         Version: "2012-10-17"
#         Statement: [{Effect: Allow, Principal: {Service: sagemaker.amazonaws.com}, Action: "sts:AssumeRole"}]
#   Artefacts:
#     Type: AWS::IAM::Policy
#     Properties:
#       PolicyName: artefacts
#       Roles: [{Ref: Role}]
#       PolicyDocument:
#         Version: "2012-10-17"
#         Statement: [{Effect: Allow, Action: "s3:GetObject", Resource: "arn:aws:s3:::models/churn/*"}]
#   Model:
#     Type: AWS::SageMaker::Model
#     Properties:
#       ExecutionRoleArn: {"Fn::GetAtt": [Role, Arn]}
#       PrimaryContainer: {Image: "111122223333.dkr.ecr.eu-west-1.amazonaws.com/churn:1", ModelDataUrl: "s3://models/churn/model.tar.gz"}
# """
# passes = """
# Resources:
#   Role:
#     Type: AWS::IAM::Role
#     Properties:
#       AssumeRolePolicyDocument:
#         Version: "2012-10-17"
#         Statement: [{Effect: Allow, Principal: {Service: sagemaker.amazonaws.com}, Action: "sts:AssumeRole"}]
#   Artefacts:
#     Type: AWS::IAM::Policy
#     Properties:
#       PolicyName: artefacts
#       Roles: [{Ref: Role}]
#       PolicyDocument:
#         Version: "2012-10-17"
#         Statement: [{Effect: Allow, Action: "s3:GetObject", Resource: "arn:aws:s3:::models/churn/*"}]
#   Model:
#     Type: AWS::SageMaker::Model
#     Properties:
#       ExecutionRoleArn: {"Fn::GetAtt": [Role, Arn]}
#       PrimaryContainer: {Image: "111122223333.dkr.ecr.eu-west-1.amazonaws.com/churn:1", ModelDataUrl: "s3://models/churn/model.tar.gz"}
#     DependsOn: Artefacts
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some model in resources_of_type("AWS::SageMaker::Model")
	attached := policies_of(follow_ref(model, "Properties.ExecutionRoleArn"))
	readers := attached & role_policy_order_readers
	count(readers) > 0
	count(readers & role_policy_order_there_before(model)) == 0
	v := finding(
		"SAGEMAKER_ROLE_POLICY_ORDER", model, "DependsOn",
		sprintf("The model may be created before %s lets its role read", [concat(" or ", readers)]),
	)
}

# Resources that allow to read an artefact or an image.
role_policy_order_readers contains allowance.name if {
	some allowance in allowances
	some pattern in texts(allowance.statement.Action)
	some action in ["s3:GetObject", "ecr:BatchGetImage"]
	covers(pattern, action)
}

# Resources that are there before another is: those it refers to, and those before them.
role_policy_order_there_before(name) := first | second | third if {
	first := {reference.target | some reference in input.resources[name].outgoingRefs}
	second := {reference.target | some each in first; some reference in input.resources[each].outgoingRefs}
	third := {reference.target | some each in second; some reference in input.resources[each].outgoingRefs}
}
