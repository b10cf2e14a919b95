"""Metrics in CloudWatch's embedded metric format: a line of the log from which CloudWatch makes them, without a call.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NAMESPACE: Final = "MLConstructs"

_WHERE: Final = ["EndpointName", "FunctionName"]
_COUNT: Final = "Count"
_REFUSED: Final = 400
_FAILED: Final = 500


class Metrics:
    """Writes one line a request.

    Each name with each set of dimensions is a metric of its own and has a price, so there are few: `Failures` (status
    5XX) and `Refusals` (4XX), 0 or 1 a request; of one that ended in a problem, `Problems` by its kind; of a streamed
    answer, `TimeToFirstByte`.

    Args:
        endpoint_name: The endpoint.
        function_name: The function.
        write: Writes text. Default: to the standard output, which Lambda's JSON format leaves as it is.
    """

    def __init__(self, endpoint_name: str, function_name: str, write: Callable[[str], object] | None = None) -> None:
        self._write = _print if write is None else write
        dimensions = {"EndpointName": endpoint_name, "FunctionName": function_name}
        # Everything but the numbers is the same each time.
        self._line = json.dumps(dimensions)[1:-1]

    def record(self, facts: Mapping[str, object]) -> None:
        """Count a request, by what its line in the log says: `status`, `error` and `first_byte_ms`."""
        status, kind, first_byte = facts["status"], facts.get("error"), facts.get("first_byte_ms")
        assert isinstance(status, int)  # noqa: S101 - for the type checker
        values = f'"Failures":{int(status >= _FAILED)},"Refusals":{int(_REFUSED <= status < _FAILED)}'
        directive = _ALWAYS
        if kind is not None:
            directive += "," + _BY_KIND
            values += f',"Problems":1,"Problem":"{kind}"'
        if first_byte is not None:
            directive += "," + _STREAMED
            values += f',"TimeToFirstByte":{first_byte}'
        moment = int(time.time() * 1000)
        self._write(f'{{"_aws":{{"Timestamp":{moment},"CloudWatchMetrics":[{directive}]}},{self._line},{values}}}\n')


def _directive(dimensions: list[str], **units: str) -> str:
    metrics = [{"Name": name, "Unit": unit} for name, unit in units.items()]
    return json.dumps({"Namespace": NAMESPACE, "Dimensions": [dimensions], "Metrics": metrics})


_ALWAYS: Final = _directive(_WHERE, Failures=_COUNT, Refusals=_COUNT)
_BY_KIND: Final = _directive([*_WHERE, "Problem"], Problems=_COUNT)
_STREAMED: Final = _directive(_WHERE, TimeToFirstByte="Milliseconds")


def _print(line: str) -> None:
    sys.stdout.write(line)
    sys.stdout.flush()
