"""Every constraint of hosting and scaling that AWS enforces and that no validation of templates finds.

Each at its edge, where it is accepted; beyond, where it is refused with argument, limit and value; and with a token
instead, where one can be: kinds and numbers of constructs are always known at synth. What no argument can express is
looked up in the template.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aws_cdk import App, Duration, Size, Stack
from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_s3 as s3

import ml_constructs as ml
from tests.constructs.builders import (
    IMPORTED,
    XGBOOST,
    number,
    properties,
    resources,
    stored,
    text,
    variant,
    warnings,
)

Call = Callable[[Stack], object]

CONFIG = "AWS::SageMaker::EndpointConfig"
ENDPOINT = "AWS::SageMaker::Endpoint"
MODEL = "AWS::SageMaker::Model"
POLICY = "AWS::ApplicationAutoScaling::ScalingPolicy"
PACKAGE = "arn:aws:sagemaker:eu-west-1:111122223333:model-package/product"
NOON = autoscaling.Schedule.expression("cron(0 12 * * ? *)")


@dataclass(frozen=True)
class Beyond:
    """What is refused, and what the message says: the argument, the limit, and the value."""

    call: Call
    argument: str
    limit: str
    got: str


@dataclass(frozen=True, kw_only=True)
class Limit:
    """A constraint."""

    edge: Sequence[Call]
    beyond: Sequence[Beyond]
    token: Call | None = None


def container(**options: Any) -> ml.Container:  # noqa: ANN401 - arguments of a container
    return ml.Container(**{"image": XGBOOST, **options})


def model(stack: Stack, *containers: Any, **options: Any) -> ml.Model:  # noqa: ANN401 - arguments of a model
    return ml.Model(stack, f"M{len(stack.node.children)}", containers=containers or [container()], **options)


def bucket(stack: Stack) -> s3.IBucket:
    return s3.Bucket.from_bucket_name(stack, f"B{len(stack.node.children)}", "example-models")


def endpoint(stack: Stack, *variants: Any, **options: Any) -> ml.Endpoint:  # noqa: ANN401 - arguments of an endpoint
    return ml.Endpoint(stack, "Endpoint", variants=variants or [variant()], **options)


def serverless(**options: Any) -> ml.ServerlessVariant:  # noqa: ANN401 - arguments of a variant
    plain: dict[str, Any] = {"name": "only", "model": IMPORTED, "memory": Size.gibibytes(2), "max_concurrency": 20}
    return ml.ServerlessVariant(**{**plain, **options})


def open_model(stack: Stack, *containers: Any, **options: Any) -> ml.Model:  # noqa: ANN401 - arguments of a model
    return model(stack, *containers, network_isolation=False, **options)


def pipeline(stack: Stack) -> ml.Model:
    return open_model(stack, container(), container())


def many_models(stack: Stack) -> ml.Model:
    return open_model(stack, container(model_data=ml.MultiModelData.from_bucket(bucket(stack), "tenants/")))


def product(stack: Stack, **options: Any) -> ml.Model:  # noqa: ANN401 - arguments of a model
    return model(stack, ml.PackagedContainer(package=PACKAGE, marketplace=True), **options)


def copied(stack: Stack) -> ml.ModelDataSource:
    return ml.ModelDataSource.from_prefix(bucket(stack), "llm/v1/", version="v1")


def pair(stack: Stack, shadowed: ml.IModel = IMPORTED, **options: Any) -> ml.Endpoint:  # noqa: ANN401
    """One variant with a shadow."""
    return endpoint(stack, variant(shadowed, "a"), **{"shadow": variant(name="b"), **options})


def shared(stack: Stack, **options: Any) -> ml.SharedEndpoint:  # noqa: ANN401 - arguments of the endpoint
    return ml.SharedEndpoint(stack, "Endpoint", variant=ml.SharedVariant(instance_type="ml.m5.large"), **options)


def component(stack: Stack, **options: Any) -> ml.InferenceComponent:  # noqa: ANN401 - arguments of a component
    what = ml.ComponentSpecification(model=IMPORTED, memory=Size.gibibytes(1))
    return ml.InferenceComponent(stack, "Component", endpoint=shared(stack), specification=what, **options)


def pools(*types: str, **options: Any) -> ml.InstanceVariant:  # noqa: ANN401 - arguments of a variant
    listed = [ml.InstancePool(instance_type=each) for each in types]
    return ml.InstanceVariant(name="only", model=IMPORTED, instance_pools=listed, **options)


def scaled(stack: Stack, low: int, high: int, *, count: int = 2, **options: Any) -> ml.VariantScaling:  # noqa: ANN401
    """A variant in a range."""
    made = variant(instance_count=count, **options.pop("variant", {}))
    return endpoint(stack, made, **options).auto_scale(min_capacity=low, max_capacity=high)


def concurrency(stack: Stack, low: int, high: int, **options: Any) -> ml.ConcurrencyScaling:  # noqa: ANN401
    """Provisioned concurrency in a range."""
    made = endpoint(stack, serverless(**{"provisioned_concurrency": 2, **options}))
    return made.auto_scale_concurrency(min_capacity=low, max_capacity=high)


def scheduled(stack: Stack, low: int | None, high: int | None) -> None:
    """Another range of what scales from 2 to 6."""
    scaled(stack, 2, 6).on_schedule("Noon", schedule=NOON, min_capacity=low, max_capacity=high)


def experiment(stack: Stack, length: timedelta | str, **options: Any) -> ml.InferenceExperiment:  # noqa: ANN401
    """An experiment of some length."""
    start = datetime(2030, 1, 1, tzinfo=UTC)
    challenger = ml.ExperimentVariant(name="challenger", model=IMPORTED, instance_type="ml.m5.large")
    return ml.InferenceExperiment(
        stack,
        "Experiment",
        **{"endpoint": options.pop("endpoint", None) or endpoint(stack), "challenger": challenger, **options},
        starts=start,
        ends=length if isinstance(length, str) else start + length,
    )


def image(stack: Stack, mutability: ecr.TagMutability = ecr.TagMutability.IMMUTABLE, **pin: str) -> ml.Model:
    """A model whose image is in a repository of the app."""
    repository = ecr.Repository(stack, "Repository", image_tag_mutability=mutability)
    return model(stack, container(image=ml.ContainerImage.from_ecr(repository, **pin)))


def minutes(count: float) -> Duration:
    return Duration.minutes(count)


MODELS = {
    "100 environment variables": Limit(
        edge=[lambda _: container(environment={f"A{each}": "" for each in range(100)})],
        beyond=[
            Beyond(
                lambda _: container(environment={f"A{each}": "" for each in range(101)}),
                *("environment", "between 0 and 100 members", "101"),
            )
        ],
        token=lambda stack: container(environment={"A": text(stack)}),
    ),
    "1,024 bytes in a name or a value of the environment": Limit(
        edge=[
            lambda _: container(environment={"A" * 1024: "x" * 1024}),
            lambda _: container(environment={"A": "é" * 512}),
        ],
        beyond=[
            Beyond(
                lambda _: container(environment={"A" * 1025: ""}), "environment", "at most 1,024 bytes", "1,025 bytes"
            ),
            Beyond(
                lambda _: container(environment={"A": "x" * 1025}), "environment", "at most 1,024 bytes", "1,025 bytes"
            ),
            Beyond(
                lambda _: container(environment={"A": "é" * 513}), "environment", "at most 1,024 bytes", "1,026 bytes"
            ),
        ],
        token=lambda stack: container(environment={"A": text(stack)}),
    ),
    "32 KB of environment in a model": Limit(
        edge=[lambda stack: model(stack, *[container(environment={"A" * 1024: "x" * 1024})] * 15)],
        beyond=[
            Beyond(
                lambda stack: model(stack, *[container(environment={"A" * 1024: "x" * 1024, "B": "x" * 1000})] * 12),
                *("containers", "at most 32,768 bytes together", "36,588"),
            )
        ],
        token=lambda stack: model(
            stack, container(environment={f"A{each}": text(stack, f"T{each}") for each in range(99)})
        ),
    ),
    "an archive ends with .tar.gz": Limit(
        edge=[lambda stack: ml.ModelData.from_bucket(bucket(stack), "v1.tar.gz", version="v1")],
        beyond=[
            Beyond(
                lambda stack: ml.ModelData.from_bucket(bucket(stack), "v1.tar", version="v1"),
                *("key", "end with .tar.gz", "'v1.tar'"),
            ),
            Beyond(lambda _: ml.ModelData.from_asset("model.zip"), "path", "end with .tar.gz", "'model.zip'"),
        ],
        token=lambda stack: ml.ModelData.from_bucket(bucket(stack), text(stack), version="v1"),
    ),
    "an archive or copied files, no both": Limit(
        edge=[lambda stack: container(model_data=stored(stack)), lambda stack: container(model_data=copied(stack))],
        beyond=[
            Beyond(
                lambda stack: container(model_data=[stored(stack), copied(stack)]),
                *("model_data", "ModelData or ModelDataSource or MultiModelData or None", "[ModelData("),
            )
        ],
    ),
    "no copied files without instances": Limit(
        edge=[lambda stack: serverless(model=open_model(stack, container(model_data=stored(stack))))],
        beyond=[
            Beyond(
                lambda stack: serverless(model=open_model(stack, container(model_data=copied(stack)))),
                *("model", "an archive for a serverless variant", "ModelDataSource"),
            )
        ],
    ),
    "a hostname for all containers or none": Limit(
        edge=[
            lambda stack: model(stack, container(), container()),
            lambda stack: model(stack, container(hostname="a"), container(hostname="b")),
        ],
        beyond=[
            Beyond(
                lambda stack: model(stack, container(hostname="a"), container()),
                *("containers", "a hostname all or none", "1 of 2"),
            ),
            Beyond(
                lambda stack: model(stack, container(), container(), direct_invocation=True),
                *("containers", "each have a hostname", "0 of 2"),
            ),
        ],
        token=lambda stack: model(stack, container(hostname=text(stack)), container(hostname="b")),
    ),
    "no shadow of many models": Limit(
        edge=[lambda stack: pair(stack, model(stack)), lambda stack: endpoint(stack, variant(many_models(stack)))],
        beyond=[
            Beyond(
                lambda stack: pair(stack, many_models(stack)), "model of variant a", "serve one model", "MultiModelData"
            )
        ],
    ),
    "no volume size beside local storage": Limit(
        edge=[lambda _: variant(volume_size=Size.gibibytes(1)), lambda _: variant(instance_type="ml.g5.xlarge")],
        beyond=[
            Beyond(
                lambda _: variant(instance_type="ml.g4dn.xlarge", volume_size=Size.gibibytes(1)),
                *("volume_size", "not be set for ml.g4dn.xlarge", "1 GiB"),
            ),
            Beyond(
                lambda _: pools("ml.m5.large", "ml.g5.xlarge", volume_size=Size.gibibytes(1)),
                *("volume_size", "not be set for ml.g5.xlarge", "1 GiB"),
            ),
            Beyond(
                lambda _: ml.SharedVariant(instance_type="ml.p5.48xlarge", volume_size=Size.gibibytes(1)),
                *("volume_size", "not be set for ml.p5.48xlarge", "1 GiB"),
            ),
        ],
        token=lambda stack: variant(instance_type=text(stack), volume_size=Size.gibibytes(number(stack))),
    ),
    "serverless memory in whole GiB": Limit(
        edge=[lambda _: serverless(memory=Size.gibibytes(1)), lambda _: serverless(memory=Size.mebibytes(6144))],
        beyond=[
            Beyond(
                lambda _: serverless(memory=Size.mebibytes(1025)), "memory", "1, 2, 3, 4, 5 or 6 GiB", "1.00098 GiB"
            ),
            Beyond(lambda _: serverless(memory=Size.gibibytes(7)), "memory", "1, 2, 3, 4, 5 or 6 GiB", "7 GiB"),
        ],
        token=lambda stack: serverless(memory=Size.mebibytes(number(stack))),
    ),
    "provisioned concurrency within the maximum": Limit(
        edge=[lambda _: serverless(provisioned_concurrency=20)],
        beyond=[
            Beyond(
                lambda _: serverless(provisioned_concurrency=21),
                *("provisioned_concurrency", "at most max_concurrency, 20", "21"),
            )
        ],
        token=lambda stack: serverless(max_concurrency=number(stack), provisioned_concurrency=200),
    ),
    "no network without instances": Limit(
        edge=[lambda stack: serverless(model=open_model(stack))],
        beyond=[
            Beyond(
                lambda stack: serverless(model=open_model(stack, network=ml.InferenceNetwork(stack, "Network"))),
                *("model", "in no network for a serverless variant", "one in Stack/Network"),
            ),
            Beyond(
                lambda stack: serverless(model=model(stack, network_isolation=True)),
                *("model", "network_isolation=False for a serverless variant", "True"),
            ),
        ],
    ),
    "no instance type without instances": Limit(
        edge=[lambda _: serverless()],
        beyond=[Beyond(lambda _: serverless(instance_type="ml.m5.large"), "instance_type", "unexpected keyword", "")],
    ),
    "no shadow of an asynchronous endpoint": Limit(
        edge=[lambda stack: endpoint(stack, asynchronous=ml.AsyncInference())],
        beyond=[
            Beyond(
                lambda stack: pair(stack, asynchronous=ml.AsyncInference()),
                *("asynchronous", "not be given beside a shadow variant", "AsyncInference"),
            )
        ],
    ),
    "a component starts with a copy": Limit(
        edge=[lambda stack: component(stack, copies=1)],
        beyond=[Beyond(lambda stack: component(stack, copies=0), "copies", "between 1 and 2,147,483,647", "0")],
        token=lambda stack: component(stack, copies=number(stack)),
    ),
    "an instance type or pools, no both": Limit(
        edge=[lambda _: variant(), lambda _: pools("ml.m5.large")],
        beyond=[
            Beyond(
                lambda _: pools("ml.m5.large", instance_type="ml.m5.large"),
                *("instance_type", "not be given beside instance_pools", "'ml.m5.large'"),
            )
        ],
        token=lambda stack: pools(text(stack)),
    ),
}

VARIANTS = {
    "unique names": Limit(
        edge=[lambda stack: endpoint(stack, variant(name="a"), variant(name="A"))],
        beyond=[
            Beyond(
                lambda stack: endpoint(stack, variant(name="a"), variant(name="a")),
                *("variants", "unique names", "a more than once"),
            ),
            Beyond(lambda stack: pair(stack, shadow=variant(name="a")), "variants", "unique names", "a more than once"),
        ],
        token=lambda stack: endpoint(stack, variant(name=text(stack, "A")), variant(name=text(stack, "B"))),
    ),
    "weights above 0 in all": Limit(
        edge=[lambda stack: endpoint(stack, variant(name="a", weight=0), variant(name="b", weight=0.001))],
        beyond=[
            Beyond(
                lambda stack: endpoint(stack, variant(name="a", weight=0), variant(name="b", weight=0)),
                *("variants", "a sum above 0", "0"),
            )
        ],
        token=lambda stack: endpoint(stack, variant(name="a", weight=0), variant(name="b", weight=number(stack))),
    ),
    "one shadow of one variant": Limit(
        edge=[pair],
        beyond=[
            Beyond(
                lambda stack: endpoint(stack, variant(name="a"), variant(name="b"), shadow=variant(name="c")),
                *("variants", "one beside a shadow variant", "2 variants"),
            ),
            Beyond(
                lambda stack: pair(stack, shadow=[variant(name="b"), variant(name="c")]),
                *("shadow", "InstanceVariant", "[InstanceVariant("),
            ),
        ],
    ),
    "no shadow without instances": Limit(
        edge=[lambda stack: endpoint(stack, serverless())],
        beyond=[
            Beyond(
                lambda stack: endpoint(stack, serverless(), shadow=variant(name="b")),
                *("shadow", "not be given for a serverless variant", "'b'"),
            ),
            Beyond(
                lambda stack: endpoint(stack, shadow=serverless(name="b")),
                "shadow",
                "InstanceVariant",
                "ServerlessVariant(",
            ),
        ],
    ),
    "no shadow of several containers": Limit(
        edge=[lambda stack: pair(stack, model(stack))],
        beyond=[
            Beyond(lambda stack: pair(stack, pipeline(stack)), "model of variant a", "one container", "2 containers"),
            Beyond(
                lambda stack: pair(stack, shadow=variant(pipeline(stack), "b")),
                *("model of variant b", "one container", "2 containers"),
            ),
        ],
    ),
    "no shadow on Inferentia 1": Limit(
        edge=[lambda stack: pair(stack, shadow=variant(name="b", instance_type="ml.inf2.xlarge"))],
        beyond=[
            Beyond(
                lambda stack: pair(stack, shadow=variant(name="b", instance_type="ml.inf1.xlarge")),
                *("instance_type of variant b", "not be of family inf1", "'ml.inf1.xlarge'"),
            )
        ],
        token=lambda stack: pair(stack, shadow=variant(name="b", instance_type=text(stack))),
    ),
    "no shadow of AWS Marketplace": Limit(
        edge=[lambda stack: endpoint(stack, variant(product(stack)))],
        beyond=[
            Beyond(
                lambda stack: pair(stack, product(stack)),
                "model of variant a",
                "not be of AWS Marketplace",
                "a product",
            )
        ],
    ),
    "an experiment of 30 days": Limit(
        edge=[lambda stack: experiment(stack, timedelta(days=30))],
        beyond=[
            Beyond(
                lambda stack: experiment(stack, timedelta(days=30, seconds=1)),
                *("ends", "between 1 hour and 30 days after starts", "30 days, 0:00:01"),
            )
        ],
        token=lambda stack: experiment(stack, text(stack)),
    ),
    "an experiment with one challenger of one variant": Limit(
        edge=[lambda stack: experiment(stack, timedelta(days=1))],
        beyond=[
            Beyond(
                lambda stack: experiment(
                    stack, timedelta(days=1), endpoint=endpoint(stack, variant(name="a"), variant(name="b"))
                ),
                *("endpoint", "one production variant", "a, b"),
            ),
            Beyond(
                lambda stack: experiment(stack, timedelta(days=1), endpoint=endpoint(stack, serverless())),
                *("endpoint", "not be serverless", "one that is"),
            ),
        ],
    ),
    "canary of 50 percent": Limit(
        edge=[lambda _: ml.Deployment.canary(percent=1), lambda _: ml.Deployment.canary(percent=50)],
        beyond=[
            Beyond(lambda _: ml.Deployment.canary(percent=0), "percent", "between 1 and 50 percent", "0"),
            Beyond(lambda _: ml.Deployment.canary(percent=51), "percent", "between 1 and 50 percent", "51"),
        ],
        token=lambda stack: ml.Deployment.canary(percent=number(stack)),
    ),
    "linear of 10 to 50 percent": Limit(
        edge=[lambda _: ml.Deployment.linear(percent=10), lambda _: ml.Deployment.linear(percent=50)],
        beyond=[
            Beyond(lambda _: ml.Deployment.linear(percent=9), "percent", "between 10 and 50 percent", "9"),
            Beyond(lambda _: ml.Deployment.linear(percent=51), "percent", "between 10 and 50 percent", "51"),
        ],
        token=lambda stack: ml.Deployment.linear(percent=number(stack)),
    ),
    "rolling of 5 to 50 percent": Limit(
        edge=[lambda _: ml.Deployment.rolling(percent=5), lambda _: ml.Deployment.rolling(percent=50)],
        beyond=[
            Beyond(lambda _: ml.Deployment.rolling(percent=4), "percent", "between 5 and 50 percent", "4"),
            Beyond(lambda _: ml.Deployment.rolling(percent=51), "percent", "between 5 and 50 percent", "51"),
        ],
        token=lambda stack: ml.Deployment.rolling(percent=number(stack)),
    ),
    "a timeout longer than all waits": Limit(
        edge=[
            lambda _: ml.Deployment.canary(
                wait=minutes(10), termination_wait=minutes(5), timeout=Duration.seconds(901)
            ),
            lambda _: ml.Deployment.rolling(percent=50, wait=minutes(5), timeout=Duration.seconds(601)),
        ],
        beyond=[
            Beyond(
                lambda _: ml.Deployment.canary(wait=minutes(10), termination_wait=minutes(5), timeout=minutes(15)),
                *("timeout", "longer than all waits, 900 seconds", "900 seconds"),
            ),
            Beyond(
                lambda _: ml.Deployment.rolling(percent=50, wait=minutes(5), timeout=minutes(10)),
                *("timeout", "longer than all waits, 600 seconds", "600 seconds"),
            ),
        ],
        token=lambda stack: ml.Deployment.canary(wait=Duration.seconds(number(stack)), timeout=minutes(10)),
    ),
    "rolling with one variant": Limit(
        edge=[lambda stack: endpoint(stack, deployment=ml.Deployment.rolling())],
        beyond=[
            Beyond(
                lambda stack: endpoint(stack, variant(name="a"), variant(name="b"), deployment=ml.Deployment.rolling()),
                *("deployment", "not be rolling for several variants", "2 variants"),
            ),
            Beyond(
                lambda stack: pair(stack, deployment=ml.Deployment.rolling()),
                *("deployment", "not be rolling for several variants", "2 variants"),
            ),
            Beyond(
                lambda stack: endpoint(stack, serverless(), deployment=ml.Deployment.rolling()),
                *("deployment", "not be rolling for a serverless variant", "ROLLING"),
            ),
        ],
    ),
    "prefix-aware routing with its prefix": Limit(
        edge=[
            lambda _: ml.Routing.prefix_aware(prefix_length=1024, concurrency_threshold=1),
            lambda _: ml.Routing.prefix_aware(prefix_length=65_536, concurrency_threshold=1024),
        ],
        beyond=[
            Beyond(
                lambda _: ml.Routing(strategy="PREFIX_AWARE", concurrency_threshold=1),
                *("prefix_length", "between 1,024 and 65,536", "None"),
            ),
            Beyond(
                lambda _: ml.Routing(strategy="PREFIX_AWARE", prefix_length=1024),
                *("concurrency_threshold", "between 1 and 1,024", "None"),
            ),
            Beyond(
                lambda _: ml.Routing(strategy="RANDOM", prefix_length=1024),
                *("prefix_length", "not be given for RANDOM routing", "1024"),
            ),
        ],
        token=lambda stack: ml.Routing.prefix_aware(
            prefix_length=number(stack, "A"), concurrency_threshold=number(stack, "B")
        ),
    ),
}

SCALING = {
    "a start inside the range": Limit(
        edge=[lambda stack: scaled(stack, 2, 6, count=2), lambda stack: scaled(stack, 1, 2, count=2)],
        beyond=[
            Beyond(
                lambda stack: scaled(stack, 3, 6, count=2),
                *("instance_count of variant only", "between min_capacity and max_capacity, 3 and 6", "2"),
            ),
            Beyond(
                lambda stack: scaled(stack, 2, 6, count=7),
                *("instance_count of variant only", "between min_capacity and max_capacity, 2 and 6", "7"),
            ),
            Beyond(
                lambda stack: component(stack, copies=1).auto_scale(min_capacity=2, max_capacity=6),
                *("copies of component", "between min_capacity and max_capacity, 2 and 6", "1"),
            ),
            Beyond(
                lambda stack: concurrency(stack, 3, 6),
                *("provisioned_concurrency of variant only", "between min_capacity and max_capacity, 3 and 6", "2"),
            ),
        ],
        token=lambda stack: scaled(stack, 3, 6, count=number(stack)),
    ),
    "no burstable types": Limit(
        edge=[lambda stack: scaled(stack, 2, 6, variant={"instance_type": "ml.trn1.2xlarge"})],
        beyond=[
            Beyond(
                lambda stack: scaled(stack, 2, 6, variant={"instance_type": "ml.t2.medium"}),
                *("instance_type", "not be burstable", "ml.t2.medium"),
            ),
            Beyond(
                lambda stack: endpoint(stack, pools("ml.m5.large", "ml.t2.large")).auto_scale(max_capacity=6),
                *("instance_type", "not be burstable", "ml.t2.large"),
            ),
        ],
        token=lambda stack: scaled(stack, 2, 6, variant={"instance_type": text(stack)}),
    ),
    "a queue has no invocations per instance": Limit(
        edge=[lambda stack: scaled(stack, 0, 6, asynchronous=ml.AsyncInference()).on_backlog(5)],
        beyond=[
            Beyond(
                lambda stack: scaled(stack, 0, 6, asynchronous=ml.AsyncInference()).on_invocations(5),
                *("on_invocations", "not be used on an asynchronous endpoint", "variant only of one"),
            ),
            Beyond(
                lambda stack: scaled(stack, 0, 6, asynchronous=ml.AsyncInference()).on_requests_per_second(5),
                *("on_requests_per_second", "not be used on an asynchronous endpoint", "variant only of one"),
            ),
            Beyond(
                lambda stack: scaled(stack, 2, 6).on_backlog(5),
                *("on_backlog", "only be used on an asynchronous endpoint", "variant only of a synchronous one"),
            ),
        ],
        token=lambda stack: scaled(stack, 0, 6, asynchronous=ml.AsyncInference()).on_backlog(number(stack)),
    ),
    "a serverless variant scales what is provisioned": Limit(
        edge=[lambda stack: concurrency(stack, 1, 20).on_utilization(70)],
        beyond=[
            Beyond(
                lambda stack: concurrency(stack, 1, 20, provisioned_concurrency=None),
                *("provisioned_concurrency of variant only", "must be given", "None"),
            ),
            Beyond(
                lambda stack: concurrency(stack, 1, 21),
                *("max_capacity", "at most max_concurrency of variant only, 20", "21"),
            ),
            Beyond(
                lambda stack: endpoint(stack, serverless()).auto_scale(max_capacity=2),
                *("variant", "be scaled by auto_scale_concurrency", "'only'"),
            ),
        ],
        token=lambda stack: concurrency(stack, 1, number(stack)).on_utilization(number(stack, "Share")),
    ),
    "a scheduled range": Limit(
        edge=[lambda stack: scheduled(stack, 5, 5), lambda stack: scheduled(stack, 6, None)],
        beyond=[
            Beyond(lambda stack: scheduled(stack, 5, 4), "max_capacity", "at least min_capacity, 5", "4"),
            Beyond(
                lambda stack: scheduled(stack, 7, None), "min_capacity", "at most the target's max_capacity, 6", "7"
            ),
            Beyond(
                lambda stack: scheduled(stack, None, 1), "max_capacity", "at least the target's min_capacity, 2", "1"
            ),
        ],
        token=lambda stack: scheduled(stack, number(stack), 1),
    ),
    "zero for queues and components alone": Limit(
        edge=[
            lambda stack: scaled(stack, 0, 6, asynchronous=ml.AsyncInference()),
            lambda stack: component(stack).auto_scale(min_capacity=0, max_capacity=6),
            lambda stack: scaled(stack, 1, 6),
        ],
        beyond=[
            Beyond(
                lambda stack: scaled(stack, 0, 6),
                *("min_capacity", "between 1 and 2,147,483,647", "0: only asynchronous endpoints and inference"),
            ),
            Beyond(lambda stack: concurrency(stack, 0, 6), "min_capacity", "between 1 and 200", "0"),
            Beyond(lambda stack: scheduled(stack, 0, 6), "min_capacity", "between 1 and 2,147,483,647", "0"),
        ],
        token=lambda stack: scaled(stack, number(stack), 6),
    ),
}

IMAGES = {
    "a digest or a tag that never moves": Limit(
        edge=[lambda stack: image(stack, tag="v1"), lambda stack: image(stack, digest=f"sha256:{'0' * 64}")],
        beyond=[
            Beyond(lambda stack: image(stack, tag="latest"), "tag", "name one image for good", "'latest'"),
            Beyond(
                lambda stack: image(stack, ecr.TagMutability.MUTABLE, tag="v1"),
                *("tag", "in a repository with immutable tags", "'v1' in Stack/Repository"),
            ),
            Beyond(image, "digest and tag", "exactly one of", "digest=None and tag=None"),
        ],
        token=lambda stack: image(stack, tag=text(stack)),
    ),
}

LIMITS = {**MODELS, **VARIANTS, **SCALING, **IMAGES}


@pytest.mark.parametrize("limit", LIMITS.values(), ids=LIMITS)
def test_accepted_at_the_edge(limit: Limit) -> None:
    for edge in limit.edge:
        edge(Stack(App(builtin_cloud_formation_validation=False), "Stack"))


@pytest.mark.parametrize("limit", LIMITS.values(), ids=LIMITS)
def test_refused_beyond_with_argument_limit_and_value(limit: Limit) -> None:
    for beyond in limit.beyond:
        with pytest.raises((ValueError, TypeError)) as caught:
            beyond.call(Stack(App(builtin_cloud_formation_validation=False), "Stack"))
        message = str(caught.value)
        assert beyond.argument in message
        assert beyond.limit in message
        assert f"got {beyond.got}" in message or not beyond.got


@pytest.mark.parametrize(
    "limit", [pytest.param(each, id=name) for name, each in LIMITS.items() if each.token is not None]
)
def test_a_token_is_accepted(limit: Limit, app: App, stack: Stack) -> None:
    assert limit.token is not None
    limit.token(stack)
    app.synth()


# What no argument can express.


def test_a_container_has_one_source_of_data(stack: Stack) -> None:
    for data in (stored(stack), copied(stack), ml.MultiModelData.from_bucket(bucket(stack), "tenants/")):
        model(stack, container(model_data=data))
    found = [each["Properties"]["PrimaryContainer"] for each in resources(stack, MODEL).values()]
    assert [("ModelDataUrl" in each, "ModelDataSource" in each) for each in found] == [
        (True, False),
        (False, True),
        (True, False),
    ]


def test_a_serverless_variant_has_neither_instances_nor_network(stack: Stack) -> None:
    endpoint(stack, serverless(model=open_model(stack)))
    (rendered,) = properties(stack, CONFIG)["ProductionVariants"]
    assert set(rendered) == {"VariantName", "ModelName", "InitialVariantWeight", "ServerlessConfig"}
    assert "VpcConfig" not in properties(stack, MODEL)


def test_an_endpoint_without_a_model_has_a_role(stack: Stack) -> None:
    shared(stack)
    config = properties(stack, CONFIG)
    assert "ModelName" not in config["ProductionVariants"][0]
    assert config["ExecutionRoleArn"] == {"Fn::GetAtt": [next(iter(resources(stack, "AWS::IAM::Role"))), "Arn"]}


@pytest.mark.parametrize(
    "made", [ml.Deployment.canary, ml.Deployment.linear, ml.Deployment.rolling, ml.Deployment.all_at_once]
)
def test_a_deployment_has_one_policy(stack: Stack, made: Callable[[], ml.Deployment]) -> None:
    endpoint(stack, deployment=made())
    config = properties(stack, ENDPOINT)["DeploymentConfig"]
    assert ("BlueGreenUpdatePolicy" in config) != ("RollingUpdatePolicy" in config)


@pytest.mark.parametrize("scales", [True, False])
def test_properties_are_excluded_only_where_others_are_retained(stack: Stack, scales: bool) -> None:  # noqa: FBT001
    made = endpoint(stack)
    if scales:
        made.auto_scale(max_capacity=4)
    found = properties(stack, ENDPOINT)
    assert found.get("RetainAllVariantProperties", False) is scales
    assert ("ExcludeRetainedVariantProperties" in found) is scales


def test_a_backlog_is_that_of_the_endpoint(stack: Stack) -> None:
    scaled(stack, 1, 6, asynchronous=ml.AsyncInference()).on_backlog(5)
    config = properties(stack, POLICY)["TargetTrackingScalingPolicyConfiguration"]
    assert "PredefinedMetricSpecification" not in config
    metric = config["CustomizedMetricSpecification"]
    assert metric["MetricName"] == "ApproximateBacklogSizePerInstance"
    assert [each["Name"] for each in metric["Dimensions"]] == ["EndpointName"]


def test_only_its_utilization_is_predefined_for_a_serverless_variant(stack: Stack) -> None:
    scaling = concurrency(stack, 1, 20)
    shared_by_all = {name for name in dir(ml.IScaling) if name.startswith("on_")}
    assert {name for name in dir(scaling) if name.startswith("on_")} - shared_by_all == {"on_utilization"}
    scaling.on_utilization(70)
    config = properties(stack, POLICY)["TargetTrackingScalingPolicyConfiguration"]
    assert config["PredefinedMetricSpecification"] == {
        "PredefinedMetricType": "SageMakerVariantProvisionedConcurrencyUtilization"
    }


# What AWS accepts, and yet does not do: a warning.


def test_one_instance_and_one_zone_are_warnings(stack: Stack) -> None:
    endpoint(stack, variant(instance_count=2))
    assert not [each for each in warnings(stack) if "SingleInstance" in each]
    other = Stack(App(builtin_cloud_formation_validation=False), "Stack")
    endpoint(other, variant(instance_count=1))
    assert [each for each in warnings(other) if "SingleInstance" in each]


@pytest.mark.parametrize("excluded", ["Inf1", "AWS Marketplace"])
def test_guardrails_that_sagemaker_ignores_are_a_warning(stack: Stack, excluded: str) -> None:
    served = variant(instance_type="ml.inf1.xlarge") if excluded == "Inf1" else variant(product(stack))
    endpoint(stack, served)
    assert [each for each in warnings(stack) if "GuardrailsIgnored" in each and excluded in each]
