"""The environment of the functions, read once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from invoke_endpoint.settings import Settings as EndpointSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

_PARALLELISM: Final = 100
# maxReceiveCount, https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
_RECEIVES: Final = 1000
_HEADER: Final = re.compile(r"[\t\x20-\x7e]{1,1024}")
_URL: Final = re.compile(r"https?://[\x21-\x7e]{1,500}")
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX: Final = re.compile(r"[\x20-\x7e]{0,800}")  # a key has 1,024 bytes, of which stream objects need the most
_TOPIC: Final = re.compile(r"arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:[a-zA-Z0-9_-]{1,256}(\.fifo)?")
_TABLE: Final = re.compile(r"[a-zA-Z0-9_.-]{3,255}")
_DELIVERY_STREAM: Final = re.compile(r"[a-zA-Z0-9_.-]{1,64}")
_NAMESPACE: Final = re.compile(r"[a-zA-Z0-9._/#:-]{1,255}")
_DESTINATIONS: Final = ("RESULTS_BUCKET", "RESULTS_TOPIC_ARN", "RESULTS_DELIVERY_STREAM")


@dataclass(frozen=True, kw_only=True)
class CallSettings:
    """What queues and streams have in common; each field is the environment variable of the same name in capitals."""

    endpoint: EndpointSettings
    """Whom to call, and how long to wait: see `invoke_endpoint.settings`."""
    dead_letter_queue_url: str
    """Where records end that cannot be processed. Required."""
    metrics_namespace: str
    """`POWERTOOLS_METRICS_NAMESPACE`. Required."""
    service_name: str
    """`POWERTOOLS_SERVICE_NAME`, a dimension of the metrics. Required."""
    content_type: str = "application/json"
    """Of every record; default: application/json."""
    accept: str | None = None
    """What the model shall answer with. Default: its own choice."""
    parallelism: int = 10
    """Calls at once within a batch, 1 to 100. Default: 10."""


@dataclass(frozen=True, kw_only=True)
class QueueSettings:
    """What the function behind a queue needs to know."""

    calls: CallSettings
    max_receives: int
    """The queue's maxReceiveCount, 1 to 1,000. Required."""
    fifo: bool = False
    """Whether messages of one group are processed in their order. Default: no."""
    results_bucket: str | None = None
    results_prefix: str = ""
    """Before the message id in the key of a result. Default: none."""
    results_topic_arn: str | None = None
    idempotency_table: str | None = None
    """Remembers which messages have ended, so that a second delivery has no second effect. Default: nothing does.
    Results in a bucket are unique in any case; notifications and dead letters are not."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> QueueSettings:
        """Parse the environment variables; one that is absent has its default.

        Raises:
            ValueError: a variable is missing or has a value out of range. The function then fails while it starts.
        """
        _check_destinations(environ, without="RESULTS_DELIVERY_STREAM")
        return cls(
            calls=_calls(environ),
            max_receives=_whole(environ, "MAX_RECEIVES", None, _RECEIVES),
            fifo=_switch(environ, "FIFO"),
            results_bucket=_optional(environ, "RESULTS_BUCKET", _BUCKET, "the name of a bucket"),
            results_prefix=_prefix(environ),
            results_topic_arn=_optional(environ, "RESULTS_TOPIC_ARN", _TOPIC, "the ARN of a topic"),
            idempotency_table=_optional(environ, "IDEMPOTENCY_TABLE", _TABLE, "the name of a table"),
        )


@dataclass(frozen=True, kw_only=True)
class StreamSettings:
    """What the function behind a stream needs to know."""

    calls: CallSettings
    results_bucket: str | None = None
    results_prefix: str = ""
    """Before the shard and sequence numbers in the key of a batch of results. Default: none."""
    results_delivery_stream: str | None = None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> StreamSettings:
        """Parse the environment variables; one that is absent has its default.

        Raises:
            ValueError: a variable is missing or has a value out of range. The function then fails while it starts.
        """
        _check_destinations(environ, without="RESULTS_TOPIC_ARN")
        name = "the name of a delivery stream"
        return cls(
            calls=_calls(environ),
            results_bucket=_optional(environ, "RESULTS_BUCKET", _BUCKET, "the name of a bucket"),
            results_prefix=_prefix(environ),
            results_delivery_stream=_optional(environ, "RESULTS_DELIVERY_STREAM", _DELIVERY_STREAM, name),
        )


def _calls(environ: Mapping[str, str]) -> CallSettings:
    text = "1 to 1,024 printable ASCII characters"
    return CallSettings(
        endpoint=EndpointSettings.from_environment(environ),
        dead_letter_queue_url=_required(environ, "DEAD_LETTER_QUEUE_URL", _URL, "the URL of a queue"),
        metrics_namespace=_required(environ, "POWERTOOLS_METRICS_NAMESPACE", _NAMESPACE, "a namespace of metrics"),
        service_name=_required(environ, "POWERTOOLS_SERVICE_NAME", _HEADER, text),
        content_type=_optional(environ, "CONTENT_TYPE", _HEADER, text) or CallSettings.content_type,
        accept=_optional(environ, "ACCEPT", _HEADER, text),
        parallelism=_whole(environ, "PARALLELISM", CallSettings.parallelism, _PARALLELISM),
    )


def _check_destinations(environ: Mapping[str, str], *, without: str) -> None:
    given = [variable for variable in _DESTINATIONS if variable in environ]
    if len(given) > 1 or without in given:
        allowed = " or ".join(variable for variable in _DESTINATIONS if variable != without)
        raise ValueError(f"results have at most one destination, {allowed}, got {', '.join(given)}")


def _prefix(environ: Mapping[str, str]) -> str:
    prefix = _optional(environ, "RESULTS_PREFIX", _PREFIX, "at most 800 printable ASCII characters") or ""
    if prefix and "RESULTS_BUCKET" not in environ:
        raise ValueError(f"RESULTS_PREFIX must come with RESULTS_BUCKET, got {prefix!r} alone")
    return prefix


def _optional(environ: Mapping[str, str], variable: str, pattern: re.Pattern[str], rule: str) -> str | None:
    return _required(environ, variable, pattern, rule) if variable in environ else None


def _required(environ: Mapping[str, str], variable: str, pattern: re.Pattern[str], rule: str) -> str:
    text = environ.get(variable)
    if text is None or not pattern.fullmatch(text):
        raise ValueError(f"{variable} must be {rule}, got {text!r}")
    return text


def _whole(environ: Mapping[str, str], variable: str, default: int | None, high: int) -> int:
    text = environ.get(variable)
    if text is None and default is not None:
        return default
    if text is None or not re.fullmatch(r"[0-9]{1,9}", text) or not 1 <= int(text) <= high:
        raise ValueError(f"{variable} must be a whole number between 1 and {high:,}, got {text!r}")
    return int(text)


def _switch(environ: Mapping[str, str], variable: str) -> bool:
    text = environ.get(variable, "false")
    if text not in {"true", "false"}:
        raise ValueError(f"{variable} must be 'true' or 'false', got {text!r}")
    return text == "true"
