"""One property of an example stack broken at a time: the rule meant for it says so, and had said nothing before.

The stacks are those of `tests/snapshots`. A resource is named as its construct is, without the hash of its logical id.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
from cloudformation_validate import (
    CompositeEngine,
    CompositeEngineConfig,
    ExternalRuleSource,
    TemplateContent,
    ValidateConfig,
)

from ml_constructs.policy.rule import PREFIX, Profile, Severity, chosen, rules, sources

SNAPSHOTS: Final = Path(__file__).parents[1] / "snapshots/__snapshots__/test_stacks"
GONE: Final = "(gone)"
WANTED: Final = 100

INSTANCES: Final = "Realtime DogBreeds Shadow PrivateApi Queue Stream Pipeline MultiRegionMain MultiRegionStandby"
REGISTRY: Final = "111122223333.dkr.ecr.us-east-1.amazonaws.com"
PUBLIC_IMAGE: Final = "public.ecr.aws/nginx/nginx:1.27"
PASSWORD: Final = {"DATABASE_PASSWORD": "correct horse battery staple"}
SECRET: Final = "correct-horse-battery-staple"
FIRST_ZONE: Final = {"Fn::Select": [0, {"Fn::GetAZs": ""}]}
WORLD: Final = [{"CidrIp": "0.0.0.0/0", "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}]
CHAMPIONS_ROLE: Final = {"Fn::GetAtt": ["ChampionRole4839AC4C", "Arn"]}
TWO_VARIANTS: Final = [
    {"VariantName": name, "ModelName": "scorer", "InstanceType": "ml.m5.large", "InitialInstanceCount": 2}
    for name in ("one", "two")
]
CAPTURED: Final = {
    "EnableCapture": True,
    "InitialSamplingPercentage": 100,
    "DestinationS3Uri": "s3://amzn-s3-demo-bucket/capture",
    "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
    "KmsKeyId": {"Fn::GetAtt": ["Key961B73FD", "Arn"]},
}
CONCURRENCY: Final = "SageMakerVariantProvisionedConcurrencyUtilization"
INVOCATIONS: Final = "SageMakerVariantInvocationsPerInstance"
PER_INSTANCE: Final = {
    "TargetValue": 100,
    "PredefinedMetricSpecification": {"PredefinedMetricType": INVOCATIONS},
    "ScaleInCooldown": 300,
}
BOTH_SERVICES: Final = ["sagemaker.amazonaws.com", "lambda.amazonaws.com"]
FULL_ACCESS: Final = ["arn:aws:iam::aws:policy/AmazonSageMakerFullAccess"]
WHOLE_SAGEMAKER: Final = {"Effect": "Allow", "Action": "sagemaker:*", "Resource": "*"}
ALL_BUT: Final = {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}
PASSING: Final = {"Effect": "Allow", "Action": ["iam:PassRole", "sagemaker:CreateModel"], "Resource": "*"}
ANYONE: Final = {
    "Effect": "Allow",
    "Action": "sts:AssumeRole",
    "Principal": {"AWS": "*", "Service": "sagemaker.amazonaws.com"},
}
ALL_KEYS: Final = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}
OPEN_POLICY: Final = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sagemaker:*", "Resource": "*"}]}
OPEN_FUNCTION: Final = {
    "Action": "lambda:InvokeFunction",
    "FunctionName": {"Ref": "ApiFunctionAlias9E0417AB"},
    "Principal": "*",
}

# What an example does on purpose, or leaves to whoever copies it.
ACCEPTED: Final = {
    "Asynchronous": {"MODEL_NETWORK_ISOLATION"},
    "DogBreeds": {"MODEL_NETWORK_ISOLATION", "MONITOR_SCHEDULE"},
    "MultiRegionMain": {"MONITOR_SCHEDULE"},
    "MultiRegionStandby": {"MONITOR_SCHEDULE"},
    "Pipeline": {"MONITOR_SCHEDULE"},
    "PrivateApi": {"MONITOR_SCHEDULE"},
    "Queue": {"MONITOR_SCHEDULE"},
    "Realtime": {"MONITOR_SCHEDULE"},
    "Shadow": {"MONITOR_SCHEDULE", "VARIANT_SCALING"},
    "Stream": {"MONITOR_SCHEDULE"},
}


class Mutation(NamedTuple):
    stack: str
    resource: str
    path: str
    """Where in the resource; nothing stands for the resource itself."""
    value: Any
    rule: str

    def __str__(self) -> str:
        where = ".".join(filter(None, (self.resource, self.path.removeprefix("Properties."))))
        return f"{self.stack}-{where}-{self.rule.removeprefix(PREFIX).lower()}"


VARIANT: Final = "Properties.ProductionVariants.0"
SHADOW: Final = "Properties.ShadowProductionVariants.0"
CAPTURE: Final = "Properties.DataCaptureConfig"
ROLLOUT: Final = "Properties.DeploymentConfig"
BLUE_GREEN: Final = f"{ROLLOUT}.BlueGreenUpdatePolicy"
CONTAINER: Final = "Properties.PrimaryContainer"
TRACKING: Final = "Properties.TargetTrackingScalingPolicyConfiguration"
ASYNC_OUTPUT: Final = "Properties.AsyncInferenceConfig.OutputConfig"
SETTINGS: Final = "Properties.MethodSettings.0"
TRUST: Final = "Properties.AssumeRolePolicyDocument.Statement.0"
POLICY: Final = "Properties.PolicyDocument.Statement"
FIRST: Final = f"{POLICY}.0"
PUBLIC_BLOCK: Final = "Properties.PublicAccessBlockConfiguration"

TABLE: Final[tuple[tuple[str, str, str, Any, str], ...]] = (
    # Models
    ("Realtime Shadow", "Champion", f"{CONTAINER}.Image", f"{REGISTRY}/scorer:latest", "MODEL_IMAGE_TAG"),
    ("DogBreeds Queue", "Model", f"{CONTAINER}.Image", f"{REGISTRY}/scorer", "MODEL_IMAGE_TAG"),
    ("Pipeline", "Model", "Properties.Containers.1.Image", f"{REGISTRY}/scorer", "MODEL_IMAGE_TAG"),
    ("Asynchronous Stream", "Model", f"{CONTAINER}.Image", PUBLIC_IMAGE, "MODEL_IMAGE_PUBLIC"),
    ("Queue Serverless", "Model", f"{CONTAINER}.Environment", PASSWORD, "MODEL_SECRETS"),
    ("Pipeline", "Model", "Properties.Containers.0.Environment", PASSWORD, "MODEL_SECRETS"),
    ("Realtime", "Champion", "Properties.ModelName", "champion", "MODEL_FIXED_NAME"),
    ("Realtime", "Challenger", "Properties.EnableNetworkIsolation", GONE, "MODEL_NETWORK_ISOLATION"),
    ("Queue Pipeline", "Model", "Properties.EnableNetworkIsolation", False, "MODEL_NETWORK_ISOLATION"),
    ("DogBreeds Asynchronous", "Model", "Properties.VpcConfig", GONE, "MODEL_NETWORK"),
    ("Queue", "NetworkVpcIsolatedSubnet2Subnet", "Properties.AvailabilityZone", FIRST_ZONE, "MODEL_SUBNETS"),
    ("Realtime", "ChampionSecurityGroup", "Properties.SecurityGroupIngress", WORLD, "MODEL_SECURITY_GROUP"),
    ("Stream", "ModelSecurityGroup", "Properties.SecurityGroupIngress", WORLD, "MODEL_SECURITY_GROUP"),
    ("Shadow Realtime", "Challenger", "Properties.ExecutionRoleArn", CHAMPIONS_ROLE, "MODEL_ROLE_SHARED"),
    ("DogBreeds Pipeline Realtime MultiRegionMain", "NetworkS3", "", GONE, "MODEL_REACHES_S3"),
    ("Shared", "NetworkS3", "Properties.RouteTableIds", [], "MODEL_REACHES_S3"),
    ("Realtime", "Champion", "DependsOn", GONE, "ROLE_POLICY_ORDER"),
    ("Pipeline Serverless", "Model", "DependsOn", GONE, "ROLE_POLICY_ORDER"),
    # Endpoint configurations
    ("Realtime Queue Asynchronous Shared", "EndpointConfig", "Properties.KmsKeyId", GONE, "ENDPOINT_CONFIG_KEY"),
    ("Realtime", "EndpointConfig", f"{VARIANT}.InstanceType", "ml.g5.xlarge", "ENDPOINT_CONFIG_KEY_LOCAL_STORAGE"),
    ("Queue", "EndpointConfig", f"{VARIANT}.InstanceType", "ml.m5d.large", "ENDPOINT_CONFIG_KEY_LOCAL_STORAGE"),
    (
        "Shadow",
        "EndpointConfig",
        f"{VARIANT}.InitialInstanceCount",
        1,
        "ENDPOINT_CONFIG_SINGLE_INSTANCE",
    ),
    ("Stream Queue", "EndpointConfig", f"{VARIANT}.InitialVariantWeight", 0, "ENDPOINT_CONFIG_WEIGHTS"),
    ("Shadow", "EndpointConfig", f"{VARIANT}.InstanceType", "ml.t2.medium", "ENDPOINT_CONFIG_BURSTABLE"),
    (
        "Realtime",
        "EndpointConfig",
        "Properties.ProductionVariants.1.VariantName",
        "champion",
        "ENDPOINT_CONFIG_VARIANT_NAMES",
    ),
    ("Realtime Shared", "EndpointConfig", "Properties.EndpointConfigName", "config", "ENDPOINT_CONFIG_FIXED_NAME"),
    ("Realtime Shadow", "EndpointConfig", CAPTURE, GONE, "ENDPOINT_CONFIG_CAPTURE"),
    ("Realtime", "EndpointConfig", f"{CAPTURE}.EnableCapture", False, "ENDPOINT_CONFIG_CAPTURE"),
    ("Realtime Shadow", "EndpointConfig", f"{CAPTURE}.KmsKeyId", GONE, "ENDPOINT_CONFIG_CAPTURE_KEY"),
    ("Shadow", "EndpointConfig", f"{CAPTURE}.CaptureOptions.1", GONE, "ENDPOINT_CONFIG_CAPTURE_COMPLETE"),
    ("Realtime", "EndpointConfig", f"{CAPTURE}.CaptureOptions.0", GONE, "ENDPOINT_CONFIG_CAPTURE_COMPLETE"),
    (
        "Realtime Shadow",
        "EndpointchampionPolicy",
        f"{POLICY}.2.Action",
        "s3:GetObject",
        "ENDPOINT_CONFIG_CAPTURE_WRITABLE",
    ),
    ("Realtime", "EndpointchallengerPolicy", f"{POLICY}.2", GONE, "ENDPOINT_CONFIG_CAPTURE_WRITABLE"),
    ("Realtime", "EndpointchampionPolicy", f"{POLICY}.2.Effect", "Deny", "ENDPOINT_CONFIG_CAPTURE_WRITABLE"),
    (
        "Queue",
        "EndpointConfig",
        f"{VARIANT}.ContainerStartupHealthCheckTimeoutInSeconds",
        GONE,
        "ENDPOINT_CONFIG_STARTUP_TIMEOUT",
    ),
    ("Queue", "EndpointConfig", f"{VARIANT}.EnableSSMAccess", True, "ENDPOINT_CONFIG_SSM_ACCESS"),
    ("Shadow", "EndpointConfig", f"{SHADOW}.EnableSSMAccess", True, "ENDPOINT_CONFIG_SSM_ACCESS"),
    ("Shadow", "EndpointConfig", "Properties.ProductionVariants", TWO_VARIANTS, "ENDPOINT_CONFIG_SHADOW"),
    # Endpoints
    (
        f"{INSTANCES} Asynchronous Serverless",
        "Endpoint",
        f"{ROLLOUT}.AutoRollbackConfiguration",
        GONE,
        "ENDPOINT_ROLLBACK_ALARMS",
    ),
    ("Realtime", "Endpoint", f"{ROLLOUT}.AutoRollbackConfiguration.Alarms", [], "ENDPOINT_ROLLBACK_ALARMS"),
    (
        "Realtime Queue Asynchronous",
        "Endpoint",
        f"{BLUE_GREEN}.TrafficRoutingConfiguration.Type",
        "ALL_AT_ONCE",
        "ENDPOINT_TRAFFIC_SHIFTING",
    ),
    ("Realtime Shadow", "Endpoint", f"{BLUE_GREEN}.TerminationWaitInSeconds", 0, "ENDPOINT_TERMINATION_WAIT"),
    (
        "Realtime DogBreeds Pipeline MultiRegionMain Asynchronous",
        "Endpoint",
        "Properties.RetainAllVariantProperties",
        GONE,
        "ENDPOINT_KEEPS_SCALING",
    ),
    (
        "DogBreeds",
        "EndpointRollbackresnet5xx",
        "Properties.Dimensions.0.Value",
        "cats",
        "ENDPOINT_ROLLBACK_ALARM_OF_ANOTHER",
    ),
    (
        "MultiRegionMain",
        "EndpointRollbackchampionlatency",
        "Properties.Dimensions.0.Value",
        "b",
        "ENDPOINT_ROLLBACK_ALARM_OF_ANOTHER",
    ),
    ("Queue", "EndpointtabularPolicy", f"{POLICY}.4", GONE, "ENDPOINT_ROLLBACK_PERMISSION"),
    (
        "Serverless",
        "EndpointtabularPolicy",
        f"{POLICY}.2.Action",
        "cloudwatch:ListMetrics",
        "ENDPOINT_ROLLBACK_PERMISSION",
    ),
    # Scaling
    ("Realtime", "EndpointchampionScaling", "Properties.MinCapacity", 1, "SCALABLE_TARGET_MIN_CAPACITY"),
    ("DogBreeds", "EndpointresnetScaling", "Properties.MinCapacity", 1, "SCALABLE_TARGET_MIN_CAPACITY"),
    ("Pipeline", "EndpointpipelineScaling", "Properties.MinCapacity", 0, "SCALABLE_TARGET_ZERO"),
    ("MultiRegionMain", "EndpointchampionScaling", "Properties.MaxCapacity", 1, "SCALABLE_TARGET_RANGE"),
    ("Realtime", "EndpointchallengerScaling", "Properties.MaxCapacity", 2, "SCALABLE_TARGET_FIXED"),
    ("MultiRegionStandby", "EndpointchampionScaling", "DependsOn", GONE, "SCALABLE_TARGET_ORDER"),
    ("Asynchronous", "EndpointreaderScaling", "DependsOn", GONE, "SCALABLE_TARGET_ORDER"),
    ("Shared", "BusyScaling", "DependsOn", GONE, "SCALABLE_TARGET_ORDER"),
    (
        "Pipeline",
        "EndpointpipelineScaling",
        "Properties.ScalableDimension",
        "sagemaker:inference-component:DesiredCopyCount",
        "SCALABLE_TARGET_DIMENSION",
    ),
    (
        "Serverless",
        "EndpointtabularScaling",
        "Properties.ScalableDimension",
        "sagemaker:variant:DesiredInstanceCount",
        "SCALABLE_TARGET_DIMENSION",
    ),
    (
        "Pipeline",
        "EndpointpipelineScaling",
        "Properties.ResourceId",
        "endpoint/pipeline-endpoint-264d8f81/variant/other",
        "SCALABLE_TARGET_VARIANT",
    ),
    ("DogBreeds", "EndpointConfig", f"{VARIANT}.VariantName", "other", "SCALABLE_TARGET_VARIANT"),
    ("Pipeline", "EndpointpipelineScalingInvocationsPolicy", "", GONE, "SCALABLE_TARGET_POLICY"),
    ("Serverless", "EndpointtabularScalingUtilizationPolicy", "", GONE, "SCALABLE_TARGET_POLICY"),
    ("Shared", "BusyScalingConcurrentRequestsPolicy", "", GONE, "SCALABLE_TARGET_POLICY"),
    ("Pipeline", "EndpointConfig", f"{VARIANT}.InstanceType", "ml.t2.medium", "SCALABLE_TARGET_BURSTABLE"),
    (
        "Pipeline",
        "EndpointpipelineScalingInvocationsPolicy",
        f"{TRACKING}.ScaleInCooldown",
        30,
        "TARGET_TRACKING_COOLDOWN",
    ),
    (
        "Realtime",
        "EndpointchampionScalingInvocationsPolicy",
        f"{TRACKING}.ScaleInCooldown",
        0,
        "TARGET_TRACKING_COOLDOWN",
    ),
    (
        "Realtime",
        "EndpointchampionScalingCpuPolicy",
        f"{TRACKING}.CustomizedMetricSpecification.Dimensions.0.Name",
        "Endpoint",
        "TARGET_TRACKING_DIMENSIONS",
    ),
    (
        "Realtime",
        "EndpointchallengerScalingCpuPolicy",
        f"{TRACKING}.CustomizedMetricSpecification.Dimensions.1",
        GONE,
        "TARGET_TRACKING_DIMENSIONS",
    ),
    (
        "Pipeline",
        "EndpointpipelineScalingInvocationsPolicy",
        f"{TRACKING}.PredefinedMetricSpecification.PredefinedMetricType",
        CONCURRENCY,
        "TARGET_TRACKING_METRIC",
    ),
    (
        "Serverless",
        "EndpointtabularScalingUtilizationPolicy",
        f"{TRACKING}.PredefinedMetricSpecification.PredefinedMetricType",
        INVOCATIONS,
        "TARGET_TRACKING_METRIC",
    ),
    (
        "Shared",
        "BusyScalingConcurrentRequestsPolicy",
        f"{TRACKING}.PredefinedMetricSpecification.PredefinedMetricType",
        INVOCATIONS,
        "TARGET_TRACKING_METRIC",
    ),
    (
        "Serverless",
        "EndpointtabularScalingUtilizationPolicy",
        f"{TRACKING}.TargetValue",
        70,
        "TARGET_TRACKING_VALUE",
    ),
    ("DogBreeds", "EndpointresnetScalingCpuHighAlarm", "", GONE, "STEP_SCALING_ALARM"),
    ("DogBreeds", "EndpointresnetScalingCpuLowAlarm", "Properties.AlarmActions", [], "STEP_SCALING_ALARM"),
    ("Pipeline", "EndpointpipelineScaling", "", GONE, "VARIANT_SCALING"),
    ("MultiRegionStandby", "EndpointchampionScaling", "", GONE, "VARIANT_SCALING"),
    (
        "Pipeline",
        "EndpointpipelineScalingInvocationsPolicy",
        "Properties.PolicyType",
        "PredictiveScaling",
        "SCALING_POLICY_PREDICTIVE",
    ),
    # Serverless
    (
        "Serverless",
        "EndpointConfig",
        f"{VARIANT}.ServerlessConfig.MaxConcurrency",
        1,
        "SERVERLESS_PROVISIONED_CONCURRENCY",
    ),
    ("Serverless", "EndpointConfig", CAPTURE, CAPTURED, "SERVERLESS_EXCLUSIONS"),
    ("Serverless", "Model", "Properties.EnableNetworkIsolation", True, "SERVERLESS_NETWORK"),
    (
        "Serverless",
        "Model",
        "Properties.VpcConfig",
        {"Subnets": ["s"], "SecurityGroupIds": ["g"]},
        "SERVERLESS_NETWORK",
    ),
    # Asynchronous
    ("Asynchronous", "EndpointConfig", f"{ASYNC_OUTPUT}.NotificationConfig.ErrorTopic", GONE, "ASYNC_ERROR_TOPIC"),
    ("Asynchronous", "EndpointConfig", f"{ASYNC_OUTPUT}.NotificationConfig", GONE, "ASYNC_ERROR_TOPIC"),
    ("Asynchronous", "EndpointConfig", f"{ASYNC_OUTPUT}.KmsKeyId", GONE, "ASYNC_OUTPUT_KEY"),
    ("Asynchronous", "EndpointConfig", f"{ASYNC_OUTPUT}.S3FailurePath", GONE, "ASYNC_FAILURE_PATH"),
    ("Asynchronous", "EndpointConfig", CAPTURE, CAPTURED, "ASYNC_EXCLUSIONS"),
    (
        "Asynchronous",
        "EndpointreaderScalingFromZeroAlarm",
        "Properties.MetricName",
        "ApproximateAgeOfOldestRequest",
        "ASYNC_FROM_ZERO",
    ),
    ("Asynchronous", "EndpointreaderScalingFromZeroAlarm", "", GONE, "ASYNC_FROM_ZERO"),
    ("Asynchronous", "EndpointreaderScalingBacklogPolicy", TRACKING, PER_INSTANCE, "ASYNC_SCALING_METRIC"),
    ("Asynchronous", "Callers", f"{FIRST}.Action", "sagemaker:InvokeEndpoint", "INVOKE_ASYNC"),
    # Components
    ("Shared", "BusyResourceD894EB38", f"{ROLLOUT}.AutoRollbackConfiguration", GONE, "COMPONENT_ROLLBACK_ALARMS"),
    ("Shared", "IdleResourceD894EB38", ROLLOUT, GONE, "COMPONENT_ROLLBACK_ALARMS"),
    ("Shared", "BusyScaling", "Properties.MinCapacity", 1, "COMPONENT_COPIES"),
    ("Shared", "BusyScaling", "", GONE, "COMPONENT_SCALING"),
    ("Shared", "IdleScalingFromZeroAlarm", "", GONE, "COMPONENT_FROM_ZERO"),
    ("Shared", "EndpointConfig", f"{VARIANT}.ManagedInstanceScaling.Status", "DISABLED", "COMPONENT_INSTANCES"),
    (
        "Shared",
        "EndpointConfig",
        f"{VARIANT}.ModelName",
        {"Fn::GetAtt": ["BusyModel1B31404E", "ModelName"]},
        "COMPONENT_VARIANT",
    ),
    ("MultiRegionModels", "CopiesPermissions", FIRST, WHOLE_SAGEMAKER, "POLICY_WILDCARD"),
    ("MultiRegionStandbyModels", "Key", "DeletionPolicy", "Delete", "KEY_OUTLIVED"),
    # Alarms
    ("Realtime", "Alarmschampionerrors", "Properties.AlarmActions", GONE, "ALARM_ACTIONS"),
    ("Queue", "Alarmstabularmodellatency", "Properties.AlarmActions", [], "ALARM_ACTIONS"),
    ("Realtime", "EndpointRollbackchampion5xx", "Properties.Dimensions.0.Name", "Endpoint", "ALARM_DIMENSIONS"),
    ("Queue", "EndpointRollbacktabular5xx", "Properties.Dimensions.1.Name", "Variant", "ALARM_DIMENSIONS"),
    ("Realtime", "EndpointRollbackchallengerlatency", "Properties.Threshold", 500, "ALARM_LATENCY_UNIT"),
    ("MultiRegionMain", "EndpointRollbackchampionlatency", "Properties.Threshold", 200, "ALARM_LATENCY_UNIT"),
    # Permissions
    ("Realtime", "ChampionRole", f"{TRUST}.Condition", GONE, "ROLE_CONFUSED_DEPUTY"),
    (
        "Queue Stream Pipeline Asynchronous Serverless DogBreeds",
        "ModelRole",
        f"{TRUST}.Condition",
        GONE,
        "ROLE_CONFUSED_DEPUTY",
    ),
    ("Queue", "ModelRole", TRUST, ANYONE, "ROLE_TRUSTS_ANYONE"),
    ("Stream", "ModelRole", f"{TRUST}.Principal.Service", BOTH_SERVICES, "ROLE_SERVICES"),
    ("Queue", "ModelRole", "Properties.ManagedPolicyArns", FULL_ACCESS, "ROLE_MANAGED_POLICIES"),
    ("Realtime", "ChampionRole", "Properties.ManagedPolicyArns", FULL_ACCESS, "ROLE_MANAGED_POLICIES"),
    ("Realtime", "ChampionArtefacts", f"{POLICY}.2.Resource", "*", "EXECUTION_ROLE_STORAGE"),
    ("Queue", "ModelArtefacts", f"{POLICY}.2.Action", "s3:*", "EXECUTION_ROLE_STORAGE"),
    ("Queue", "ModelArtefacts", f"{POLICY}.1.Action", "ecr:*", "EXECUTION_ROLE_IMAGES"),
    ("Realtime", "EndpointchampionPolicy", f"{POLICY}.3", ALL_KEYS, "EXECUTION_ROLE_KEYS"),
    ("Queue", "ModelArtefacts", f"{POLICY}.0", WHOLE_SAGEMAKER, "POLICY_WILDCARD"),
    ("Queue", "ModelArtefacts", f"{POLICY}.0", ALL_BUT, "POLICY_NEGATION"),
    ("Queue", "ModelArtefacts", f"{POLICY}.0", PASSING, "PASS_ROLE_SCOPE"),
    # Front ends
    ("Realtime MultiRegionMain", "ApiDeploymentStagelive", f"{SETTINGS}.DataTraceEnabled", True, "API_DATA_TRACE"),
    ("PrivateApi", "ApiDeploymentStagelive", "Properties.AccessLogSetting", GONE, "API_ACCESS_LOGS"),
    ("Realtime", "ApiDeploymentStagelive", "Properties.MethodSettings", GONE, "API_THROTTLING"),
    ("Realtime MultiRegionStandby", "ApiWebAclAssociation", "", GONE, "API_WEB_ACL"),
    ("PrivateApi", "Api", "Properties.Policy", GONE, "API_PRIVATE_POLICY"),
    ("MultiRegionMain MultiRegionStandby", "Domain", "Properties.SecurityPolicy", "TLS_1_0", "API_TLS"),
    (
        "Realtime",
        "ApiinvocationsPOSTApiPermissionRealtimeApi5649D72CPOSTinvocations",
        "Properties.SourceArn",
        GONE,
        "FUNCTION_PERMISSION_SOURCE",
    ),
    (
        "Realtime",
        "ApiinvocationsPOSTApiPermissionRealtimeApi5649D72CPOSTinvocations",
        "Properties",
        OPEN_FUNCTION,
        "FUNCTION_PERMISSION_ANYONE",
    ),
    (
        "Realtime PrivateApi",
        "ApiFunction",
        "Properties.ReservedConcurrentExecutions",
        GONE,
        "FUNCTION_CONCURRENCY",
    ),
    ("DogBreeds", "ClassifyFunction", "Properties.Timeout", 3, "FUNCTION_TIMEOUT"),
    ("Serverless", "ScoreFunction", "Properties.Timeout", GONE, "FUNCTION_TIMEOUT"),
    ("Realtime", "ApiFunction", "Properties.Timeout", 60, "API_FUNCTION_TIMEOUT"),
    ("Realtime", "ApiFunction", "Properties.Environment.Variables.API_PASSWORD", SECRET, "FUNCTION_SECRETS"),
    ("DogBreeds", "ClassifyFunction", "Properties.LoggingConfig.LogGroup", GONE, "FUNCTION_LOGS"),
    ("Queue", "RequestsQueue", "Properties.RedrivePolicy", GONE, "QUEUE_DEAD_LETTERS"),
    ("Queue", "RequestsQueue", "Properties.VisibilityTimeout", 600, "QUEUE_RETRIES"),
    ("Queue", "RequestsConsumerMessages", "Properties.FunctionResponseTypes", GONE, "QUEUE_PARTIAL_BATCH"),
    ("Stream", "EventsConsumerRecords", "Properties.DestinationConfig", GONE, "STREAM_ON_FAILURE"),
    ("Stream", "EventsConsumerRecords", "Properties.MaximumRecordAgeInSeconds", GONE, "STREAM_RETRIES"),
    # Storage and keys
    ("Realtime Shadow", "Capture", f"{PUBLIC_BLOCK}.RestrictPublicBuckets", False, "BUCKET_PUBLIC"),
    ("Asynchronous", "Documents", f"{PUBLIC_BLOCK}.BlockPublicPolicy", False, "BUCKET_PUBLIC"),
    ("Realtime", "CapturePolicy", "", GONE, "BUCKET_TLS"),
    ("Asynchronous", "DocumentsPolicy", "", GONE, "BUCKET_TLS"),
    ("Realtime Shadow", "Capture", "Properties.BucketEncryption", GONE, "BUCKET_KEY"),
    ("Realtime", "Capture", "Properties.LifecycleConfiguration", GONE, "BUCKET_LIFECYCLE"),
    ("Shadow", "Capture", "Properties.LoggingConfiguration", GONE, "BUCKET_ACCESS_LOGS"),
    ("Realtime Queue Shared Serverless", "Key", "Properties.EnableKeyRotation", False, "KEY_ROTATION"),
    ("Asynchronous", "Key", "Properties.EnableKeyRotation", GONE, "KEY_ROTATION"),
    ("Stream Shadow", "Key", "Properties.KeyPolicy.Statement.0.Principal", {"AWS": "*"}, "KEY_POLICY_PUBLIC"),
    ("Realtime DogBreeds", "Key", "DeletionPolicy", "Delete", "KEY_OUTLIVED"),
    # Network
    (
        "MultiRegionMain MultiRegionStandby",
        "NetworkSagemakerRuntime",
        "Properties.PolicyDocument",
        GONE,
        "VPC_ENDPOINT_POLICY",
    ),
    ("DogBreeds", "NetworkSagemakerRuntime", "Properties.PolicyDocument", OPEN_POLICY, "VPC_ENDPOINT_POLICY"),
    ("Queue", "NetworkSagemakerRuntime", "Properties.PrivateDnsEnabled", False, "VPC_ENDPOINT_PRIVATE_DNS"),
    ("Stream", "NetworkSagemakerRuntime", "Properties.SubnetIds.1", GONE, "VPC_ENDPOINT_ZONES"),
    ("Realtime", "NetworkEndpointSecurityGroup", "Properties.SecurityGroupIngress", WORLD, "VPC_ENDPOINT_INGRESS"),
    ("DogBreeds Serverless Pipeline Shared", "NetworkSagemakerRuntime", "", GONE, "FUNCTION_REACHES_ENDPOINT"),
    ("Queue Shadow", "NetworkFlowLog", "", GONE, "VPC_FLOW_LOGS"),
    # Audit
    ("Realtime", "Audit", "Properties.IsLogging", False, "TRAIL_LOGGING"),
    ("Realtime", "Audit", "Properties.EnableLogFileValidation", False, "TRAIL_INTEGRITY"),
    ("Realtime", "Audit", "Properties.KMSKeyId", GONE, "TRAIL_KEY"),
    ("Realtime", "Audit", "Properties.IsMultiRegionTrail", False, "TRAIL_REGIONS"),
    ("Realtime", "Audit", "Properties.CloudWatchLogsLogGroupArn", GONE, "TRAIL_LOG_GROUP"),
    ("Realtime", "Audit", "Properties.AdvancedEventSelectors.1", GONE, "TRAIL_DATA_EVENTS"),
    ("Realtime Asynchronous", "EndpointLogs", "Properties.RetentionInDays", GONE, "LOG_GROUP_RETENTION"),
    ("Queue Serverless", "EndpointLogs", "Properties.KmsKeyId", GONE, "LOG_GROUP_KEY"),
    ("Realtime", "ApiFunctionLogs", "Properties.KmsKeyId", GONE, "LOG_GROUP_KEY"),
)
MUTATIONS: Final = [
    Mutation(stack, resource, path, value, PREFIX + rule)
    for stacks, resource, path, value, rule in TABLE
    for stack in stacks.split()
]


@cache
def template(stack: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SNAPSHOTS / f"test_template[{stack}].json").read_text())
    return found


def logical_id(resources: dict[str, Any], name: str) -> str:
    (found,) = (each for each in resources if re.sub(r"([0-9A-F]{8}|HASH)$", "", each) == name)
    return found


def mutated(mutation: Mutation) -> dict[str, Any]:
    """The template with the property set, or without it."""
    result = copy.deepcopy(template(mutation.stack))
    parent: Any = result["Resources"]
    *way, last = [logical_id(parent, mutation.resource), *filter(None, mutation.path.split("."))]
    for step in way:
        parent = parent[int(step) if isinstance(parent, list) else step]
    key = int(last) if isinstance(parent, list) else last
    if mutation.value is GONE:
        del parent[key]
    else:
        assert isinstance(parent, list) or parent.get(key) != mutation.value
        parent[key] = mutation.value
    return result


@pytest.fixture(scope="module")
def engine() -> CompositeEngine:
    found = chosen(Profile.REGULATED, Severity.WARNING)
    return CompositeEngine(
        CompositeEngineConfig(
            rego_rules=[ExternalRuleSource(name=name, content=text) for name, text in sources(found, "rego")],
            guard_rules=[ExternalRuleSource(name=name, content=text) for name, text in sources(found, "guard")],
        )
    )


def findings(engine: CompositeEngine, content: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Rules of ours that a template breaks, and where."""
    report = engine.validate_template(
        TemplateContent(json.dumps(content), "template.json"), ValidateConfig(disable_builtin_rules=True)
    )
    assert report.status.name == "OK", [each.message for each in report.diagnostics]
    for each in report.diagnostics:
        yield each.rule_id, each.entity.logical_id if each.entity else ""


