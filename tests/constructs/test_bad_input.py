"""What a user gets wrong is refused by this library, at once, in a sentence that names the argument and the value."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, CfnParameter, CfnResource, Duration, Environment, RemovalPolicy, Size, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns

import ml_constructs as ml
from tests.constructs.builders import IMPORTED, XGBOOST, synthesised, variant
from tests.constructs.refusals import Call, each_argument, refusals

ARN = "arn:aws:sagemaker:eu-west-1:111122223333:endpoint/live"
NOT_TEXT: tuple[object, ...] = (None, 5, b"x", [], True)
NOT_OPTIONAL_TEXT: tuple[object, ...] = NOT_TEXT[1:]
BAD_NAME: tuple[object, ...] = ("", "a b", "a_b", "-a", "a-", "ü", "a\n", "a" * 64)
NOT_A_NUMBER: tuple[object, ...] = ("5", "", math.nan, math.inf, True, [], Duration.seconds(5))
NOT_WHOLE: tuple[object, ...] = (*NOT_A_NUMBER, 1.5, 10**20, -1)
NOT_A_DURATION: tuple[object, ...] = (5, "5", 5.0, True, [], Size.gibibytes(1))
NOT_A_BOOL: tuple[object, ...] = ("yes", 1, [])
NOT_AN_OBJECT: tuple[object, ...] = ("x", 5, [], {}, object())
NOT_A_LIST: tuple[object, ...] = (None, "abc", 5, [None], [5], {})
NOT_AN_ENUM: tuple[object, ...] = (None, 5, "DESTROY", Duration.days(3))
HALF_SECOND: tuple[object, ...] = (Duration.millis(1500), Duration.days(10**6))


def build(construct: Callable[..., object], **arguments: object) -> Call:
    """Make a construct of valid arguments, some of which the test replaces; a callable is given the stack."""
    return lambda stack, bad: construct(
        stack,
        "Bad",
        **{name: value(stack) if callable(value) else value for name, value in arguments.items()} | bad,
    )


def value(made: Callable[..., object], **arguments: object) -> Call:
    return lambda stack, bad: made(
        **{name: each(stack) if callable(each) else each for name, each in arguments.items()} | bad
    )


def an_endpoint(stack: Stack) -> ml.Endpoint:
    return ml.Endpoint(stack, "Endpoint", variants=[variant(name="v")], encryption_key=a_key(stack))


def a_key(stack: Stack) -> kms.IKey:
    return kms.Key.from_key_arn(stack, "Key", "arn:aws:kms:eu-west-1:111122223333:key/1")


def a_resource(stack: Stack) -> CfnResource:
    return CfnResource(stack, "Resource", type="AWS::SageMaker::Endpoint")


def a_scaling(stack: Stack) -> ml.VariantScaling:
    return an_endpoint(stack).auto_scale(max_capacity=4)


def on_steps(stack: Stack, bad: dict[str, Any]) -> object:
    endpoint = an_endpoint(stack)
    good = {"name": "Slow", "metric": endpoint.metric_model_latency(), "threshold": 5, "steps": [one_more()]}
    return endpoint.auto_scale(max_capacity=4).on_steps(**{**good, **bad})


def on_metric(stack: Stack, bad: dict[str, Any]) -> None:
    good = {"name": "Queue", "metric": cloudwatch.Metric(namespace="a", metric_name="b", period=Duration.minutes(1))}
    a_scaling(stack).on_metric(**{**good, "target": 5, **bad})


def on_schedule(stack: Stack, bad: dict[str, Any]) -> None:
    good = {"name": "Night", "schedule": autoscaling.Schedule.expression("cron(0 8 * * ? *)"), "min_capacity": 3}
    a_scaling(stack).on_schedule(**{**good, **bad})


def one_more() -> ml.ScalingStep:
    return ml.ScalingStep(change=1)


def a_network(stack: Stack) -> ml.InferenceNetwork:
    return ml.InferenceNetwork(stack, "Network", flow_log_key=a_key(stack))


def method(of: Callable[[Stack], object], name: str, **arguments: object) -> Call:
    return lambda stack, bad: getattr(of(stack), name)(**{**arguments, **bad})


def a_repository(stack: Stack) -> ecr.IRepository:
    return ecr.Repository.from_repository_name(stack, "Repository", "models")


def a_bucket(stack: Stack) -> s3.IBucket:
    return s3.Bucket.from_bucket_name(stack, "Bucket", "example-models")


DEPLOYMENT_WAITS = dict.fromkeys(("wait", "termination_wait", "timeout"), (*NOT_A_DURATION, *HALF_SECOND))
BUCKET = {"removal_policy": NOT_AN_ENUM, "encryption_key": (None, *NOT_AN_OBJECT), "access_logs": NOT_AN_OBJECT}
BAD_DAYS = (*NOT_A_DURATION, Duration.days(0), Duration.hours(36))

CASES: dict[str, tuple[Call, Mapping[str, Sequence[object]]]] = {
    "InstanceVariant": (
        value(ml.InstanceVariant, name="v", model=IMPORTED, instance_type="ml.m5.large"),
        {
            "name": (*NOT_TEXT, *BAD_NAME),
            "model": (None, *NOT_AN_OBJECT),
            "instance_type": (*NOT_TEXT, "", "m5.large", "ml.m5", "ml.M5.large"),
            "instance_count": (None, *NOT_WHOLE, 0),
            "weight": (None, *NOT_A_NUMBER, -1),
            "container_startup_timeout": (*NOT_A_DURATION, *HALF_SECOND, Duration.seconds(59)),
            "model_download_timeout": (*NOT_A_DURATION, *HALF_SECOND, Duration.seconds(3601)),
            "volume_size": (5, "5", Duration.seconds(5), Size.gibibytes(0), Size.gibibytes(513), Size.mebibytes(1500)),
            "inference_ami_version": (*NOT_OPTIONAL_TEXT, "newest"),
        },
    ),
    "InstanceVariant with pools": (
        value(
            ml.InstanceVariant, name="v", model=IMPORTED, instance_pools=[ml.InstancePool(instance_type="ml.g6.xlarge")]
        ),
        {
            "instance_type": ("ml.m5.large",),
            "instance_pools": ("x", 5, [], [None], ["ml.m5.large"], [ml.InstancePool(instance_type="ml.m5.large")] * 2),
            "provision_timeout": (*NOT_A_DURATION, *HALF_SECOND, Duration.seconds(299), Duration.seconds(3601)),
            "routing": NOT_AN_OBJECT,
            "capacity_reservation_arn": (*NOT_OPTIONAL_TEXT, "", "x", ARN.replace("endpoint/", "a/") + "x" * 300),
            "accelerator_type": ("ml.eia2.medium", 5),
        },
    ),
    "InstancePool": (
        value(ml.InstancePool, instance_type="ml.m5.large"),
        {
            "instance_type": (*NOT_TEXT, "", "m5.large", "ml.eia2.medium"),
            "priority": (*NOT_WHOLE, 0, 6),
            "model": NOT_AN_OBJECT,
        },
    ),
    "Routing": (value(ml.Routing, strategy="RANDOM"), {"strategy": (*NOT_TEXT, "", "random", "PREFIX")}),
    "prefix_aware": (
        value(ml.Routing.prefix_aware, prefix_length=1024, concurrency_threshold=1),
        {
            "prefix_length": (None, *NOT_WHOLE, 1023, 65_537),
            "concurrency_threshold": (None, *NOT_WHOLE, 0, 1025),
        },
    ),
    "ServerlessVariant": (
        value(ml.ServerlessVariant, name="v", model=IMPORTED, memory=Size.gibibytes(2), max_concurrency=5),
        {
            "name": (*NOT_TEXT, *BAD_NAME),
            "model": (None, *NOT_AN_OBJECT),
            "memory": (
                None,
                2048,
                "2",
                Duration.seconds(5),
                Size.gibibytes(0),
                Size.gibibytes(7),
                Size.mebibytes(1536),
            ),
            "max_concurrency": (None, *NOT_WHOLE, 0, 201),
            "provisioned_concurrency": (*NOT_WHOLE, 0, 6, 201),
        },
    ),
    "AsyncInference": (
        value(ml.AsyncInference),
        {
            "bucket": NOT_AN_OBJECT,
            "input_bucket": NOT_AN_OBJECT,
            **dict.fromkeys(
                ("input_prefix", "output_prefix", "failure_prefix"), (*NOT_TEXT, "", "/a", "a/", "a\n", "a" * 450)
            ),
            "success_topic": NOT_AN_OBJECT,
            "error_topic": NOT_AN_OBJECT,
            "response_in_success": (None, True, *NOT_A_BOOL),
            "response_in_error": (None, True, *NOT_A_BOOL),
            "max_concurrent_invocations": (*NOT_WHOLE, 0, 1001),
        },
    ),
    "AsyncStorage": (
        value(
            ml.AsyncStorage,
            input_bucket=a_bucket,
            input_prefix="in",
            output_bucket=lambda stack: s3.Bucket.from_bucket_name(stack, "Output", "example-output"),
            output_prefix="out",
            failure_prefix="failed",
        ),
        {
            "input_bucket": (None, *NOT_AN_OBJECT),
            "output_bucket": (None, *NOT_AN_OBJECT),
            **dict.fromkeys(("input_prefix", "output_prefix", "failure_prefix"), (*NOT_TEXT, "", "/a", "a/", "a\n")),
        },
    ),
    "ShapBaseline": (
        value(ml.ShapBaseline.inline, text="0,0"),
        {"text": (*NOT_TEXT, "", "0" * 4097), "mime_type": (*NOT_TEXT, "", "text/plain")},
    ),
    "ShapBaseline in a bucket": (
        value(ml.ShapBaseline.from_bucket, bucket=a_bucket, key="baseline.csv"),
        {"bucket": (None, *NOT_AN_OBJECT), "key": (*NOT_TEXT, "", "/a", "a\n", "a" * 1024)},
    ),
    "ClarifyInference": (
        value(ml.ClarifyInference),
        {
            **dict.fromkeys(
                ("features_attribute", "content_template", "probability_attribute", "label_attribute"),
                (*NOT_OPTIONAL_TEXT, "", "a\n", "a" * 65),
            ),
            "max_record_count": (*NOT_WHOLE, 0),
            "max_payload_mb": (*NOT_WHOLE, 0, 26),
            "probability_index": NOT_WHOLE,
            "label_index": NOT_WHOLE,
            "label_headers": ("x", 5, [], [5], [""], ["a" * 65], ["a\n"], ["a"] * 17),
            "feature_headers": ("x", 5, [], [5], [""], ["a" * 65], ["a\n"], ["a"] * 257),
            "feature_types": ("x", 5, [], [5], ["number"], ["numerical"], ["text"] * 257),
        },
    ),
    "ClarifyExplainer": (
        value(ml.ClarifyExplainer, baseline=ml.ShapBaseline.inline("0,0")),
        {
            "baseline": (None, *NOT_AN_OBJECT),
            "enable": (*NOT_OPTIONAL_TEXT, "", "a\n", "a" * 65),
            "inference": NOT_AN_OBJECT,
            "samples": (*NOT_WHOLE, 0),
            "logit": (None, *NOT_A_BOOL),
            "seed": (*NOT_A_NUMBER, 1.5, 2**31),
            "text_language": (*NOT_OPTIONAL_TEXT, "", "klingon", "en"),
            "text_granularity": (*NOT_OPTIONAL_TEXT, "", "word", "token"),
        },
    ),
    "from_endpoint_attributes": (
        build(ml.Endpoint.from_endpoint_attributes, endpoint_name="live", variant_names=["v"]),
        {
            "endpoint_name": (*NOT_TEXT, *BAD_NAME),
            "endpoint_arn": (*NOT_OPTIONAL_TEXT, "", "live", ARN),
            "variant_names": (*NOT_A_LIST, ["a b"], ["v", "v"], [""]),
            "shadow_name": (*NOT_OPTIONAL_TEXT, *BAD_NAME, "v"),
            "serverless": (None, *NOT_A_BOOL),
            "asynchronous": (None, *NOT_A_BOOL),
            "async_storage": NOT_AN_OBJECT,
        },
    ),
    "grant_invoke on targets": (
        method(an_endpoint, "grant_invoke", grantee=iam.ServicePrincipal("lambda.amazonaws.com")),
        {"target_models": ("x", 5, [], [5]), "target_containers": ("x", 5, [], [5])},
    ),
    "Endpoint": (
        build(ml.Endpoint, variants=[variant()]),
        {
            "variants": (*NOT_A_LIST, [], [variant(), variant()], [variant(name=f"v{n}") for n in range(11)]),
            "deployment": NOT_AN_OBJECT,
            "data_capture": (*NOT_AN_OBJECT, True),
            "shadow": NOT_AN_OBJECT,
            "asynchronous": (*NOT_AN_OBJECT, True),
            "explainer": NOT_AN_OBJECT,
            "encryption_key": NOT_AN_OBJECT,
            "encrypt_volumes": NOT_A_BOOL,
            "enhanced_metrics": (None, *NOT_A_BOOL),
            "detailed_observability": NOT_A_BOOL,
            "metric_frequency": (*NOT_A_DURATION, *HALF_SECOND, Duration.seconds(20)),
            "log_retention": NOT_AN_ENUM,
            "endpoint_name": (*NOT_OPTIONAL_TEXT, *BAD_NAME),
        },
    ),
    "from_endpoint_name": (
        build(ml.Endpoint.from_endpoint_name, endpoint_name="live"),
        {"endpoint_name": (*NOT_TEXT, *BAD_NAME), "variant_names": (*NOT_A_LIST, ["a b"], ["v", "v"], [""])},
    ),
    "from_endpoint_arn": (
        build(ml.Endpoint.from_endpoint_arn, endpoint_arn=ARN),
        {
            "endpoint_arn": (*NOT_TEXT, "", "live", "arn:aws:s3:::b", f"{ARN}/", ARN.replace("endpoint", "model")),
            "variant_names": (*NOT_A_LIST, ["a b"], ["v", "v"], [""]),
        },
    ),
    "auto_scale": (
        method(an_endpoint, "auto_scale", max_capacity=4),
        {
            "variant": (*NOT_OPTIONAL_TEXT, "", "other"),
            "min_capacity": (None, *NOT_WHOLE, 0, 5),
            "max_capacity": (None, *NOT_WHOLE, 0, 1),
        },
    ),
    "on_invocations": (
        method(a_scaling, "on_invocations", per_instance_per_minute=5),
        {
            "per_instance_per_minute": (None, *NOT_A_NUMBER, 0, -1),
            "scale_in_cooldown": (*NOT_A_DURATION, Duration.millis(1500)),
            "scale_out_cooldown": (*NOT_A_DURATION, Duration.millis(1500)),
            "disable_scale_in": (None, *NOT_A_BOOL),
        },
    ),
    "on_cpu": (
        method(a_scaling, "on_cpu", percent=50),
        {
            "percent": (None, *NOT_A_NUMBER, 0, -1, 101),
            "vcpus": (*NOT_WHOLE, 0),
            "scale_in_cooldown": NOT_A_DURATION,
            "scale_out_cooldown": NOT_A_DURATION,
            "disable_scale_in": (None, *NOT_A_BOOL),
        },
    ),
    "on_steps": (
        on_steps,
        {
            "name": (*NOT_TEXT, *BAD_NAME),
            "metric": (None, *NOT_AN_OBJECT, cloudwatch.MathExpression(expression="1")),
            "threshold": (None, *NOT_A_NUMBER),
            "steps": (*NOT_A_LIST, []),
            "evaluation_periods": (None, *NOT_WHOLE, 0),
            "below": (None, *NOT_A_BOOL),
            "cooldown": (*NOT_A_DURATION, Duration.millis(1500)),
            "min_change": (*NOT_WHOLE, 0, 1),
        },
    ),
    "on_requests_per_second": (
        method(a_scaling, "on_requests_per_second", per_instance=5),
        {
            "per_instance": (None, *NOT_A_NUMBER, 0, -1),
            "safety_factor": (None, *NOT_A_NUMBER, 0, 1.1),
            "scale_out_cooldown": NOT_A_DURATION,
        },
    ),
    "on_concurrent_requests": (
        method(a_scaling, "on_concurrent_requests", per_model=5),
        {"per_model": (None, *NOT_A_NUMBER, 0, -1), "disable_scale_in": (None, *NOT_A_BOOL)},
    ),
    "on_metric": (
        on_metric,
        {
            "name": (*NOT_TEXT, *BAD_NAME),
            "metric": (None, *NOT_AN_OBJECT, cloudwatch.MathExpression(expression="1")),
            "target": (None, *NOT_A_NUMBER, 1e200),
            "scale_in_cooldown": NOT_A_DURATION,
        },
    ),
    "on_schedule": (
        on_schedule,
        {
            "name": (*NOT_TEXT, "", " a", "a/b", "a" * 257),
            "schedule": (None, *NOT_AN_OBJECT, autoscaling.Schedule.expression("8:00")),
            "min_capacity": (None, *NOT_WHOLE, 0, 5),
            "max_capacity": (*NOT_WHOLE, 0, 2),
            "time_zone": (*NOT_AN_OBJECT, "Europe/London"),
            "start": (*NOT_AN_OBJECT, datetime(2030, 1, 1)),  # noqa: DTZ001 - that is the error
            "end": (*NOT_AN_OBJECT, datetime(2030, 1, 1)),  # noqa: DTZ001 - that is the error
        },
    ),
    "suspend": (
        method(a_scaling, "suspend"),
        dict.fromkeys(("scale_in", "scale_out", "schedules"), (None, *NOT_A_BOOL)),
    ),
    "VariantScaling": (
        build(ml.VariantScaling, endpoint=a_resource, endpoint_name="live", variant=variant(), max_capacity=4),
        {
            "endpoint": (None, *NOT_AN_OBJECT),
            "endpoint_name": NOT_TEXT,
            "variant": (None, *NOT_AN_OBJECT),
            "asynchronous": (None, *NOT_A_BOOL),
        },
    ),
    "ComponentScaling": (
        build(ml.ComponentScaling, component=a_resource, component_name="one", max_capacity=4),
        {
            "component": (None, *NOT_AN_OBJECT),
            "component_name": (*NOT_TEXT, *BAD_NAME),
            "copies": (*NOT_WHOLE, 1, 5),
            "min_capacity": (None, *NOT_WHOLE, 5),
            "max_capacity": (None, *NOT_WHOLE, 0, 1),
        },
    ),
    "ConcurrencyScaling": (
        build(
            ml.ConcurrencyScaling,
            endpoint=a_resource,
            endpoint_name="live",
            variant_name="v",
            provisioned_concurrency=2,
            max_capacity=4,
        ),
        {
            "endpoint": (None, *NOT_AN_OBJECT),
            "endpoint_name": (*NOT_TEXT, *BAD_NAME),
            "variant_name": (*NOT_TEXT, *BAD_NAME),
            "provisioned_concurrency": (None, *NOT_WHOLE, 0, 5),
            "max_concurrency": (None, *NOT_WHOLE, 0, 3, 201),
            "min_capacity": (None, *NOT_WHOLE, 0, 3, 5),
            "max_capacity": (None, *NOT_WHOLE, 0, 1),
        },
    ),
    "ScalingStep": (
        value(ml.ScalingStep, change=1),
        {
            "change": (None, *NOT_A_NUMBER, 0, 1.5, 10**20),
            "lower": NOT_A_NUMBER,
            "upper": NOT_A_NUMBER,
        },
    ),
    "add_rollback_alarm": (method(an_endpoint, "add_rollback_alarm"), {"alarm": (None, *NOT_AN_OBJECT)}),
    "grant_invoke": (method(an_endpoint, "grant_invoke"), {"grantee": (None, *NOT_AN_OBJECT)}),
    "metric": (
        method(an_endpoint, "metric", metric_name="Invocations"),
        {
            "metric_name": NOT_TEXT,
            "variant": (*NOT_OPTIONAL_TEXT, "other"),
            "statistic": NOT_TEXT,
            "period": NOT_A_DURATION,
            "container": NOT_OPTIONAL_TEXT,
            "instance_type": NOT_OPTIONAL_TEXT,
        },
    ),
    "Container": (
        value(ml.Container, image=XGBOOST),
        {
            "image": (None, *NOT_AN_OBJECT),
            "model_data": NOT_AN_OBJECT,
            "environment": (
                *(None, "x", 5, []),
                *({"a b": "x"}, {"": "x"}, {"PORT": 5}, {"A": None}, {5: "x"}),
                *({"A" * 1025: "x"}, {"A": "x" * 1025}, {f"A{n}": "" for n in range(101)}),
                *({"__proto__": "x"}, {"A": "\ud800"}),
            ),
            "hostname": (*NOT_OPTIONAL_TEXT, *BAD_NAME),
        },
    ),
    "Model": (
        build(ml.Model, containers=[ml.Container(image=XGBOOST)]),
        {
            "containers": (*NOT_A_LIST, [], [ml.Container(image=XGBOOST)] * 16),
            "direct_invocation": (None, *NOT_A_BOOL, True),
            "network": NOT_AN_OBJECT,
            "network_isolation": NOT_A_BOOL,
            "role": NOT_AN_OBJECT,
        },
    ),
    "from_model_name": (
        value(ml.Model.from_model_name, model_name="m"),
        {"model_name": (*NOT_TEXT, *BAD_NAME), "role": NOT_AN_OBJECT},
    ),
    "from_framework": (
        value(ml.ContainerImage.from_framework, name="pytorch", version="2.6.0", processor="cpu"),
        {
            "name": (*NOT_TEXT, "", "torch"),
            "version": (*NOT_TEXT, "", "latest"),
            "processor": (*NOT_OPTIONAL_TEXT, "", "tpu"),
            "instance_type": (*NOT_OPTIONAL_TEXT, "", "m5.large"),
            "python_version": (*NOT_OPTIONAL_TEXT, "", "py2"),
            "base_framework": (*NOT_OPTIONAL_TEXT, "", "x"),
        },
    ),
    "from_ecr": (
        value(ml.ContainerImage.from_ecr, repository=a_repository, tag="v1"),
        {"repository": (None, *NOT_AN_OBJECT), "tag": (*NOT_TEXT, "", "latest", "a b"), "digest": ("", "sha256:0")},
    ),
    "from_asset": (
        value(ml.ContainerImage.from_asset, directory=str(Path(__file__).parent), file=Path(__file__).name),
        {
            "directory": (*NOT_TEXT, "", "nowhere"),
            "file": (*NOT_TEXT, "nowhere"),
            "target": NOT_OPTIONAL_TEXT,
            "build_args": ("x", 5, [], {"A": 5}, {5: "A"}, {"A": None}, {"__proto__": "A"}),
            "platform": NOT_AN_OBJECT,
        },
    ),
    "from_directory": (value(ml.ModelData.from_directory), {"path": (*NOT_TEXT, "", "nowhere", __file__)}),
    "from_bucket": (
        value(ml.ModelData.from_bucket, bucket=a_bucket, key="v1/model.tar.gz", version="v1"),
        {
            "bucket": (None, *NOT_AN_OBJECT),
            "key": (*NOT_TEXT, "", "v1.tar", f"v1/{'x' * 1100}.tar.gz"),
            "version": (*NOT_TEXT, "", "v2"),
        },
    ),
    "from_prefix": (
        value(ml.ModelDataSource.from_prefix, bucket=a_bucket, prefix="llm/v1", version="v1"),
        {
            "bucket": (None, *NOT_AN_OBJECT),
            "prefix": (*NOT_TEXT, "", "/v1", f"v1/{'x' * 1100}"),
            "version": (*NOT_TEXT, "", "v2"),
            "accept_eula": (None, *NOT_A_BOOL),
        },
    ),
    "from_object": (
        value(ml.ModelDataSource.from_object, bucket=a_bucket, key="v1/model.bin", version="v1"),
        {
            "bucket": (None, *NOT_AN_OBJECT),
            "key": (*NOT_TEXT, "", "v1/", "v1/..", f"v1/{'x' * 256}", f"v1/{'x/' * 600}y"),
            "version": (*NOT_TEXT, "", "v2"),
            "compressed": (None, *NOT_A_BOOL),
            "accept_eula": (None, *NOT_A_BOOL),
        },
    ),
    "from_jumpstart": (
        value(ml.ModelDataSource.from_jumpstart, key="llm/v1/"),
        {
            "key": (*NOT_TEXT, "", "/llm/", "s3://bucket/llm/", f"{'x/' * 600}"),
            "gated": (None, *NOT_A_BOOL),
            "compressed": (None, *NOT_A_BOOL, True),
            "hub_content_arn": (*NOT_OPTIONAL_TEXT, "", "llm", "arn:aws:s3:::hub-content/x", ARN),
            "accept_eula": (None, *NOT_A_BOOL),
        },
    ),
    "MultiModelData.from_bucket": (
        value(ml.MultiModelData.from_bucket, bucket=a_bucket, prefix="tenants"),
        {
            "bucket": (None, *NOT_AN_OBJECT),
            "prefix": (*NOT_TEXT, "/tenants", "x" * 1100),
            "cache": (None, *NOT_A_BOOL),
        },
    ),
    "PackagedContainer": (
        value(ml.PackagedContainer, package="arn:aws:sagemaker:eu-west-1:111122223333:model-package/churn/3"),
        {
            "package": (None, *NOT_AN_OBJECT, "", ARN, "arn:aws:sagemaker:eu-west-1:111122223333:model-package/churn"),
            "images": NOT_A_LIST,
            "model_data": NOT_A_LIST,
            "environment": (None, "x", 5, [], {"a b": "x"}, {"A": 5}),
            "hostname": (*NOT_OPTIONAL_TEXT, *BAD_NAME),
            "specification": (*NOT_OPTIONAL_TEXT, *BAD_NAME),
            "marketplace": (None, *NOT_A_BOOL),
        },
    ),
    "PrivateRegistry": (
        value(ml.PrivateRegistry, image="registry.example.com/model", connections=lambda _: ec2.Peer.any_ipv4()),
        {
            "image": (*NOT_TEXT, "", "model", "a/B", "a/b:v1", "111122223333.dkr.ecr.eu-west-1.amazonaws.com/model"),
            "connections": (None, *NOT_AN_OBJECT),
            "credentials": NOT_AN_OBJECT,
        },
    ),
    "from_private_registry": (
        value(
            ml.ContainerImage.from_private_registry,
            registry=lambda _: ml.PrivateRegistry(image="a/b", connections=ec2.Peer.any_ipv4()),
            tag="v1",
        ),
        {
            "registry": (None, *NOT_AN_OBJECT),
            "tag": (*NOT_TEXT, "", "latest", "a b"),
            "digest": ("", "sha256:0"),
        },
    ),
    "DataCapture": (
        value(ml.DataCapture),
        {
            "bucket": NOT_AN_OBJECT,
            "prefix": (*NOT_TEXT, "", "/a", "a/", "a\n", "a" * 600),
            "sampling_percentage": (None, *NOT_WHOLE, 101),
            "requests": (None, *NOT_A_BOOL),
            "responses": (None, *NOT_A_BOOL),
            "csv_content_types": (*NOT_A_LIST, [], ["text"], [f"text/{'x' * 300}"]),
            "json_content_types": (*NOT_A_LIST, [], ["text"], ["text/csv"] * 11),
            "encryption_key": NOT_AN_OBJECT,
        },
    ),
    "canary": (
        value(ml.Deployment.canary),
        {"percent": (None, *NOT_WHOLE, 0, 51), "rollback": NOT_AN_OBJECT, **DEPLOYMENT_WAITS},
    ),
    "linear": (value(ml.Deployment.linear), {"percent": (None, *NOT_WHOLE, 9, 51), **DEPLOYMENT_WAITS}),
    "rolling": (value(ml.Deployment.rolling), {"percent": (None, *NOT_WHOLE, 4, 51), "wait": NOT_A_DURATION}),
    "all_at_once": (value(ml.Deployment.all_at_once), {"termination_wait": NOT_A_DURATION, "timeout": NOT_A_DURATION}),
    "Deployment": (value(ml.Deployment, strategy="CANARY", percent=5), {"strategy": (*NOT_TEXT, "", "canary")}),
    "RollbackThresholds": (
        value(ml.RollbackThresholds),
        {
            "error_percent": (None, *NOT_A_NUMBER, -1, 101),
            "model_latency": (*NOT_A_DURATION, Duration.seconds(0)),
        },
    ),
    "AlarmThresholds": (
        value(ml.AlarmThresholds),
        {
            **dict.fromkeys(("error_percent", "client_error_percent", "cpu_percent"), (*NOT_A_NUMBER, -1, 101)),
            **dict.fromkeys(("memory_percent", "disk_percent"), (*NOT_A_NUMBER, -1, 101)),
            **dict.fromkeys(("concurrency_percent", "failed_percent"), (*NOT_A_NUMBER, -1, 101)),
            **dict.fromkeys(("expired_requests", "unsent_notifications"), (*NOT_A_NUMBER, -1, 0.5)),
            **dict.fromkeys(("model_latency", "overhead_latency"), (*NOT_A_DURATION, Duration.seconds(0))),
            **dict.fromkeys(("cold_start", "backlog_age"), (*NOT_A_DURATION, Duration.seconds(0))),
            **dict.fromkeys(
                ("at_capacity", "no_traffic", "no_capacity"),
                (*NOT_A_DURATION, Duration.seconds(90), Duration.days(2)),
            ),
        },
    ),
    "EndpointAlarms": (
        build(ml.EndpointAlarms, endpoint=an_endpoint),
        {
            "endpoint": (None, *NOT_AN_OBJECT),
            "topic": NOT_AN_OBJECT,
            "thresholds": NOT_AN_OBJECT,
            "encryption_key": NOT_AN_OBJECT,
            "vcpus": ("x", 5, [], {"x": 1}, {"v": "2"}, {"v": 0}, {"v": None}, {"v": 1.5}),
        },
    ),
    "EndpointDashboard": (
        build(ml.EndpointDashboard, endpoints=lambda stack: [an_endpoint(stack)]),
        {
            "endpoints": (*NOT_A_LIST, []),
            "front_ends": NOT_A_LIST,
            "alarms": NOT_A_LIST,
            "name": (*NOT_OPTIONAL_TEXT, "", "a b", "x" * 256),
        },
    ),
    "EncryptionKey": (
        build(ml.EncryptionKey),
        {
            "alias": (*NOT_OPTIONAL_TEXT, "", "a b", "ü", "alias/", "alias/aws/x", "aws/x", "a" * 251),
            "administrators": NOT_A_LIST,
            "removal_policy": NOT_AN_ENUM,
            "pending_window": (*BAD_DAYS, Duration.days(6), Duration.days(31)),
        },
    ),
    "LogBucket": (build(ml.LogBucket), {"removal_policy": NOT_AN_ENUM, "expire_after": BAD_DAYS}),
    "ArtifactBucket": (
        build(ml.ArtifactBucket, encryption_key=a_key),
        {**BUCKET, "expire_replaced_after": BAD_DAYS},
    ),
    "CaptureBucket": (build(ml.CaptureBucket, encryption_key=a_key), {**BUCKET, "expire_after": BAD_DAYS}),
    "TrailBucket": (build(ml.TrailBucket, encryption_key=a_key), {**BUCKET, "expire_after": BAD_DAYS}),
    "InferenceNetwork": (
        build(ml.InferenceNetwork),
        {
            "max_azs": (None, *NOT_WHOLE, 1, 17),
            "availability_zones": ("abc", 5, [], ["a"], ["a", "a"], [None, None], ["", "b"], list("abcdefghijklmnopq")),
            "cidr": (*NOT_OPTIONAL_TEXT, "", "10.0.0.0/8", "10.0.0.0/29", "10.0.0.1/16", "::/16", "10.0.0.0"),
            "vpc": NOT_AN_OBJECT,
            "subnets": (*NOT_AN_OBJECT, ec2.SubnetSelection(one_per_az=True)),
            "interface_endpoints": ("x", 5, [None], ["kms"], [ec2.InterfaceVpcEndpointAwsService.KMS] * 2),
            "s3_endpoint": (None, *NOT_A_BOOL),
            "s3_prefix_list": (*NOT_OPTIONAL_TEXT, "", "pl-x"),
            "flow_log_key": NOT_AN_OBJECT,
            "flow_log_retention": NOT_AN_ENUM,
            "flow_log_interval": NOT_AN_ENUM,
            "removal_policy": NOT_AN_ENUM,
        },
    ),
    "InferenceNetwork of a VPC": (
        build(ml.InferenceNetwork, vpc=lambda stack: ec2.Vpc(stack, "Vpc")),
        {
            "subnets": (
                ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC),
                ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
                ec2.SubnetSelection(subnet_group_name="nowhere"),
                ec2.SubnetSelection(subnet_group_name="both", subnet_type=ec2.SubnetType.PUBLIC),
            ),
        },
    ),
    "add_interface_endpoint": (
        method(a_network, "add_interface_endpoint", service=ec2.InterfaceVpcEndpointAwsService.KMS),
        {
            "service": (None, *NOT_AN_OBJECT, ec2.InterfaceVpcEndpointAwsService.SAGEMAKER_RUNTIME),
            "statements": ("x", 5, [None], [5]),
        },
    ),
    "allow_invoke": (
        lambda stack, bad: a_network(stack).allow_invoke(bad.get("endpoint_arn", ARN), *bad.get("actions", ())),
        {"endpoint_arn": (*NOT_TEXT, "", "live"), "actions": ([5], [None], [""], ["s3:GetObject"])},
    ),
    "allow_s3": (
        lambda stack, bad: a_network(stack).allow_s3(bad.get("resource_arn", "*"), *bad.get("actions", ("s3:Get*",))),
        {"resource_arn": (*NOT_TEXT, "", "bucket"), "actions": ([], [5], [None], [""], ["s3:"], ["kms:Decrypt"])},
    ),
    "create_security_group": (
        lambda stack, bad: a_network(stack).create_security_group(stack, "Group", **{"description": "d", **bad}),
        {
            "description": (*NOT_TEXT, "", "ü", "it's", "x" * 256),
            "endpoints": (None, *NOT_A_BOOL),
            "s3": (None, *NOT_A_BOOL),
        },
    ),
    "AuditTrail": (
        build(ml.AuditTrail),
        {
            "encryption_key": NOT_AN_OBJECT,
            "data_buckets": NOT_A_LIST,
            "data_endpoints": (*NOT_A_LIST, ["live"], ["arn:aws:s3:::b"]),
            "management_events": (None, False, *NOT_A_BOOL),
            "insights": NOT_A_LIST,
            "bucket": NOT_AN_OBJECT,
            "access_logs": NOT_AN_OBJECT,
            "expire_after": BAD_DAYS,
            "log_retention": NOT_AN_ENUM,
            "trail_name": (*NOT_OPTIONAL_TEXT, "", "ab", "a..b", "-a", "192.168.5.4", "a" * 129),
            "removal_policy": NOT_AN_ENUM,
        },
    ),
    "WebAcl": (
        build(ml.WebAcl),
        {"rate_limit": (None, *NOT_WHOLE, 9), "encryption_key": NOT_AN_OBJECT, "log_retention": NOT_AN_ENUM},
    ),
    "FunctionFrontEnd": (
        build(ml.FunctionFrontEnd, endpoint=an_endpoint),
        {
            "endpoint": (None, *NOT_AN_OBJECT),
            "network": NOT_AN_OBJECT,
            "encryption_key": NOT_AN_OBJECT,
            "timeout": (*NOT_A_DURATION, *HALF_SECOND, Duration.seconds(4)),
            "memory_size": (None, *NOT_WHOLE, 127, 32_769),
            "reserved_concurrency": NOT_WHOLE,
            "provisioned_concurrency": (*NOT_WHOLE, 0, 51),
            "allow_target_variant": (None, *NOT_A_BOOL),
            "log_retention": NOT_AN_ENUM,
        },
    ),
    "RestApiFrontEnd": (
        build(ml.RestApiFrontEnd, endpoint=an_endpoint),
        {
            "endpoint": (None, *NOT_AN_OBJECT),
            "function": NOT_AN_OBJECT,
            "network": NOT_AN_OBJECT,
            "encryption_key": NOT_AN_OBJECT,
            "request_schema": (*NOT_AN_OBJECT, {"type": "object"}),
            "content_type": (*NOT_TEXT, "", "text", "ü/x", "text/csv; charset=utf-8"),
            "path": (*NOT_TEXT, "", "/x", "x/", "x//y", "{proxy+}", "a b", "ü"),
            "timeout": (*NOT_A_DURATION, *HALF_SECOND, Duration.seconds(5)),
            "throttle_rate": (None, *NOT_A_NUMBER, -1),
            "throttle_burst": (None, *NOT_WHOLE),
            "authorization": (None, *NOT_AN_OBJECT, apigateway.AuthorizationType.CUSTOM),
            "web_acl": (*NOT_AN_OBJECT, ""),
            "stage_name": (*NOT_TEXT, "", "a b", "ü", "x" * 129),
            "log_retention": NOT_AN_ENUM,
            "cloud_watch_role": (None, *NOT_A_BOOL),
        },
    ),
}


@pytest.mark.parametrize(("call", "argument", "values"), each_argument(CASES))
def test_is_refused_by_name(call: Call, argument: str, values: Sequence[object]) -> None:
    for bad, said in refusals(call, argument, values):
        if str(bad):
            assert "got" in said, (bad, said)


@pytest.mark.parametrize(("call", "arguments"), list(CASES.values()), ids=list(CASES))
def test_what_is_not_replaced_is_accepted(call: Call, arguments: Mapping[str, Sequence[object]]) -> None:
    """Else the test above would prove nothing."""
    made: dict[str, Callable[[Stack], object]] = {
        "alarm": lambda stack: cloudwatch.Alarm.from_alarm_arn(stack, "A", f"{ARN}:alarm:a"),
        "grantee": lambda _: iam.ServicePrincipal("lambda.amazonaws.com"),
        "path": lambda _: Path(__file__).parent,
    }
    stack = Stack(App(builtin_cloud_formation_validation=False), "Stack")
    (first, *others) = arguments
    call(stack, {first: made[first](stack)} if not others and first in made else {})


@pytest.mark.parametrize("path", [*NOT_TEXT, "", "nowhere.tar.gz", __file__])
def test_what_is_no_archive_is_refused(path: Any) -> None:  # noqa: ANN401 - of any wrong type
    with pytest.raises((ValueError, TypeError), match=r"path must .*, got "):
        ml.ModelData.from_asset(path)


def token(stack: Stack) -> float:
    return float(CfnParameter(stack, "Number", type="Number").value_as_number)


@pytest.mark.parametrize(
    ("call", "argument", "unit"),
    [
        (value(ml.InstanceVariant, name="v", model=IMPORTED, instance_type="ml.m5.large"), argument, "seconds")
        for argument in ("container_startup_timeout", "model_download_timeout")
    ]
    + [
        (value(ml.Deployment.canary), "wait", "seconds"),
        (value(ml.Deployment.canary), "timeout", "seconds"),
        (value(ml.AlarmThresholds), "model_latency", "milliseconds"),
        (build(ml.EncryptionKey), "pending_window", "days"),
        (build(ml.LogBucket), "expire_after", "days"),
        (build(ml.Endpoint, variants=[variant()]), "metric_frequency", "seconds"),
        (build(ml.FunctionFrontEnd, endpoint=an_endpoint), "timeout", "seconds"),
        (build(ml.RestApiFrontEnd, endpoint=an_endpoint), "timeout", "milliseconds"),
        (method(a_scaling, "on_cpu", percent=50), "scale_in_cooldown", "seconds"),
    ],
)
def test_a_token_must_have_the_unit_that_is_rendered(stack: Stack, call: Call, argument: str, unit: str) -> None:
    with pytest.raises(ValueError, match=rf"^{argument} must be given in {unit} where known only at deployment, got"):
        call(stack, {argument: Duration.minutes(token(stack)) if unit != "minutes" else Duration.days(token(stack))})
    with pytest.raises(ValueError, match="volume_size must be given in GiB where known only at deployment"):
        variant(volume_size=Size.mebibytes(token(Stack(App(), "Size"))))


@pytest.fixture
def ireland(app: App) -> Stack:
    return Stack(app, "Ireland", env=Environment(account="111122223333", region="eu-west-1"))


@pytest.fixture
def virginia(app: App) -> Stack:
    return Stack(app, "Virginia", env=Environment(account="111122223333", region="us-east-1"))


ELSEWHERE: dict[str, Callable[[Stack, Stack], object]] = {
    "encryption_key of an endpoint": lambda here, there: ml.Endpoint(
        here, "X", variants=[variant()], encryption_key=ml.EncryptionKey(there, "Key")
    ),
    "model of variant only": lambda here, there: ml.Endpoint(
        here, "X", variants=[variant(ml.Model(there, "M", containers=[ml.Container(image=XGBOOST)]))]
    ),
    "network of a model": lambda here, there: ml.Model(
        here, "X", containers=[ml.Container(image=XGBOOST)], network=ml.InferenceNetwork(there, "Network")
    ),
    "vpc": lambda here, there: ml.InferenceNetwork(here, "X", vpc=ec2.Vpc(there, "Vpc")),
    "endpoint of alarms": lambda here, there: ml.EndpointAlarms(here, "X", endpoint=an_endpoint_of(there)),
    "endpoint of a function": lambda here, there: ml.FunctionFrontEnd(here, "X", endpoint=an_endpoint_of(there)),
    "topic": lambda here, there: ml.EndpointAlarms(
        here, "X", endpoint=an_endpoint_of(here), topic=sns.Topic(there, "Topic")
    ),
    "web_acl": lambda here, there: ml.RestApiFrontEnd(
        here, "X", endpoint=an_endpoint_of(here), web_acl=ml.WebAcl(there, "Acl")
    ),
    "access_logs": lambda here, there: ml.ArtifactBucket(
        here, "X", encryption_key=ml.EncryptionKey(here, "Key"), access_logs=ml.LogBucket(there, "Logs")
    ),
    "bucket": lambda here, there: ml.Model(
        here,
        "X",
        containers=[
            ml.Container(
                image=XGBOOST,
                model_data=ml.ModelData.from_bucket(s3.Bucket(there, "B"), "v1/model.tar.gz", version="v1"),
            )
        ],
    ),
    "alarm": lambda here, there: an_endpoint_of(here).add_rollback_alarm(
        cloudwatch.Alarm(there, "Alarm", metric=an_endpoint_of(there).metric("X"), threshold=1, evaluation_periods=1)
    ),
}


def an_endpoint_of(stack: Stack) -> ml.Endpoint:
    return ml.Endpoint(stack, "Endpoint", variants=[variant()])


@pytest.mark.parametrize("named", ELSEWHERE)
def test_another_region_is_refused(ireland: Stack, virginia: Stack, named: str) -> None:
    argument = named.partition(" of a")[0]
    with pytest.raises(ValueError, match=rf"^{argument} must be in the region of .*, eu-west-1, got one in us-east-1"):
        ELSEWHERE[named](ireland, virginia)


@pytest.mark.parametrize("named", ELSEWHERE)
def test_another_app_is_refused(stack: Stack, named: str) -> None:
    other = App(builtin_cloud_formation_validation=False)
    argument = named.partition(" of a")[0]
    with pytest.raises(ValueError, match=rf"^{argument} must be of the app of what uses it, got "):
        ELSEWHERE[named](stack, Stack(other, "Other"))


@pytest.mark.parametrize("named", [name for name in ELSEWHERE if name != "bucket"])
def test_another_stack_of_the_environment_is_accepted(app: App, ireland: Stack, named: str) -> None:
    ELSEWHERE[named](ireland, Stack(app, "Beside", env=Environment(account="111122223333", region="eu-west-1")))


def test_another_account_is_refused(app: App, ireland: Stack) -> None:
    other = Stack(app, "Other", env=Environment(account="444455556666", region="eu-west-1"))
    with pytest.raises(
        ValueError, match="endpoint must be in the account of what uses it, 111122223333, got one in 44"
    ):
        ml.EndpointAlarms(ireland, "Alarms", endpoint=an_endpoint_of(other))


def test_a_key_of_another_region_is_known_by_its_arn(virginia: Stack) -> None:
    with pytest.raises(ValueError, match=r"encryption_key must be in the region .*, us-east-1, got one in eu-west-1"):
        ml.CaptureBucket(virginia, "Bucket", encryption_key=a_key(virginia))


def test_a_bucket_imported_by_name_may_be_anywhere(app: App, ireland: Stack, virginia: Stack) -> None:
    data = ml.ModelData.from_bucket(a_bucket(virginia), "v1/model.tar.gz", version="v1")
    ml.Model(ireland, "Model", containers=[ml.Container(image=XGBOOST, model_data=data)])
    app.synth()


def test_zones_known_only_at_deployment_are_no_single_zone(stack: Stack) -> None:
    zones = CfnParameter(stack, "Zones", type="CommaDelimitedList").value_as_list
    vpc = ec2.Vpc.from_vpc_attributes(
        stack,
        "Vpc",
        vpc_id="vpc-1",
        availability_zones=zones,
        isolated_subnet_ids=["subnet-1", "subnet-2"],
        isolated_subnet_route_table_ids=["rtb-1", "rtb-2"],
    )
    network = ml.InferenceNetwork(stack, "Network", vpc=vpc)
    assert "ml-constructs:SingleAz" not in {entry.type for entry in network.node.metadata}
    assert not any("SingleAz" in str(entry.data) for entry in network.node.metadata)


def test_a_path_in_any_alphabet_makes_descriptions_that_ec2_takes(stack: Stack) -> None:
    network = ml.InferenceNetwork(stack, "Rede's são", removal_policy=RemovalPolicy.DESTROY)
    ml.FunctionFrontEnd(stack, "Funçao's" + "x" * 240, endpoint=an_endpoint(stack), network=network)
    groups = [
        each["Properties"]["GroupDescription"]
        for each in synthesised(stack)["Resources"].values()
        if each["Type"] == "AWS::EC2::SecurityGroup"
    ]
    assert len(groups) == 2
    assert all(len(text) <= 255 and text.isascii() and "'" not in text for text in groups)
