# title = "A customer's key encrypts both stores of a feature group"
# severity = "error"
# profile = "regulated"
# intent = """
# Features describe customers. Without keys of yours the offline store is encrypted as its bucket is and the online
# store with a key of AWS, whose use you can neither limit nor withdraw. The keys cannot be set later.
# """
# fix = "Set KmsKeyId in OfflineStoreConfig.S3StorageConfig and in OnlineStoreConfig.SecurityConfig."
# sources = ["https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-security.html"]
# controls = ["NIST.800-53.r5 SC-28"]
# fails = """
# Resources:
#   Features:
#     Type: AWS::SageMaker::FeatureGroup
#     Properties:
#       FeatureGroupName: features
#       RecordIdentifierFeatureName: id
#       EventTimeFeatureName: time
#       FeatureDefinitions: [{FeatureName: id, FeatureType: String}, {FeatureName: time, FeatureType: String}]
#       RoleArn: arn:aws:iam::111122223333:role/features
#       OnlineStoreConfig: {EnableOnlineStore: true}
# """
# passes = """
# Resources:
#   Features:
#     Type: AWS::SageMaker::FeatureGroup
#     Properties:
#       FeatureGroupName: features
#       RecordIdentifierFeatureName: id
#       EventTimeFeatureName: time
#       FeatureDefinitions: [{FeatureName: id, FeatureType: String}, {FeatureName: time, FeatureType: String}]
#       RoleArn: arn:aws:iam::111122223333:role/features
#       OnlineStoreConfig: {EnableOnlineStore: true, SecurityConfig: {KmsKeyId: alias/features}}
# """
# ---
package ml_constructs

import rego.v1

# Each store by the property that switches it on and the one that holds its key.
feature_group_key_stores := {
	"OfflineStoreConfig": ["S3StorageConfig.S3Uri", "S3StorageConfig.KmsKeyId"],
	"OnlineStoreConfig": ["EnableOnlineStore", "SecurityConfig.KmsKeyId"],
}

violation contains v if {
	some name in resources_of_type("AWS::SageMaker::FeatureGroup")
	some store, [used, key] in feature_group_key_stores
	every value in decided(name, sprintf("Properties.%v.%v", [store, used])) {
		not value in [null, false, "false"]
	}
	absent(name, sprintf("Properties.%v.%v", [store, key]))
	v := finding(
		"SAGEMAKER_FEATURE_GROUP_KEY", name, sprintf("Properties.%v", [store]),
		"A store of the feature group has no key of yours",
	)
}
