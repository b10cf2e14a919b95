"""Requests made from an API's own description, of the kinds that it allows and of others, by schemathesis."""

from __future__ import annotations

import json
import urllib.parse
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from tests.end_to_end.deployment import Answer

_SERVER_ERROR: Final = 500


def document(client: Any, api: str) -> dict[str, Any]:  # noqa: ANN401 - boto3 has no types
    """What the stage `live` of an API exports; a model for every content type counts as one of JSON."""
    export = client.get_export(restApiId=api, stageName="live", exportType="oas30", accepts="application/json")
    found: dict[str, Any] = json.loads(export["body"].read())
    for methods in found["paths"].values():
        for operation in methods.values():
            content = operation.get("requestBody", {}).get("content", {})
            if "$default" in content:  # which is no media type
                content["application/json"] = content.pop("$default")
    return found


def fuzz(
    description: dict[str, Any], send: Callable[[str, str, bytes | None, dict[str, str]], Answer], *, examples: int
) -> Counter[int]:
    """Send requests, the same at each run; gives the statuses.

    `send` gets method, path with query, body and headers.

    Raises:
        AssertionError: one was answered by an error of the server.
    """
    schema, statuses = schemathesis.openapi.from_dict(description), Counter[int]()
    found: list[Any] = list(schema.get_all_operations())
    requests: list[Any] = [result.ok().as_strategy(generation_mode=mode) for result in found for mode in GenerationMode]

    @settings(
        max_examples=examples, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(case=st.one_of(requests))
    def run(case: Any) -> None:  # noqa: ANN401 - schemathesis makes its cases at run time
        sent = case.as_transport_kwargs(base_url="http://api")
        body, headers = sent.get("data"), {name: str(value) for name, value in dict(sent["headers"]).items()}
        if "json" in sent:
            body, headers["Content-Type"] = json.dumps(sent["json"]), "application/json"
        data = body.encode() if isinstance(body, str) else body
        query = urllib.parse.urlencode(sent.get("params") or {}, doseq=True)
        path = str(sent["url"]).removeprefix("http://api") + (f"?{query}" if query else "")
        answer = send(sent["method"], path, data, headers)
        statuses[answer.status] += 1
        assert answer.status < _SERVER_ERROR, (sent, answer)

    run()
    return statuses
