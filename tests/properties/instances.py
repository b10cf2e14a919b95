"""Instance types, and what there is to say about instances."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from hypothesis import strategies as st

import ml_constructs as ml
from tests.properties.arguments import TEXT, Argument, Drawn, gibibytes, one_of, or_token, seconds, whole

# By what decides where they may be: whether data lies on local disks, and the architecture.
LOCAL: Final = (
    *("ml.r5d.xlarge", "ml.g4dn.xlarge", "ml.g5.12xlarge", "ml.g6e.2xlarge", "ml.p4d.24xlarge", "ml.p5.48xlarge"),
    "ml.trn1.2xlarge",
)
REMOTE: Final = (*("ml.m5.large", "ml.c4.8xlarge", "ml.m7i.2xlarge", "ml.inf2.8xlarge", "ml.p3.2xlarge"),)
BURSTABLE: Final = "ml.t2.medium"
INFERENTIA_1: Final = "ml.inf1.xlarge"
LOCAL_ARM64: Final = ("ml.m6gd.large",)
REMOTE_ARM64: Final = ("ml.c7g.4xlarge",)
TYPES: Final = (*LOCAL, *REMOTE, *LOCAL_ARM64, *REMOTE_ARM64, BURSTABLE, INFERENTIA_1)
NO_TYPES: Final = ("m5.large", "ml.eia2.medium", "", "ml.m5", 5, None)

COMMON: Final = {
    "inference_ami_version": one_of("al2-ami-sagemaker-inference-gpu-2", "al2023-ami-sagemaker-inference-gpu-4-1"),
    "provision_timeout": seconds(300, 3600),
    "capacity_reservation_arn": one_of("arn:aws:sagemaker:eu-west-1:111122223333:training-plan/example"),
}


def types_of(served: ml.IModel, types: Sequence[str] = TYPES) -> list[str]:
    """The instance types that a model runs on."""
    return [each for each in types if not isinstance(served, ml.Model) or _runs(served, each)]


def _runs(served: ml.Model, instance_type: str) -> bool:
    try:
        served.check_instance_type(instance_type)
    except ValueError:
        return False
    return True


def is_local(instance_type: object) -> bool:
    """Whether data lies on local disks."""
    return instance_type in {*LOCAL, *LOCAL_ARM64}


def is_accelerated(instance_type: str) -> bool:
    """Whether an instance has GPUs or Neuron devices."""
    return instance_type.startswith(("ml.g", "ml.p", "ml.inf", "ml.trn"))


def chosen(d: Drawn, types: Sequence[str]) -> dict[str, Any]:
    """An instance type or several pools, and a volume where one can be."""
    arguments: dict[str, Any] = {}
    used: Sequence[object] = []
    pooled = d.chance(4)
    if pooled:
        used = d.one("types", st.lists(st.sampled_from(types), min_size=1, max_size=5, unique=not d.odd()))
        arguments["instance_pools"] = [
            ml.InstancePool(instance_type=str(each), **d.some({"priority": whole(1, 5)})) for each in used
        ]
    if not pooled or d.odd():
        argument = Argument(or_token(st.sampled_from(types), TEXT), NO_TYPES)
        arguments["instance_type"] = d.one("instance_type", argument)
        used = [*used, arguments["instance_type"]]
    if not any(map(is_local, used)) or d.odd():
        arguments |= d.some({"volume_size": gibibytes(1, 512)})
    return arguments


def routing(d: Drawn) -> ml.Routing | None:
    """How an instance is chosen."""
    match d.pick("routing", (None, "random", "least_outstanding_requests", "prefix_aware")):
        case "random":
            return ml.Routing.random()
        case "least_outstanding_requests":
            return ml.Routing.least_outstanding_requests()
        case "prefix_aware":
            length, threshold = d.one("prefix_length", whole(1024, 65_536)), d.one("threshold", whole(1, 1024))
            return ml.Routing.prefix_aware(prefix_length=length, concurrency_threshold=threshold)
    return None
