# title = "The execution role may see the alarms that roll back"
# severity = "error"
# profile = "production"
# intent = """
# SageMaker looks at the alarms of a deployment with the execution role of the model. Without the permission it cannot, and
# the deployment fails or is not protected.
# """
# fix = "Allow the execution role cloudwatch:DescribeAlarms on the alarms."
# sources = ["https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-configuration.html"]
# controls = ["NIST.800-53.r5 SI-17"]
# fails = """
# Resources:
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       ProductionVariants:
#         - {VariantName: main, ModelName: {"Fn::GetAtt": [Model, ModelName]}, InstanceType: ml.m5.large, InitialInstanceCount: 2}
#   Endpoint:
#     Type: AWS::SageMaker::Endpoint
#     Properties:
#       EndpointConfigName: {"Fn::GetAtt": [Config, EndpointConfigName]}
#       DeploymentConfig:
#         AutoRollbackConfiguration: {Alarms: [{AlarmName: errors}]}
#   Model:
#     Type: AWS::SageMaker::Model
#     Properties:
#       ExecutionRoleArn: {"Fn::GetAtt": [Role, Arn]}
#       PrimaryContainer: {Image: '111122223333.dkr.ecr.eu-west-1.amazonaws.com/churn:1'}
#   Role:
#     Type: AWS::IAM::Role
#     Properties:
#       AssumeRolePolicyDocument:
#         Version: "2012-10-17"
#         Statement: [{Effect: Allow, Action: sts:AssumeRole, Principal: {Service: sagemaker.amazonaws.com}}]
# """
# passes = """
# Resources:
#   Config:
#     Type: AWS::SageMaker::EndpointConfig
#     Properties:
#       ProductionVariants:
#         - {VariantName: main, ModelName: {"Fn::GetAtt": [Model, ModelName]}, InstanceType: ml.m5.large, InitialInstanceCount: 2}
#   Endpoint:
#     Type: AWS::SageMaker::Endpoint
#     Properties:
#       EndpointConfigName: {"Fn::GetAtt": [Config, EndpointConfigName]}
#       DeploymentConfig:
#         AutoRollbackConfiguration: {Alarms: [{AlarmName: errors}]}
#   Model:
#     Type: AWS::SageMaker::Model
#     Properties:
#       ExecutionRoleArn: {"Fn::GetAtt": [Role, Arn]}
#       PrimaryContainer: {Image: '111122223333.dkr.ecr.eu-west-1.amazonaws.com/churn:1'}
#   Role:
#     Type: AWS::IAM::Role
#     Properties:
#       AssumeRolePolicyDocument:
#         Version: "2012-10-17"
#         Statement: [{Effect: Allow, Action: sts:AssumeRole, Principal: {Service: sagemaker.amazonaws.com}}]
#       Policies:
#         - PolicyName: watch
#           PolicyDocument:
#             Version: "2012-10-17"
#             Statement: [{Effect: Allow, Action: cloudwatch:DescribeAlarms, Resource: "*"}]
# """
# ---
package ml_constructs

import rego.v1

# The execution roles of an endpoint's models, or of its components, that are in the template.
endpoint_rollback_permission_roles(name) := array.concat(
	[reference |
		some config in configs_of(name)
		variant := input.resources[config].properties.ProductionVariants[_]
		not endpoint_rollback_permission_shared(variant)
		model := endpoint_rollback_permission_ref(object.get(variant, "ModelName", ""))
		reference := object.get(input.resources, [model, "properties", "ExecutionRoleArn"], {})
	],
	[reference |
		some config in configs_of(name)
		reference := input.resources[config].properties.ExecutionRoleArn
	],
)

# Instances of inference components, whose role the configuration names.
endpoint_rollback_permission_shared(variant) if {
	variant.VariantName
	not variant.ModelName
}

endpoint_rollback_permission_ref(reference) := object.get(reference, "__ref", "") if is_object(reference)

endpoint_rollback_permission_ref(reference) := "" if not is_object(reference)

endpoint_rollback_permission_sees(statement) if {
	statement.Effect != "Deny"
	action := lower(json.marshal(statement.Action))
	regex.match(`"(\*|cloudwatch:\*|cloudwatch:d[^"]*\*|cloudwatch:describealarms)"|__dynamic|__conditional`, action)
}

endpoint_rollback_permission_sees(statement) if not statement.Effect

endpoint_rollback_permission_sees(statement) if statement.NotAction

violation contains v if {
	some name in resources_of_type("AWS::SageMaker::Endpoint")
	alarm := input.resources[name].properties.DeploymentConfig.AutoRollbackConfiguration.Alarms[_]
	alarm.AlarmName
	roles := endpoint_rollback_permission_roles(name)
	count(roles) > 0
	every role in roles {
		input.resources[role.__ref].resourceType == "AWS::IAM::Role"
		not inscrutable(role.__ref)
		sees := [statement | some statement in statements_of(role.__ref); endpoint_rollback_permission_sees(statement)]
		count(sees) == 0
	}
	v := finding(
		"SAGEMAKER_ENDPOINT_ROLLBACK_PERMISSION", name, "Properties.DeploymentConfig.AutoRollbackConfiguration",
		"No execution role of the endpoint may see the alarms that roll it back",
	)
}
