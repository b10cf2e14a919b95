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
		some config in endpoint_rollback_permission_configs(name)
		variant := input.resources[config].properties.ProductionVariants[_]
		not endpoint_rollback_permission_shared(variant)
		model := endpoint_rollback_permission_ref(object.get(variant, "ModelName", ""))
		reference := object.get(input.resources, [model, "properties", "ExecutionRoleArn"], {})
	],
	[reference |
		some config in endpoint_rollback_permission_configs(name)
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

# The configuration of an endpoint, if it is in the template.
endpoint_rollback_permission_configs(name) := {config |
	some config in resources_of_type("AWS::SageMaker::EndpointConfig")
	endpoint_rollback_permission_means(input.resources[name].properties.EndpointConfigName, config)
}

endpoint_rollback_permission_means(reference, config) if reference.__ref == config

endpoint_rollback_permission_means(reference, config) if reference == input.resources[config].properties.EndpointConfigName

# The statements of policies that name the role, or that it names.
endpoint_rollback_permission_statements(role) := [statement |
	some document in array.concat(endpoint_rollback_permission_inline(role), endpoint_rollback_permission_attached(role))
	statement := document.Statement[_]
]

endpoint_rollback_permission_inline(role) := [policy.PolicyDocument | policy := input.resources[role].properties.Policies[_]]

endpoint_rollback_permission_attached(role) := [input.resources[policy].properties.PolicyDocument |
	some type in ["AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy"]
	some policy in resources_of_type(type)
	endpoint_rollback_permission_reaches(policy, role)
]

# A policy refers to a role, or a role to a policy, somewhere.
endpoint_rollback_permission_reaches(policy, role) if {
	edge := input.resources[policy].outgoingRefs[_]
	edge.target == role
}

endpoint_rollback_permission_reaches(policy, role) if {
	edge := input.resources[role].outgoingRefs[_]
	edge.target == policy
}

# By the name of the role, where both say it.
endpoint_rollback_permission_reaches(policy, role) if {
	input.resources[role].properties.RoleName in input.resources[policy].properties.Roles
}

# A policy of elsewhere, or one that cannot be read, may allow anything.
endpoint_rollback_permission_unknown(role) if {
	policy := input.resources[role].properties.ManagedPolicyArns[_]
	not policy.__ref
}

endpoint_rollback_permission_unknown(role) if {
	some key in ["ManagedPolicyArns", "Policies"]
	value := input.resources[role].properties[key]
	not is_array(value)
}

endpoint_rollback_permission_unknown(role) if {
	some document in array.concat(endpoint_rollback_permission_inline(role), endpoint_rollback_permission_attached(role))
	not is_array(document.Statement)
}

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
		not endpoint_rollback_permission_unknown(role.__ref)
		sees := [statement | some statement in endpoint_rollback_permission_statements(role.__ref); endpoint_rollback_permission_sees(statement)]
		count(sees) == 0
	}
	v := finding(
		"SAGEMAKER_ENDPOINT_ROLLBACK_PERMISSION", name, "Properties.DeploymentConfig.AutoRollbackConfiguration",
		"No execution role of the endpoint may see the alarms that roll it back",
	)
}
