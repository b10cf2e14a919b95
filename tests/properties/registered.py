"""Versions of a model in the registry, and a version that is tried beside a live variant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from aws_cdk import aws_iam as iam
from hypothesis import strategies as st

import ml_constructs as ml
from tests.properties.arguments import TEXT, Argument, Drawn, Made, name, or_token, whole
from tests.properties.instances import NO_TYPES
from tests.properties.models import ARCHIVES, COPIED, image, model_data
from tests.properties.resources import GIVEN_BUCKET, KEY, ROLE

START: Final = datetime(2030, 1, 1, tzinfo=UTC)

_WORDS: Final = st.text(st.characters(exclude_categories=["C"], exclude_characters="$"), min_size=1, max_size=30)
_NAMES: Final = st.text(st.characters(categories=["L", "N"], include_characters="_.:/=+-@ "), min_size=1, max_size=30)
# AWS's rules know where it offers an instance type.
_REMOTE: Final = ("ml.m5.large", "ml.c5.2xlarge")
_LOCAL: Final = ("ml.r5d.xlarge", "ml.g4dn.xlarge")
_TEXT: Final = Argument(or_token(_WORDS, TEXT), ("x" * 1025, "a\nb", "\x00", 5))
_TYPES: Final = Argument(
    st.lists(st.sampled_from(("text/csv", "a/b")), min_size=1, max_size=3), ([], "a/b", [5], [""], ["a\nb"])
)
_INSTANCES: Final = Argument(st.lists(st.sampled_from((*_LOCAL, *_REMOTE)), min_size=1, max_size=3), ([], ["m5.large"]))
_METADATA: Final = Argument(
    st.dictionaries(_NAMES, _NAMES, max_size=3) | st.just({f"name {each}": "x" * 256 for each in range(50)}),
    (
        {"a": 5},
        {"": "a"},
        {"a": "x" * 257},
        {f"{each}": "a" for each in range(51)},
        {"__proto__": "a"},
        {"a!": "a"},
        {"a": "ü\n"},
    ),
)
_COPIED: Final = tuple(each for each in COPIED if each != "JumpStart")


def registered(d: Drawn) -> None:
    """A group, and one of its versions."""
    group = ml.ModelPackageGroup(d.stack, "Group", **d.some({"group_name": name(), "description": _TEXT}))
    count = d.pick("containers", (1, 1, 2, 15)) if not d.odd() else 16
    containers = [
        ml.Container(
            image=image(d),
            model_data=model_data(d, (*ARCHIVES, *_COPIED)),
            hostname=f"container-{index}" if count > 1 else None,
        )
        for index in range(count)
    ]
    ml.ModelPackage(
        d.stack,
        "Version",
        group=group,
        containers=containers,
        content_types=d.one("content_types", _TYPES),
        response_types=d.one("response_types", _TYPES),
        approval=d.one("approval", Argument(st.sampled_from(("Approved", "Rejected")), ("approved", "", 5))),
        **d.some(
            {
                **dict.fromkeys(("approval_description", "description"), _TEXT),
                **dict.fromkeys(("instance_types", "transform_instance_types"), _INSTANCES),
                "metadata": _METADATA,
                "encryption_key": KEY,
            }
        ),
    )
    user = iam.Role(d.stack, "User", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    for grant in d.one("grants", st.sets(st.sampled_from(("read", "register", "approve")))):
        getattr(group, f"grant_{grant}")(user)


def tried(d: Drawn) -> None:
    """An endpoint, and an experiment with another model beside its own."""
    local = d.one("local storage", st.booleans())
    types = _LOCAL if local else _REMOTE
    served = ml.Model.from_model_name("live", role=d.one("role", ROLE))
    variant = ml.InstanceVariant(name="live", model=served, instance_type=d.pick("instance_type", types))
    names = Argument(st.just("challenger"), ("live", "a b", "", 5))
    known = st.sampled_from(types)
    wanted = Argument(or_token(known, TEXT) if not local else known, NO_TYPES)
    challenger = ml.ExperimentVariant(
        name=d.one("name", names),
        model=ml.Model.from_model_name("other"),
        instance_type=d.one("instance_type", wanted),
        **d.some({"instance_count": whole(1, 2**31 - 1)}),
    )
    options = d.some(
        {
            "sampling_percentage": whole(0, 100),
            "encryption_key": KEY,
            "role": ROLE,
            "description": _TEXT,
            "experiment_name": name(),
        }
    )
    if d.one("period", st.booleans()):
        length = Argument(st.integers(1, 30 * 24), (0, 30 * 24 + 1))
        options |= {"starts": START, "ends": START + timedelta(hours=d.one("hours", length))}
    if d.one("capture", st.booleans()):
        options["capture"] = _capture(d)
    endpoint = ml.Endpoint(d.stack, "Endpoint", variants=[variant], **d.some({"encryption_key": KEY}))
    ml.InferenceExperiment(d.stack, "Experiment", endpoint=endpoint, challenger=challenger, **options)


def _capture(d: Drawn) -> ml.DataCapture:
    less: dict[str, Any] = {}
    if d.odd():
        less = d.pick("less", ({"sampling_percentage": 50}, {"requests": False}, {"bucket": None}))
    share = Argument(st.just(100), (Made("none", lambda _: 0),))
    return ml.DataCapture(
        **{"bucket": d.made(GIVEN_BUCKET), "sampling_percentage": d.one("sampling_percentage", share), **less}
    )
