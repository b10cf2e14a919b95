# title = "A bucket of model artefacts keeps versions"
# severity = "error"
# profile = "production"
# intent = """
# An artefact that is overwritten or deleted takes every instance down that starts later: at the next scaling, at the
# next replacement of an instance, at the rollback. A version can be restored.
# """
# fix = "Set VersioningConfiguration.Status of the bucket to Enabled."
# sources = [
#   "https://docs.aws.amazon.com/AmazonS3/latest/userguide/Versioning.html",
#   "https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html",
# ]
# controls = ["SecurityHub S3.14", "NIST.800-53.r5 CP-10"]
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
# """
# passes = """
# Resources:
#   Bucket:
#     Type: AWS::S3::Bucket
#     Properties:
#       VersioningConfiguration: {Status: Enabled}
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
	some name in resources_of_type("AWS::S3::Bucket")
	names_bucket(`^AWS::SageMaker::Model(Package)?$`, name)
	certainly(name, "Properties.VersioningConfiguration.Status", [null, "Suspended"])
	v := finding(
		"SAGEMAKER_BUCKET_VERSIONING", name, "Properties.VersioningConfiguration",
		"The bucket of a model keeps no versions",
	)
}
