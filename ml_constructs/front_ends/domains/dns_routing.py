"""Which region's API a name leads to."""

from __future__ import annotations

from dataclasses import dataclass
from types import NoneType
from typing import Final

from ml_constructs._checks import check_type
from ml_constructs.front_ends.domains.api_health import ApiHealth

_FAILOVER: Final = ("PRIMARY", "SECONDARY")


@dataclass(frozen=True)
class DnsRouting:
    """One of several records of a name, each of which leads to the API of another region while that is healthy.

    Use `latency`, `primary` or `secondary`, in each region's `ApiDomain` of the same name. If no region is healthy,
    Route 53 answers as if all were.
    """

    health: ApiHealth
    """When the region is healthy."""
    failover: str | None = None
    """PRIMARY or SECONDARY; None routes by latency."""

    def __post_init__(self) -> None:
        check_type(ApiHealth, health=self.health)
        check_type((str, NoneType), failover=self.failover)
        if self.failover not in {None, *_FAILOVER}:  # no token: the other region must be the other
            raise ValueError(f"failover must be {' or '.join(_FAILOVER)}, got {self.failover!r}")

    @staticmethod
    def latency(health: ApiHealth | None = None) -> DnsRouting:
        """Lead each caller to the region that answers it fastest.

        Args:
            health: When the region is healthy. Default: `ApiHealth()`.

        See https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/routing-policy-latency.html
        """
        return DnsRouting(_given(health))

    @staticmethod
    def primary(health: ApiHealth | None = None) -> DnsRouting:
        """Lead all callers to this region while it is healthy.

        Args:
            health: When the region is healthy. Default: `ApiHealth()`.

        See https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/routing-policy-failover.html
        """
        return DnsRouting(_given(health), "PRIMARY")

    @staticmethod
    def secondary(health: ApiHealth | None = None) -> DnsRouting:
        """Lead all callers to this region while the primary is not healthy.

        Args:
            health: When the region is healthy. Default: `ApiHealth()`.

        See https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/routing-policy-failover.html
        """
        return DnsRouting(_given(health), "SECONDARY")


def _given(health: ApiHealth | None) -> ApiHealth:
    check_type((ApiHealth, NoneType), health=health)
    return ApiHealth() if health is None else health
