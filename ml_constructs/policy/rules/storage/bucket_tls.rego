# title = "A bucket of models, captures or results refuses requests without TLS"
# severity = "error"
# profile = "regulated"
# intent = """
# Auditors ask for evidence that data is encrypted on the way. A bucket policy that refuses everything else is that
# evidence, whatever the client.
# """
# fix = "Add a bucket policy that denies s3:* where aws:SecureTransport is false."
# sources = [
#   "https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html",
#   "https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html",
# ]
# controls = ["SecurityHub S3.5", "NIST.800-53.r5 SC-8"]
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
#   Model:
#     Type: AWS::SageMaker::Model
#     Properties:
#       ExecutionRoleArn: arn:aws:iam::111122223333:role/model
#       PrimaryContainer:
#         Image: 111122223333.dkr.ecr.us-east-1.amazonaws.com/model@sha256:0
#         ModelDataUrl: {"Fn::Sub": "s3://${Bucket}/model.tar.gz"}
#   Policy:
#     Type: AWS::S3::BucketPolicy
#     Properties:
#       Bucket: {Ref: Bucket}
#       PolicyDocument:
#         Version: "2012-10-17"
#         Statement:
#           - Effect: Deny
#             Principal: "*"
#             Action: "s3:*"
#             Resource: {"Fn::Sub": "${Bucket.Arn}/*"}
#             Condition: {Bool: {"aws:SecureTransport": false}}
# """
# ---
package ml_constructs

import rego.v1

bucket_tls_refused(name) if {
	some edge in input.resources[name].incomingRefs
	edge.sourcePath == "Properties.Bucket"
	policy := input.resources[edge.source]
	policy.resourceType == "AWS::S3::BucketPolicy"
	bucket_tls_refuses(policy.properties.PolicyDocument)
}

# A policy whose statements only the deployment knows may refuse them too.
bucket_tls_refuses(document) if not is_array(object.get(document, "Statement", null))

bucket_tls_refuses(document) if {
	some statement in listed(document.Statement)
	not statement.Effect == "Allow"
	some key in ["aws:SecureTransport", "s3:TlsVersion", "__dynamic", "__conditional"]
	contains(json.marshal(statement), key)
}

violation contains v if {
	some name in resources_of_type("AWS::S3::Bucket")
	names_bucket(`^AWS::SageMaker::`, name)
	not bucket_tls_refused(name)
	v := finding(
		"SAGEMAKER_BUCKET_TLS", name, "Properties",
		"A bucket that SageMaker uses answers requests without TLS",
	)
}
