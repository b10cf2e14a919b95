from __future__ import annotations

import botocore.session  # type: ignore[import-untyped]
import pytest
from aws_cdk import Stack

from ml_constructs.endpoint_config.routing import CONCURRENCY_THRESHOLD, PREFIX_LENGTH, Routing
from ml_constructs.endpoints.endpoint import Endpoint
from tests.constructs.builders import properties, variant

SERVICE = botocore.session.get_session().get_service_model("sagemaker")
PREFIX = Routing.prefix_aware(prefix_length=2048, concurrency_threshold=16)


@pytest.mark.parametrize(
    ("routing", "expected"),
    [
        (Routing.random(), {"RoutingStrategy": "RANDOM"}),
        (Routing.least_outstanding_requests(), {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"}),
        (
            PREFIX,
            {
                "RoutingStrategy": "PREFIX_AWARE",
                "PrefixAwareRoutingConfig": {"PrefixLength": 2048, "ConcurrencyThreshold": 16},
            },
        ),
    ],
)
def test_is_rendered(stack: Stack, routing: Routing, expected: dict[str, object]) -> None:
    Endpoint(stack, "Endpoint", variants=[variant(routing=routing)])
    (only,) = properties(stack, "AWS::SageMaker::EndpointConfig")["ProductionVariants"]
    assert only["RoutingConfig"] == expected


def test_strategies_are_the_apis_that_cloudformation_knows() -> None:
    made = (Routing.random(), Routing.least_outstanding_requests(), PREFIX)
    assert {each.strategy for each in made} == set(SERVICE.shape_for("RoutingStrategy").enum) - {"KV_AWARE"}


def test_limits_are_the_apis() -> None:
    for name, (low, high) in (
        ("PrefixAwareRoutingPrefixLength", PREFIX_LENGTH),
        ("PrefixAwareRoutingConcurrencyThreshold", CONCURRENCY_THRESHOLD),
    ):
        assert SERVICE.shape_for(name).metadata == {"min": low, "max": high}


def test_prefixes_at_and_beyond_the_edge() -> None:
    for length, threshold in ((1024, 1), (65_536, 1024)):
        assert Routing.prefix_aware(prefix_length=length, concurrency_threshold=threshold)
    for length in (1023, 65_537):
        with pytest.raises(ValueError, match=f"prefix_length must be between 1,024 and 65,536, got {length}"):
            Routing.prefix_aware(prefix_length=length, concurrency_threshold=1)
    for threshold in (0, 1025):
        with pytest.raises(ValueError, match=f"concurrency_threshold must be between 1 and 1,024, got {threshold}"):
            Routing.prefix_aware(prefix_length=1024, concurrency_threshold=threshold)


def test_prefix_aware_needs_both_and_others_take_neither() -> None:
    with pytest.raises(ValueError, match="prefix_length must be between 1,024 and 65,536, got None"):
        Routing(strategy="PREFIX_AWARE", concurrency_threshold=1)
    with pytest.raises(ValueError, match="concurrency_threshold must be between 1 and 1,024, got None"):
        Routing(strategy="PREFIX_AWARE", prefix_length=1024)
    with pytest.raises(ValueError, match="prefix_length must not be given for RANDOM routing, got 1024"):
        Routing(strategy="RANDOM", prefix_length=1024)
