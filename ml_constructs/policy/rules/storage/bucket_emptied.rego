# title = "No stack empties a bucket of models, captures or results"
# severity = "error"
# profile = "production"
# intent = """
# A custom resource that deletes the objects with the stack deletes them also when the bucket is renamed or moved to
# another stack: models that endpoints still load, and evidence that was to be kept.
# """
# fix = "Leave auto_delete_objects of the bucket out, and retain it."
# sources = [
#   "https://docs.aws.amazon.com/cdk/v2/guide/resources.html",
#   "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html",
# ]
# fails = """
# Resources:
#   Bucket:
#     Type: AWS::S3::Bucket
#   Model:
#     Type: AWS::SageMaker::Model
#     Properties:
#       ExecutionRoleArn: arn:aws:iam::111122223333:role/model
#       PrimaryContainer:
#         Image: 111122223333.dkr.ecr.us-east-1.amazonaws.com/model@sha256:0
#         ModelDataUrl: {"Fn::Sub": "s3://${Bucket}/model.tar.gz"}
#   Emptied:
#     Type: Custom::S3AutoDeleteObjects
#     Properties: {ServiceToken: "arn:aws:lambda:us-east-1:111122223333:function:empty", BucketName: {Ref: Bucket}}
# """
# passes = """
# Resources:
#   Bucket:
#     Type: AWS::S3::Bucket
#     DeletionPolicy: Retain
#     UpdateReplacePolicy: Retain
#   Model:
#     Type: AWS::SageMaker::Model
#     Properties:
#       ExecutionRoleArn: arn:aws:iam::111122223333:role/model
#       PrimaryContainer:
#         Image: 111122223333.dkr.ecr.us-east-1.amazonaws.com/model@sha256:0
#         ModelDataUrl: {"Fn::Sub": "s3://${Bucket}/model.tar.gz"}
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some emptier in resources_of_type("Custom::S3AutoDeleteObjects")
	name := follow_ref(emptier, "Properties.BucketName")
	names_bucket(`^AWS::SageMaker::`, name)
	v := finding(
		"SAGEMAKER_BUCKET_EMPTIED", name, "Properties",
		"The stack deletes all objects of a bucket that SageMaker uses",
	)
}
