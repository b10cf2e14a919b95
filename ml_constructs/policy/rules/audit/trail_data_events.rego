# title = "A trail records who reads models and captures"
# severity = "error"
# profile = "regulated"
# intent = """
# By default a trail records that a bucket was made, not who read what lies in it. Data events name the principal
# behind each object that is read, replaced or deleted.
# """
# fix = "Add an event selector for AWS::S3::Object with the ARN of the bucket to the trail."
# sources = [
#   "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-data-events-with-cloudtrail.html",
#   "https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html",
# ]
# controls = ["SecurityHub S3.22", "SecurityHub S3.23", "NIST.800-53.r5 AU-12"]
# fails = """
# Resources:
#   Trail:
#     Type: AWS::CloudTrail::Trail
#     Properties:
#       S3BucketName: trails
#       IsLogging: true
#   Bucket:
#     Type: AWS::S3::Bucket
#     Properties: {}
#
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
#   Trail:
#     Type: AWS::CloudTrail::Trail
#     Properties:
#       S3BucketName: trails
#       IsLogging: true
#       EventSelectors:
#         - ReadWriteType: All
#           DataResources: [{Type: "AWS::S3::Object", Values: [{"Fn::Sub": "${Bucket.Arn}/"}]}]
#   Bucket:
#     Type: AWS::S3::Bucket
#     Properties: {}
#
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

# What a trail selects, as text. A selector that only the deployment knows may select objects.
trail_data_events_selectors(trail) := json.marshal([object.get(input.resources[trail].properties, property, []) |
	some property in ["EventSelectors", "AdvancedEventSelectors"]
])

# It names the bucket, or it names no bucket of the template and so means all, or some that are not known.
trail_data_events_recorded(bucket) if {
	some trail in resources_of_type("AWS::CloudTrail::Trail")
	some type in ["AWS::S3::Object", "parameter "]
	contains(trail_data_events_selectors(trail), type)
	named := {edge.target |
		some edge in input.resources[trail].outgoingRefs
		contains(edge.sourcePath, "EventSelectors")
		input.resources[edge.target].resourceType == "AWS::S3::Bucket"
	}
	trail_data_events_among(bucket, named)
}

trail_data_events_recorded(bucket) if {
	literal := resolve(bucket, "Properties.BucketName")
	is_string(literal)
	some trail in resources_of_type("AWS::CloudTrail::Trail")
	contains(trail_data_events_selectors(trail), sprintf(":s3:::%v/", [literal]))
}

trail_data_events_among(bucket, named) if bucket in named

trail_data_events_among(_, named) if count(named) == 0

violation contains v if {
	exists("AWS::CloudTrail::Trail")
	some name in resources_of_type("AWS::S3::Bucket")
	names_bucket(`^AWS::SageMaker::`, name)
	not trail_data_events_recorded(name)
	v := finding(
		"SAGEMAKER_TRAIL_DATA_EVENTS", name, "Properties",
		"No trail records who reads a bucket that SageMaker uses",
	)
}
