"""How an endpoint chooses the instance that answers a request.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariantRoutingConfig.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from aws_cdk import aws_sagemaker as sagemaker

from ml_constructs._checks import check_choice, check_type, check_whole

PREFIX_LENGTH: Final = (1024, 65_536)  # bytes, API_PrefixAwareRoutingConfig.html
CONCURRENCY_THRESHOLD: Final = (1, 1024)

# KV_AWARE, which the API has, is unknown to CloudFormation.
_STRATEGIES: Final = ("RANDOM", "LEAST_OUTSTANDING_REQUESTS", "PREFIX_AWARE")


@dataclass(frozen=True, kw_only=True)
class Routing:
    """How requests reach the instances of a variant; use one of the three constructors.

    Args:
        strategy: How an instance is chosen.
        prefix_length: How much of a request decides, 1,024 to 65,536 bytes; with `PREFIX_AWARE` alone.
        concurrency_threshold: Requests in flight at which an instance is passed over, 1 to 1,024; with `PREFIX_AWARE`
            alone.

    Raises:
        ValueError: an argument is out of its range, or `PREFIX_AWARE` lacks one that others must not have.
    """

    strategy: Literal["RANDOM", "LEAST_OUTSTANDING_REQUESTS", "PREFIX_AWARE"]
    prefix_length: int | None = None
    concurrency_threshold: int | None = None

    def __post_init__(self) -> None:
        check_type(str, strategy=self.strategy)
        check_choice("strategy", self.strategy, _STRATEGIES)
        for argument, value, (low, high) in (
            ("prefix_length", self.prefix_length, PREFIX_LENGTH),
            ("concurrency_threshold", self.concurrency_threshold, CONCURRENCY_THRESHOLD),
        ):
            if self.strategy != "PREFIX_AWARE":
                if value is not None:
                    raise ValueError(f"{argument} must not be given for {self.strategy} routing, got {value!r}")
                continue
            if value is None:
                raise ValueError(f"{argument} must be between {low:,} and {high:,}, got None")
            check_whole(argument, value, low, high)

    @classmethod
    def random(cls) -> Routing:
        """Any instance: what SageMaker does without a routing."""
        return cls(strategy="RANDOM")

    @classmethod
    def least_outstanding_requests(cls) -> Routing:
        """The instance with the fewest requests in flight: for answers that take unequally long."""
        return cls(strategy="LEAST_OUTSTANDING_REQUESTS")

    @classmethod
    def prefix_aware(cls, *, prefix_length: int, concurrency_threshold: int) -> Routing:
        """The instance that answered requests which began alike, so that a language model reuses its cache.

        Args:
            prefix_length: How much of a request decides, 1,024 to 65,536 bytes: the shared prompt, and enough of what
                follows to spread requests.
            concurrency_threshold: Requests in flight at which an instance is passed over, 1 to 1,024.

        Raises:
            ValueError: an argument is out of its range.
        """
        return cls(strategy="PREFIX_AWARE", prefix_length=prefix_length, concurrency_threshold=concurrency_threshold)

    def render(self) -> sagemaker.CfnEndpointConfig.RoutingConfigProperty:
        """The routing as CloudFormation property."""
        prefix = None
        if self.prefix_length is not None:
            prefix = sagemaker.CfnEndpointConfig.PrefixAwareRoutingConfigProperty(
                prefix_length=self.prefix_length, concurrency_threshold=self.concurrency_threshold
            )
        return sagemaker.CfnEndpointConfig.RoutingConfigProperty(
            routing_strategy=self.strategy, prefix_aware_routing_config=prefix
        )
