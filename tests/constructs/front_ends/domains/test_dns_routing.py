"""Each region has a record of its own, for as long as it is healthy."""

from __future__ import annotations

from typing import Any

import pytest

from ml_constructs.front_ends.domains.api_health import ApiHealth
from ml_constructs.front_ends.domains.dns_routing import DnsRouting
from tests.constructs.refusals import refusals


@pytest.mark.parametrize(
    ("made", "failover"),
    [(DnsRouting.latency, None), (DnsRouting.primary, "PRIMARY"), (DnsRouting.secondary, "SECONDARY")],
)
def test_every_routing_has_a_health(made: Any, failover: str | None) -> None:  # noqa: ANN401 - one of three functions
    assert made() == DnsRouting(ApiHealth(), failover)
    assert made(ApiHealth(minutes=5)).health.minutes == 5
    with pytest.raises(TypeError, match="health must be ApiHealth or None, got 'x'"):
        made("x")


@pytest.mark.parametrize(
    ("argument", "values"), [("health", (None, "x")), ("failover", ("", "primary", "${Token[T.1]}", 5))]
)
def test_refuses_the_rest(argument: str, values: tuple[object, ...]) -> None:
    def call(_stack: object, bad: dict[str, Any]) -> object:
        valid: dict[str, Any] = {"health": ApiHealth()}
        return DnsRouting(**(valid | bad))

    assert len(list(refusals(call, argument, values))) == len(values)