@pytest.fixture(scope="module")
def before(engine: CompositeEngine) -> dict[str, set[tuple[str, str]]]:
    return {stack: set(findings(engine, template(stack))) for stack in {each.stack for each in MUTATIONS}}


def test_there_are_many_mutations_of_every_stack() -> None:
    assert len(MUTATIONS) >= WANTED
    assert len(set(map(str, MUTATIONS))) == len(MUTATIONS)
    assert {each.rule for each in MUTATIONS} <= {rule.id for rule in rules()}
    assert {f"test_template[{each.stack}].json" for each in MUTATIONS} == {
        path.name for path in SNAPSHOTS.glob("test_template*.json")
    }


@pytest.mark.parametrize("stack", sorted({each.stack for each in MUTATIONS}))
def test_the_examples_are_clean(before: dict[str, set[tuple[str, str]]], stack: str) -> None:
    assert {rule for rule, _ in before[stack]} == {PREFIX + rule for rule in ACCEPTED.get(stack, set())}


@pytest.mark.parametrize("mutation", MUTATIONS, ids=str)
def test_a_broken_property_is_found(
    engine: CompositeEngine, before: dict[str, set[tuple[str, str]]], mutation: Mutation
) -> None:
    new = set(findings(engine, mutated(mutation))) - before[mutation.stack]
    assert mutation.rule in {rule for rule, _ in new}
