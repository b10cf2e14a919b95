"""What the runtime code counts by itself, as metrics of a namespace of its own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from ml_constructs._checks import check_choice, check_given
from ml_constructs.interfaces.endpoint import IEndpoint

# As `invoke_endpoint.metrics` has it.
NAMESPACE: Final = "MLConstructs"


@dataclass(frozen=True, kw_only=True)
class Counted:
    """The metrics that Powertools publishes for one front end.

    Args:
        front_end: Its path names the service.
        endpoint: The endpoint that it calls.
        names: The names of the metrics.
    """

    front_end: Construct
    endpoint: IEndpoint
    names: Sequence[str]

    @property
    def variables(self) -> dict[str, str]:
        """What Powertools reads in the function's environment."""
        return {"POWERTOOLS_SERVICE_NAME": self._service, "POWERTOOLS_METRICS_NAMESPACE": NAMESPACE}

    def metric(self, metric_name: str, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401 - of cloudwatch.Metric
        """One of the metrics. Statistic: Sum.

        Raises:
            ValueError: it is none of them.
        """
        check_given(metric_name=metric_name)
        check_choice("metric_name", metric_name, self.names)
        return cloudwatch.Metric(
            namespace=NAMESPACE,
            metric_name=metric_name,
            dimensions_map={"service": self._service, "EndpointName": self.endpoint.endpoint_name},
            **{"statistic": "Sum", **options},
        )

    @property
    def _service(self) -> str:
        """In the characters that CloudWatch takes for the value of a dimension."""
        return re.sub(r"[^\x20-\x7e]", "-", self.front_end.node.path)[:255]
