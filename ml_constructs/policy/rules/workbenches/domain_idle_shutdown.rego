# title = "A Studio domain shuts idle apps down"
# severity = "warning"
# profile = "production"
# intent = """
# An app that nobody stops costs as much as a busy one, every hour, for each user. Studio shuts idle JupyterLab and
# Code Editor apps down only if told to.
# """
# fix = "Set AppLifecycleManagement.IdleSettings.LifecycleManagement of the apps in DefaultUserSettings to ENABLED."
# sources = ["https://docs.aws.amazon.com/sagemaker/latest/dg/studio-updated-idle-shutdown.html"]
# fails = """
# Resources:
#   Domain:
#     Type: AWS::SageMaker::Domain
#     Properties:
#       DomainName: studio
#       AuthMode: IAM
#       VpcId: vpc-0123456789abcdef0
#       SubnetIds: [subnet-0123456789abcdef0]
#       DefaultUserSettings: {ExecutionRole: "arn:aws:iam::111122223333:role/studio"}
# """
# passes = """
# Resources:
#   Domain:
#     Type: AWS::SageMaker::Domain
#     Properties:
#       DomainName: studio
#       AuthMode: IAM
#       VpcId: vpc-0123456789abcdef0
#       SubnetIds: [subnet-0123456789abcdef0]
#       DefaultUserSettings: 
#         ExecutionRole: arn:aws:iam::111122223333:role/studio
#         JupyterLabAppSettings:
#           AppLifecycleManagement: {IdleSettings: {LifecycleManagement: ENABLED, IdleTimeoutInMinutes: 120}}
# """
# ---
package ml_constructs

import rego.v1

violation contains v if {
	some name in resources_of_type("AWS::SageMaker::Domain")
	every app in ["JupyterLabAppSettings", "CodeEditorAppSettings"] {
		setting := sprintf("Properties.DefaultUserSettings.%v.AppLifecycleManagement.IdleSettings.LifecycleManagement", [app])
		certainly(name, setting, [null, "DISABLED"])
	}
	v := finding(
		"SAGEMAKER_DOMAIN_IDLE_SHUTDOWN", name, "Properties.DefaultUserSettings",
		"Idle apps of the Studio domain run on",
	)
}
