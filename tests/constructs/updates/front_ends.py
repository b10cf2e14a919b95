"""Updates of front ends, as the two templates between which they happen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any, Final

from aws_cdk import App, Duration, Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns

import ml_constructs as ml
from tests.constructs.builders import synthesised

Template = dict[str, Any]
Make = Callable[[Stack, dict[str, Any]], None]

_ACCOUNT: Final = "eu-west-1:111122223333"


def _arguments(stack: Stack) -> dict[str, Any]:
    endpoint = ml.Endpoint.from_endpoint_name(stack, "Endpoint", "champion")
    return {"endpoint": endpoint, "encryption_key": ml.EncryptionKey(stack, "Key")}


def _queue(stack: Stack, arguments: dict[str, Any], *, results: str = "bucket", **further: Any) -> None:  # noqa: ANN401 - of the construct
    bucket = ml.CaptureBucket(stack, "Results", encryption_key=arguments["encryption_key"])
    topic = sns.Topic(stack, "Told")
    target = bucket if results == "bucket" else topic
    ml.QueueFrontEnd(stack, "FrontEnd", **arguments, **further, results=target)


def _stream(stack: Stack, arguments: dict[str, Any], *, given: str | None = None, **further: Any) -> None:  # noqa: ANN401 - of the construct
    stream = None
    if given is not None:
        stream = kinesis.Stream.from_stream_arn(stack, "Given", f"arn:aws:kinesis:{_ACCOUNT}:stream/{given}")
    ml.StreamFrontEnd(stack, "FrontEnd", **arguments, **further, results=None, stream=stream)


def _workflow(stack: Stack, arguments: dict[str, Any], **further: Any) -> None:  # noqa: ANN401 - of the construct
    ml.WorkflowFrontEnd(stack, "FrontEnd", **arguments, **further).on_messages()


def _api(stack: Stack, arguments: dict[str, Any], *, also: str = "", **further: Any) -> None:  # noqa: ANN401 - of the construct
    endpoint = arguments["endpoint"]
    if also == "direct":
        arguments |= {"direct": ml.DirectIntegration(endpoint=endpoint), "endpoint": None}
    if also == "streaming":
        function = ml.FunctionFrontEnd(stack, "Streaming", **arguments, streaming=True)
        arguments |= {"function": function, "endpoint": None}
    if also == "private":
        inside = ec2.InterfaceVpcEndpoint.from_interface_vpc_endpoint_attributes(
            stack, "Inside", vpc_endpoint_id="vpce-0123456789abcdef0", port=443
        )
        arguments["vpc_endpoints"] = [inside]
    api = ml.RestApiFrontEnd(stack, "FrontEnd", **arguments, **further)
    if also == "domain" or also.startswith("SecurityPolicy"):
        arn = f"arn:aws:acm:{_ACCOUNT}:certificate/00000000-0000-0000-0000-000000000000"
        certificate = acm.Certificate.from_certificate_arn(stack, "Certificate", arn)
        policy = None if also == "domain" else also
        ml.ApiDomain(
            stack,
            "Domain",
            front_end=api,
            domain_name="models.example.com",
            certificate=certificate,
            security_policy=policy,
        )


@cache
def _template(make: Make, **further: Any) -> Template:  # noqa: ANN401
    stack = Stack(App(builtin_cloud_formation_validation=False), "Stack")
    make(stack, _arguments(stack), **further)
    return synthesised(stack)


queue, stream, workflow, api = (partial(_template, make) for make in (_queue, _stream, _workflow, _api))

FRONT_ENDS: Final[Mapping[str, Callable[[], tuple[Template, Template]]]] = {
    "Queue: standard to `fifo`": lambda: (queue(), queue(fifo=True)),
    "Queue: `batch_size`": lambda: (queue(), queue(batch_size=5)),
    "Queue: `max_concurrency`": lambda: (queue(), queue(max_concurrency=20)),
    "Queue: `worker`": lambda: (queue(), queue(worker=_quick())),
    "Queue: `results` from a bucket to a topic": lambda: (queue(), queue(results="topic")),
    "Queue: `results` from a topic to a bucket": lambda: (queue(results="topic"), queue()),
    "Stream: on demand to `shards`": lambda: (stream(), stream(shards=2)),
    "Stream: `shards`": lambda: (stream(shards=2), stream(shards=4)),
    "Stream: `retention`": lambda: (stream(), stream(retention=_two_days())),
    "Stream: its own to a given one": lambda: (stream(), stream(given="clicks")),
    "Stream: a given one to another": lambda: (stream(given="clicks"), stream(given="visits")),
    "Stream: `enhanced_fan_out`": lambda: (stream(), stream(reading=_own_reader())),
    "Stream: `starting_position`": lambda: (stream(), stream(reading=_newest())),
    "Workflow: `express`": lambda: (workflow(), workflow(express=True)),
    "Workflow: `retries`": lambda: (workflow(), workflow(retries=5)),
    "API: function to `direct`": lambda: (api(), api(also="direct")),
    "API: `direct` to function": lambda: (api(also="direct"), api()),
    "API: regional to private": lambda: (api(), api(also="private")),
    "API: private to regional": lambda: (api(also="private"), api()),
    "API: `ApiDomain` added": lambda: (api(), api(also="domain")),
    "API: `security_policy` of a domain": lambda: (api(also="domain"), api(also="SecurityPolicy_TLS13_1_3_2025_09")),
    "API: `default_endpoint` off": lambda: (api(), api(default_endpoint=False)),
    "API: `canary` added": lambda: (api(), api(canary=ml.ApiCanary())),
    "API: to a function that streams": lambda: (api(), api(also="streaming")),
    "API: `usage_plan` added": lambda: (api(), api(usage_plan=ml.UsagePlan())),
    "API: `cors` added": lambda: (api(), api(cors=ml.Cors(origin="https://app.example.com"))),
    "API: `path`": lambda: (api(), api(path="v2/invocations")),
}


def _quick() -> ml.Worker:
    return ml.Worker(timeout=Duration.minutes(1))


def _own_reader() -> ml.StreamReading:
    return ml.StreamReading(enhanced_fan_out=True)


def _newest() -> ml.StreamReading:
    return ml.StreamReading(starting_position=lambda_.StartingPosition.LATEST)


def _two_days() -> Duration:
    return Duration.days(2)
