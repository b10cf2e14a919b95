"""Shared endpoints, and inference components and adapters on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from aws_cdk import Duration, Size
from aws_cdk import aws_iam as iam
from hypothesis import strategies as st

import ml_constructs as ml
from tests.properties.arguments import (
    NO_NUMBER,
    Argument,
    Drawn,
    Made,
    flag,
    known_whole,
    name,
    number,
    seconds,
    whole,
)
from tests.properties.instances import COMMON, LOCAL, LOCAL_ARM64, REMOTE, REMOTE_ARM64, chosen, is_accelerated, routing
from tests.properties.models import ARCHIVES, archive, image, model, model_data
from tests.properties.requests import capture
from tests.properties.resources import KEY, NETWORK, ROLE
from tests.properties.scaling import MOST, scale_copies

MINUTES: Final = st.integers(5, 1440).map(lambda count: Made(f"{count} min", lambda _: Duration.minutes(count)))
KINDS: Final[dict[tuple[bool, bool], Sequence[str]]] = {  # by local disks and architecture
    (True, True): LOCAL_ARM64,
    (True, False): LOCAL,
    (False, True): REMOTE_ARM64,
    (False, False): REMOTE,
}
REGIONS: Final = (None, None, "eu-west-1")  # AWS has no inference components in China


def sharing(d: Drawn) -> None:
    """An endpoint with up to two components, each with an adapter if it comes so."""
    arm64 = d.chance(4)
    host = _host(d, arm64=arm64)
    for number_of_component in range(d.pick("components", (0, 1, 2))):
        made = _component(d, host, f"Component{number_of_component}", arm64=arm64)
        _use(d, made)
        if d.one("adapter", st.booleans()):
            ml.AdapterComponent(d.stack, f"AdapterOf{made.node.id}", base=made, adapter=archive(d))
        if d.one("scale", st.booleans()):
            scale_copies(d, made)


def _host(d: Drawn, *, arm64: bool) -> ml.SharedEndpoint:
    d.say("shared endpoint:")
    options = d.some(
        {
            "network_isolation": flag(),
            "role": ROLE,
            "encryption_key": KEY,
            "encrypt_volumes": Argument(st.just(value=False), (True, "yes")),
            "enhanced_metrics": flag(),
            "detailed_observability": flag(),
            "endpoint_name": name(),
        }
    )
    if d.one("data_capture", st.booleans()):
        options["data_capture"] = capture(d)
    if d.chance(6):
        options["network"] = d.made(NETWORK)
    if d.chance(3):
        rollback = ml.RollbackThresholds() if d.odd() else None
        options["deployment"] = ml.Deployment.canary(rollback=rollback, **d.some({"percent": whole(1, 50)}))
    return ml.SharedEndpoint(d.stack, "Endpoint", variant=_variant(d, arm64=arm64), **options)


def _variant_of(host: ml.SharedEndpoint) -> ml.SharedVariant:
    assert host.variant is not None
    return host.variant


def _variant(d: Drawn, *, arm64: bool) -> ml.SharedVariant:
    types = KINDS[d.one("local storage", st.booleans()), arm64]
    count = d.one("instance_count", known_whole(1, 1000))
    arguments = chosen(d, types)
    if d.one("managed", st.booleans()):
        start = count if isinstance(count, int) and count > 0 else 1
        arguments["max_instances"] = d.one("max_instances", known_whole(start, MOST))
        arguments |= d.some({"min_instances": known_whole(0, start)})
        match d.pick("scale_in", (None, "idle_release", "consolidation")):
            case "idle_release":
                arguments["scale_in"] = ml.ScaleIn.idle_release()
            case "consolidation":
                cooldown = Argument(MINUTES, (Made("4 min", lambda _: Duration.minutes(4)), 5))
                arguments["scale_in"] = ml.ScaleIn.consolidation(
                    **d.some({"max_step": whole(1, 100), "cooldown": cooldown})
                )
    options = d.some({"name": name(), **COMMON})
    return ml.SharedVariant(instance_count=count, routing=routing(d), **arguments, **options)


def _component(d: Drawn, host: ml.SharedEndpoint, construct_id: str, *, arm64: bool) -> ml.InferenceComponent:
    d.say(f"component {construct_id}:")
    types = [each for each in _variant_of(host).instance_types if "${" not in each]
    what: Any
    if len(types) > 1 and d.one("several specifications", st.booleans()):
        what = [
            _specification(d, host, _served(d, host, f"{construct_id}Model{index}", arm64=arm64), instance_type=each)
            for index, each in enumerate(types)
        ]
    else:
        what = _specification(d, host, _served(d, host, f"{construct_id}Model", arm64=arm64))
    options = d.some({"copies": known_whole(1, 1000), "encryption_key": KEY, "component_name": name()})
    if options.get("component_name") in {each.component_name for each in host.components} and not d.odd():
        del options["component_name"]
    if d.one("deployment", st.booleans()):
        batches = {"percent": whole(20, 50), "wait": seconds(0, 3600), "rollback_percent": whole(5, 100)}
        rollback = d.pick("rollback", (None, ml.RollbackThresholds()))
        options["deployment"] = ml.ComponentDeployment(rollback=rollback, **d.some(batches))
    return ml.InferenceComponent(d.stack, construct_id, endpoint=host, specification=what, **options)


def _served(d: Drawn, host: ml.SharedEndpoint, construct_id: str, *, arm64: bool) -> dict[str, Any]:
    match d.pick("served", ("an imported model", "a model", "a container")):
        case "an imported model":
            return {"model": ml.Model.from_model_name("some-model")}
        case "a model":
            return {"model": model(d, construct_id, plain=True, arm64=arm64, isolated=host.network_isolation)}
    return {"container": ml.Container(image=image(d, arm64=arm64), model_data=model_data(d, ARCHIVES))}


def _specification(
    d: Drawn, host: ml.SharedEndpoint, served: dict[str, Any], instance_type: str | None = None
) -> ml.ComponentSpecification:
    memory = d.one("memory", Argument(st.integers(128, 65_536), (127, 0.5, *NO_NUMBER)))
    whole_number = isinstance(memory, int) and not isinstance(memory, bool)
    arguments: dict[str, Any] = {"memory": Size.mebibytes(memory) if whole_number else memory}
    if whole_number and d.one("limited", st.booleans()):
        most = d.one("max_memory", Argument(st.integers(memory, 10**6), (memory - 1,)))
        arguments["max_memory"] = Size.mebibytes(most)
    types = _variant_of(host).instance_types if instance_type is None else (instance_type,)
    placement = d.pick("placement", (None, "spread", "binpack"))
    if placement is not None:
        arguments["placement"] = getattr(ml.Placement, placement)(**d.some({"max_imbalance": whole(0, 100)}))
    options = {
        "cpu_cores": number(0.25, _variant_of(host).vcpus or 2),
        **({"accelerators": number(1, 8)} if any(map(is_accelerated, types)) or d.odd() else {}),
        "container_startup_timeout": seconds(60, 3600),
        "model_download_timeout": seconds(60, 3600),
        "cache": flag(),
    }
    return ml.ComponentSpecification(**served, **arguments, instance_type=instance_type, **d.some(options))


def _use(d: Drawn, component: ml.InferenceComponent) -> None:
    user = iam.Role(d.stack, f"UserOf{component.node.id}", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    for grant in d.one("grants", st.sets(st.sampled_from(("invoke", "describe", "update_copies")))):
        getattr(component, f"grant_{grant}")(user)
