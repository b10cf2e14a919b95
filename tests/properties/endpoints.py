"""Endpoints of every kind: several variants, one with a shadow, one with a queue, one without instances."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from hypothesis import strategies as st

import ml_constructs as ml
from tests.properties.arguments import (
    NUMBER,
    Argument,
    Drawn,
    duration,
    flag,
    gibibytes,
    name,
    number,
    or_token,
    seconds,
    whole,
)
from tests.properties.instances import COMMON, INFERENTIA_1, TYPES, chosen, is_local, routing, types_of
from tests.properties.models import model
from tests.properties.requests import capture, explainer, queue
from tests.properties.resources import KEY
from tests.properties.scaling import scale_concurrency, scale_instances

OPTIONS: Final = {
    "encryption_key": KEY,
    "encrypt_volumes": Argument(st.just(value=False), (True, "yes")),
    "metric_frequency": Argument(
        st.sampled_from([duration(each) for each in (10, 30, 60, 120, 180, 240, 300)]), (duration(20), duration(9), 60)
    ),
    "enhanced_metrics": flag(),
    "detailed_observability": flag(),
    "endpoint_name": name(),
}


def several(d: Drawn) -> None:
    """One to ten variants of one or two models of any kind."""
    served: list[ml.IModel] = [model(d, "Model")]
    if d.one("a second model", st.booleans()):
        served.append(model(d, "Other") if d.chance(2) else ml.Model.from_model_name("other"))
    count = d.pick("variants", (1, 1, 2, 3, 10))
    variants = _variants(d, served, count)
    _finish(d, variants, **({"explainer": explainer(d)} if d.chance(3) else {}))


def shadowed(d: Drawn) -> None:
    """One variant, and another one that is sent copies."""
    production, shadow = _variants(d, [model(d, "Model", plain=True)], 2)
    _finish(d, [production], shadow=shadow)


def queued(d: Drawn) -> None:
    """One variant that works off a queue."""
    variants = _variants(d, [model(d, "Model", plain=True)], 2 if d.odd() else 1)
    more = {"shadow": variants.pop()} if len(variants) > 1 and d.one("a shadow", st.booleans()) else {}
    _finish(d, variants, asynchronous=queue(d), **more)


def serverless(d: Drawn) -> None:
    """One variant without instances."""
    most = d.one("max_concurrency", whole(1, 200))
    known = isinstance(most, int) and most > 0
    provisioned = d.some({"provisioned_concurrency": whole(1, most)}) if known else {}
    variant = ml.ServerlessVariant(
        name=d.one("name", name()),
        model=model(d, "Model", plain=True, archives=True),
        memory=d.one("memory", gibibytes(1, 6)),
        max_concurrency=most,
        **provisioned,
    )
    made = ml.Endpoint(d.stack, "Endpoint", variants=[variant], **_options(d, rolling=False, captures=d.odd()))
    scale_concurrency(d, made)
    _use(d, made)


def _variants(d: Drawn, served: Sequence[ml.IModel], count: int) -> list[ml.InstanceVariant]:
    names = d.one("names", st.lists(name().valid, min_size=count, max_size=count, unique=not d.odd()))
    local = d.one("local storage", st.booleans())
    variants = []
    for index, named in enumerate(names):
        each = served[index % len(served)]
        fits = types_of(each)
        types = [fit for fit in fits if is_local(fit) == local and fit != INFERENTIA_1] or fits
        variants.append(_variant(d, each, named, list(TYPES) if d.odd() or not types else types))
    return variants


def _variant(d: Drawn, served: ml.IModel, named: str, types: Sequence[str]) -> ml.InstanceVariant:
    d.say(f"variant {named}:")
    options = {
        "instance_count": whole(1, 2**31 - 1),
        "weight": number(0.001, 1000),
        "container_startup_timeout": seconds(60, 3600),
        "model_download_timeout": seconds(60, 3600),
        **COMMON,
    }
    return ml.InstanceVariant(name=named, model=served, routing=routing(d), **chosen(d, types), **d.some(options))


def _finish(d: Drawn, variants: Sequence[ml.InstanceVariant], **kind: Any) -> None:  # noqa: ANN401 - arguments
    shadow = kind.get("shadow")
    hosted = [*variants, *([] if shadow is None else [shadow])]
    options = _options(d, rolling=len(hosted) == 1, captures="asynchronous" not in kind or d.odd())
    disks = {is_local(each) for variant in hosted for each in variant.instance_types}
    if len(disks) > 1 and not d.odd():
        options["encrypt_volumes"] = False
    made = ml.Endpoint(d.stack, "Endpoint", variants=variants, **kind, **options)
    scale_instances(d, made)
    _use(d, made)


def _options(d: Drawn, *, rolling: bool, captures: bool) -> dict[str, Any]:
    options = d.some(OPTIONS)
    if d.one("log_retention", st.booleans()):
        options["log_retention"] = d.pick("days", (logs.RetentionDays.ONE_DAY, logs.RetentionDays.INFINITE))
    if captures and d.one("data_capture", st.booleans()):
        options["data_capture"] = capture(d)
    if d.one("deployment", st.booleans()):
        options["deployment"] = deployment(d, rolling=rolling)
    return options


def deployment(d: Drawn, *, rolling: bool) -> ml.Deployment:
    """A deployment policy that can end in time."""
    options: dict[str, Any] = d.some({"timeout": seconds(28_000, 28_800)})
    if d.one("rollback", st.booleans()):
        share = Argument(or_token(st.floats(0, 100), NUMBER), (-1, 101))
        thresholds = d.some({"error_percent": share, "model_latency": Argument(st.just(duration(2)), (duration(0),))})
        options["rollback"] = ml.RollbackThresholds(**thresholds) if d.one("watched", st.booleans()) else None
    waits = {"wait": seconds(0, 3600), "termination_wait": seconds(0, 3600)}
    match d.pick("strategy", ("canary", "linear", "all at once", *(["rolling"] if rolling or d.odd() else []))):
        case "canary":
            return ml.Deployment.canary(**options, **d.some({"percent": whole(1, 50), **waits}))
        case "linear":
            return ml.Deployment.linear(**options, **d.some({"percent": whole(20, 50), **waits}))
        case "rolling":
            return ml.Deployment.rolling(**options, **d.some({"percent": whole(20, 50), "wait": seconds(0, 3600)}))
    return ml.Deployment.all_at_once(**options, **d.some({"termination_wait": seconds(0, 3600)}))


def _use(d: Drawn, endpoint: ml.Endpoint) -> None:
    """What is done with an endpoint afterwards."""
    user = iam.Role(d.stack, "User", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    for grant in d.one("grants", st.sets(st.sampled_from(("invoke", "invoke_async", "describe", "update_weights")))):
        getattr(endpoint, f"grant_{grant}")(user)
    if d.one("rollback alarm", st.booleans()):
        metric = endpoint.metric("Invocations", variant=endpoint.variant_names[0])
        endpoint.add_rollback_alarm(
            cloudwatch.Alarm(d.stack, "Extra", metric=metric, threshold=1, evaluation_periods=1)
        )
    if d.chance(4):
        ml.EndpointAlarms(d.stack, "Alarms", endpoint=endpoint)
        ml.EndpointDashboard(d.stack, "Dashboard", endpoints=[endpoint])
