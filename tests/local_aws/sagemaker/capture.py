"""Data capture: requests and answers as JSON Lines in S3, written with the execution role's rights.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html
"""

from __future__ import annotations

import base64
import json
import logging
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from tests.local_aws.sagemaker import roles
from tests.local_aws.sagemaker.connection import Answer
from tests.local_aws.sagemaker.fleet import Variant
from tests.local_aws.sagemaker.objects import Bucket, ObjectError
from tests.local_aws.sagemaker.store import Endpoint
from tests.local_aws.sagemaker.traffic import Router

_SIDES: Final = {"Input": ("endpointInput", "INPUT"), "Output": ("endpointOutput", "OUTPUT")}
_log = logging.getLogger("sagemaker")


@dataclass(frozen=True)
class Exchange:
    """What was asked and answered."""

    members: Mapping[str, str]
    body: bytes
    answer: Answer


class _Destination:
    """Where the lines of one variant go."""

    def __init__(self, endpoint: Endpoint, variant: Variant, config: Mapping[str, Any]) -> None:
        self.account = endpoint.account
        self.region = endpoint.region
        self.role = variant.role
        self.prefix = f"{config['DestinationS3Uri'].rstrip('/')}/{endpoint.name}/{variant.name}"
        self.kms_key: str | None = config.get("KmsKeyId")


class Capture:
    """Collects lines and writes them as one object per variant and flush."""

    def __init__(self) -> None:
        self._lines: dict[tuple[str, str, str], list[str]] = defaultdict(list)
        self._destinations: dict[tuple[str, str, str], _Destination] = {}
        self._lock = threading.Lock()

    def sample(self, endpoint: Endpoint, variant: Variant, exchange: Exchange, router: Router) -> None:
        """Keep one invocation, if the endpoint's configuration says so and the lot falls on it."""
        config = endpoint.capture
        if config is None or not config.get("EnableCapture", True):
            return
        if router.is_sampled(config["InitialSamplingPercentage"]):
            self.record(endpoint, variant, config, exchange)

    def record(self, endpoint: Endpoint, variant: Variant, config: Mapping[str, Any], exchange: Exchange) -> None:
        """Keep one invocation until the next flush."""
        members, answer = exchange.members, exchange.answer
        sides = {
            "Input": (members.get("ContentType"), exchange.body),
            "Output": (answer.headers.get("content-type"), answer.body),
        }
        kinds = config.get("CaptureContentTypeHeader", {})
        wanted = [option["CaptureMode"] for option in config["CaptureOptions"]]
        modes = [mode for mode in _SIDES if mode in wanted or "InputAndOutput" in wanted]
        data = {_SIDES[mode][0]: _part(_SIDES[mode][1], *sides[mode], kinds) for mode in modes}
        now = datetime.now(UTC)
        metadata: dict[str, object] = {"eventId": str(uuid.uuid4())}
        if "CustomAttributes" in members:
            metadata["customAttributes"] = [members["CustomAttributes"]]
        if "InferenceId" in members:
            metadata["inferenceId"] = members["InferenceId"]
        metadata["inferenceTime"] = now.strftime("%Y-%m-%dT%H:%M:%SZ")
        line = {"captureData": data, "eventMetadata": metadata, "eventVersion": "0"}
        destination = _Destination(endpoint, variant, config)
        key = (destination.prefix, destination.role, endpoint.account)
        with self._lock:
            self._destinations[key] = destination
            self._lines[key].append(json.dumps(line, separators=(",", ":")))

    def flush(self) -> None:
        """Write what was collected; call it from a worker thread."""
        with self._lock:
            lines, self._lines = self._lines, defaultdict(list)
            destinations, self._destinations = self._destinations, {}
        for key, destination in destinations.items():
            self._write(destination, "".join(f"{line}\n" for line in lines[key]).encode())

    @staticmethod
    def _write(destination: _Destination, body: bytes) -> None:
        now = datetime.fromtimestamp(time.time(), UTC)
        name = f"{now:%M-%S}-{now.microsecond // 1000:03d}-{uuid.uuid4()}.jsonl"
        url = f"{destination.prefix}/{now:%Y/%m/%d/%H}/{name}"
        try:
            credentials = roles.keep(destination.role, account=destination.account, region=destination.region)
            if credentials is None:
                raise ObjectError(403, "the role cannot be assumed")  # noqa: TRY301 - one way out for all failures
            Bucket(credentials, destination.region).upload(url, body, kms_key=destination.kms_key)
        except (ObjectError, OSError) as error:
            roles.forget()
            _log.warning("captured data was not written to %s: %s", url, error)


def _part(mode: str, content_type: str | None, body: bytes, kinds: Mapping[str, list[str]]) -> dict[str, str]:
    base = (content_type or "").split(";")[0].strip().lower()
    encoding = "BASE64"
    for kind, listed in (("CSV", "CsvContentTypes"), ("JSON", "JsonContentTypes")):
        if base in [name.lower() for name in kinds.get(listed, [])]:
            encoding = kind
    text = base64.b64encode(body).decode() if encoding == "BASE64" else body.decode(errors="replace")
    observed = {} if content_type is None else {"observedContentType": content_type}
    return {**observed, "mode": mode, "data": text, "encoding": encoding}
