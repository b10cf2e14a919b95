"""Building fifty autoscaled two-variant endpoints, with the library and as hand-written L1 resources."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from aws_cdk import App, Fn, Stack
from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk.assertions import Template

from ml_constructs import (
    Container,
    ContainerImage,
    Endpoint,
    InstanceVariant,
    Model,
    ModelData,
)

ENDPOINTS: Final = 50
PAIRS: Final = 7
VARIANTS: Final = ("champion", "challenger")
IMAGE: Final = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.0-5"
REPOSITORY: Final = "arn:aws:ecr:us-east-1:683313688378:repository/sagemaker-xgboost"
ACCOUNT: Final = "111122223333"
REGION: Final = "us-east-1"


def measure() -> tuple[float, float]:
    """Seconds per endpoint: the library, and L1s; medians over alternating runs."""
    ours, theirs = [], []
    _time(_library, 1)
    _time(_by_hand, 1)
    for _ in range(PAIRS):
        ours.append(_time(_library, ENDPOINTS))
        theirs.append(_time(_by_hand, ENDPOINTS))
    return statistics.median(ours) / ENDPOINTS, statistics.median(theirs) / ENDPOINTS


def same_resources() -> bool:
    """Whether both ways yield the same number of resources of each type."""
    counted = []
    for build in (_library, _by_hand):
        stack = _stack()
        build(stack, 2)
        counted.append(Counter(each["Type"] for each in Template.from_stack(stack).to_json()["Resources"].values()))
    return counted[0] == counted[1]


def _time(build: Callable[[Stack, int], None], count: int) -> float:
    stack = _stack()
    start = time.perf_counter()
    build(stack, count)
    return time.perf_counter() - start


def _stack() -> Stack:
    app = App(builtin_cloud_formation_validation=False)
    return Stack(app, "Bench", env={"account": ACCOUNT, "region": REGION})


def _library(stack: Stack, count: int) -> None:
    key = kms.Key(stack, "Key")
    bucket = s3.Bucket.from_bucket_name(stack, "Models", "amzn-s3-demo-bucket")
    image = ContainerImage.from_framework("xgboost", version="3.0-5")
    for number in range(count):
        version = f"v{number}"
        data = [ModelData.from_bucket(bucket, f"{name}/{version}/model.tar.gz", version=version) for name in VARIANTS]
        models = [
            Model(stack, f"{name}{number}", containers=[Container(image=image, model_data=each)])
            for name, each in zip(VARIANTS, data, strict=True)
        ]
        endpoint = Endpoint(
            stack,
            f"Endpoint{number}",
            variants=[
                InstanceVariant(name=name, model=model, instance_type="ml.m5.large")
                for name, model in zip(VARIANTS, models, strict=True)
            ],
            encryption_key=key,
        )
        for name in VARIANTS:
            scaling = endpoint.auto_scale(name, max_capacity=6)
            scaling.on_invocations(600)
            scaling.on_cpu(70)


def _by_hand(stack: Stack, count: int) -> None:
    key = kms.CfnKey(stack, "Key", key_policy={"Version": "2012-10-17", "Statement": []})
    for number in range(count):
        models = [_model(stack, name, number) for name in VARIANTS]
        name = f"bench-endpoint{number}"
        log_group = logs.CfnLogGroup(
            stack,
            f"Logs{number}",
            log_group_name=f"/aws/sagemaker/Endpoints/{name}",
            retention_in_days=365,
            kms_key_id=key.attr_arn,
        )
        config = sagemaker.CfnEndpointConfig(
            stack,
            f"Config{number}",
            kms_key_id=key.attr_arn,
            production_variants=[
                sagemaker.CfnEndpointConfig.ProductionVariantProperty(
                    variant_name=variant,
                    model_name=model.attr_model_name,
                    instance_type="ml.m5.large",
                    initial_instance_count=2,
                    initial_variant_weight=1,
                    container_startup_health_check_timeout_in_seconds=600,
                    model_data_download_timeout_in_seconds=600,
                )
                for variant, (model, _) in zip(VARIANTS, models, strict=True)
            ],
        )
        alarms = [alarm for variant in VARIANTS for alarm in _alarms(stack, name, variant, number)]
        endpoint = sagemaker.CfnEndpoint(
            stack,
            f"Endpoint{number}",
            endpoint_name=name,
            endpoint_config_name=config.attr_endpoint_config_name,
            retain_all_variant_properties=True,
            exclude_retained_variant_properties=[
                sagemaker.CfnEndpoint.VariantPropertyProperty(variant_property_type=kind)
                for kind in ("DesiredWeight", "DataCaptureConfig")
            ],
            deployment_config=sagemaker.CfnEndpoint.DeploymentConfigProperty(
                auto_rollback_configuration=sagemaker.CfnEndpoint.AutoRollbackConfigProperty(
                    alarms=[sagemaker.CfnEndpoint.AlarmProperty(alarm_name=alarm.ref) for alarm in alarms]
                ),
                blue_green_update_policy=sagemaker.CfnEndpoint.BlueGreenUpdatePolicyProperty(
                    maximum_execution_timeout_in_seconds=4500,
                    termination_wait_in_seconds=300,
                    traffic_routing_configuration=sagemaker.CfnEndpoint.TrafficRoutingConfigProperty(
                        type="CANARY",
                        wait_interval_in_seconds=600,
                        canary_size=sagemaker.CfnEndpoint.CapacitySizeProperty(type="CAPACITY_PERCENT", value=10),
                    ),
                ),
            ),
        )
        endpoint.add_resource_dependency(log_group)
        for variant, (_, role) in zip(VARIANTS, models, strict=True):
            policy = _policy(
                stack,
                f"{variant}Runtime{number}",
                role,
                _statement(
                    ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"], log_group.attr_arn
                ),
                _statement(["cloudwatch:PutMetricData"], "*"),
            )
            endpoint.add_resource_dependency(policy)
            _scale(stack, endpoint, name, variant, number)


def _model(stack: Stack, name: str, number: int) -> tuple[sagemaker.CfnModel, iam.CfnRole]:
    role = iam.CfnRole(
        stack,
        f"{name}Role{number}",
        description=f"Runs {name}",
        assume_role_policy_document={
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": "sts:AssumeRole",
                    "Principal": {"Service": "sagemaker.amazonaws.com"},
                    "Condition": {
                        "StringEquals": {"aws:SourceAccount": ACCOUNT},
                        "ArnLike": {"aws:SourceArn": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:*"},
                    },
                }
            ],
        },
    )
    key = f"{name}/v{number}/model.tar.gz"
    policy = _policy(
        stack,
        f"{name}Artefacts{number}",
        role,
        _statement(["ecr:GetAuthorizationToken"], "*"),
        _statement(["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], REPOSITORY),
        _statement(["s3:GetObject"], Fn.join("", ["arn:aws:s3:::amzn-s3-demo-bucket/", key])),
    )
    model = sagemaker.CfnModel(
        stack,
        f"{name}{number}",
        execution_role_arn=role.attr_arn,
        enable_network_isolation=True,
        primary_container=sagemaker.CfnModel.ContainerDefinitionProperty(
            image=IMAGE, model_data_url=f"s3://amzn-s3-demo-bucket/{key}"
        ),
    )
    model.add_resource_dependency(policy)
    return model, role


def _policy(stack: Stack, construct_id: str, role: iam.CfnRole, *statements: dict[str, Any]) -> iam.CfnManagedPolicy:
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    return iam.CfnManagedPolicy(stack, construct_id, roles=[role.ref], policy_document=document)


def _statement(actions: list[str], resource: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resource}


def _alarms(stack: Stack, endpoint: str, variant: str, number: int) -> list[cloudwatch.CfnAlarm]:
    return [
        cloudwatch.CfnAlarm(
            stack,
            f"{variant}{metric}{number}",
            alarm_name=f"{endpoint}-{variant}-{metric}",
            alarm_description=f"Rolls back {endpoint}",
            namespace="AWS/SageMaker",
            metric_name=metric,
            dimensions=[
                cloudwatch.CfnAlarm.DimensionProperty(name="EndpointName", value=endpoint),
                cloudwatch.CfnAlarm.DimensionProperty(name="VariantName", value=variant),
            ],
            statistic=statistic,
            extended_statistic=extended,
            period=60,
            threshold=threshold,
            comparison_operator="GreaterThanThreshold",
            evaluation_periods=3,
            datapoints_to_alarm=2,
            treat_missing_data="notBreaching",
        )
        for metric, statistic, extended, threshold in (
            ("Invocation5XXErrors", "Average", None, 0.01),
            ("ModelLatency", None, "p99", 5e6),
        )
    ]


def _scale(stack: Stack, endpoint: sagemaker.CfnEndpoint, name: str, variant: str, number: int) -> None:
    target = autoscaling.CfnScalableTarget(
        stack,
        f"{variant}Target{number}",
        service_namespace="sagemaker",
        scalable_dimension="sagemaker:variant:DesiredInstanceCount",
        resource_id=f"endpoint/{name}/variant/{variant}",
        min_capacity=2,
        max_capacity=6,
    )
    target.add_resource_dependency(endpoint)
    tracking = autoscaling.CfnScalingPolicy.TargetTrackingScalingPolicyConfigurationProperty
    invocations = autoscaling.CfnScalingPolicy.PredefinedMetricSpecificationProperty(
        predefined_metric_type="SageMakerVariantInvocationsPerInstance"
    )
    cpu = autoscaling.CfnScalingPolicy.CustomizedMetricSpecificationProperty(
        namespace="/aws/sagemaker/Endpoints",
        metric_name="CPUUtilization",
        statistic="Average",
        unit="Percent",
        dimensions=[
            autoscaling.CfnScalingPolicy.MetricDimensionProperty(name="EndpointName", value=name),
            autoscaling.CfnScalingPolicy.MetricDimensionProperty(name="VariantName", value=variant),
        ],
    )
    for kind, configuration in (
        ("Invocations", tracking(target_value=600, predefined_metric_specification=invocations)),
        ("Cpu", tracking(target_value=140, customized_metric_specification=cpu)),
    ):
        autoscaling.CfnScalingPolicy(
            stack,
            f"{variant}{kind}{number}",
            policy_name=f"{name}-{variant}-{kind}",
            policy_type="TargetTrackingScaling",
            scaling_target_id=target.ref,
            target_tracking_scaling_policy_configuration=configuration,
        )
