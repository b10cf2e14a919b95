"""Where copies of inference components find room."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.local_aws.sagemaker.placement import Hosting, Placement, Resources, Slot, needs_of, offer_of

OFFER = Resources(2, 4096)
ONE = Resources(1, 1024)


@dataclass
class Host:
    id: str


HOSTS = [Host("a"), Host("b"), Host("c")]


def placed(placement: Placement, needs: Resources = ONE, strategy: str = "SPREAD", hosts: list[Host] = HOSTS) -> Slot:
    slot = placement.reserve(hosts, OFFER, needs, strategy)
    assert slot is not None
    return slot


def test_copies_are_spread_or_packed() -> None:
    placement = Placement()
    assert [placed(placement).host.id for _ in range(6)] == ["a", "b", "c", "a", "b", "c"]
    placement = Placement()
    assert [placed(placement, strategy="BINPACK").host.id for _ in range(6)] == ["a", "a", "b", "b", "c", "c"]
    assert placement.reserve(HOSTS, OFFER, ONE, "SPREAD") is None


@pytest.mark.parametrize("needs", [Resources(2.5, 1), Resources(0, 4097), Resources(0, 1, 1)])
def test_what_no_instance_offers_finds_no_room(needs: Resources) -> None:
    assert Placement().reserve(HOSTS, OFFER, needs, "SPREAD") is None


def test_a_place_is_given_back_once() -> None:
    placement = Placement()
    first, second = placed(placement, hosts=HOSTS[:1]), placed(placement, hosts=HOSTS[:1])
    assert placement.reserve(HOSTS[:1], OFFER, ONE, "SPREAD") is None
    first.free()
    first.free()
    assert not placement.is_idle(HOSTS[0])
    placed(placement, hosts=HOSTS[:1])
    second.free()
    assert placement.reserve(HOSTS[:1], OFFER, ONE, "SPREAD") is not None


def test_copies_move_all_or_none() -> None:
    placement = Placement()
    slots = [placed(placement, Resources(1, 3000)) for _ in range(2)] + [placed(placement, Resources(1, 1000))]
    assert [slot.host.id for slot in slots] == ["a", "b", "c"]
    assert not placement.fits(1, OFFER)
    assert not placement.move(HOSTS[:1], OFFER)
    assert [slot.host.id for slot in slots] == ["a", "b", "c"]
    assert placement.fits(2, OFFER)
    assert placement.move(HOSTS[1:], OFFER)
    assert [slot.host.id for slot in slots] == ["b", "c", "b"]
    assert placement.is_idle(HOSTS[0])


@pytest.mark.parametrize(
    ("instance_type", "cpu", "memory", "accelerators"),
    [
        ("ml.m5.large", 2, 8192, 0),
        ("ml.c5.4xlarge", 16, 32768, 0),
        ("ml.r6g.xlarge", 4, 32768, 0),
        ("ml.t2.medium", 2, 8192, 0),
        ("ml.g5.xlarge", 4, 16384, 1),
        ("ml.g5.12xlarge", 48, 196608, 4),
        ("ml.p4d.24xlarge", 96, 786432, 8),
        ("ml.inf2.48xlarge", 192, 786432, 12),
    ],
)
def test_what_an_instance_type_offers(instance_type: str, cpu: int, memory: int, accelerators: int) -> None:
    offer = offer_of(instance_type)
    assert (offer.cpu, offer.accelerators) == (cpu, accelerators)
    assert offer.memory == pytest.approx(memory * 0.9)  # SageMaker keeps a part


def test_reservations_and_managed_scaling_are_read() -> None:
    given = {"MinMemoryRequiredInMb": 512, "NumberOfCpuCoresRequired": 0.25, "NumberOfAcceleratorDevicesRequired": 1}
    assert needs_of(given) == Resources(0.25, 512, 1)
    fixed = Hosting("role", "ml.m5.large", {})
    assert (fixed.is_scaling, fixed.most(2)) == (False, 2)
    scaling = {"Status": "ENABLED", "MinInstanceCount": 0, "MaxInstanceCount": 4}
    managed = Hosting("role", "ml.m5.large", scaling)
    assert (managed.is_scaling, managed.least, managed.most(2), managed.strategy) == (True, 0, 4, "IDLE_RELEASE")
    disabled = Hosting("role", "ml.m5.large", {**scaling, "Status": "DISABLED"})
    assert (disabled.is_scaling, disabled.most(2)) == (False, 2)
