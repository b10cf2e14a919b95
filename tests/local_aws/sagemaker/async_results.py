"""Where the answers of an asynchronous endpoint go, and what its topics hear.

https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-check-predictions.html
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from tests.local_aws.sagemaker import roles
from tests.local_aws.sagemaker.fleet import LaunchError
from tests.local_aws.sagemaker.notifications import NotificationError, publish
from tests.local_aws.sagemaker.objects import Bucket, ObjectError

_MESSAGE_LIMIT: Final = 128 * 1024  # API_AsyncInferenceNotificationConfig.html
_TOPICS: Final = {True: "SuccessTopic", False: "ErrorTopic"}
_INCLUDED: Final = {True: "SUCCESS_NOTIFICATION_TOPIC", False: "ERROR_NOTIFICATION_TOPIC"}


@dataclass(frozen=True)
class Destination:
    """Where one request's answer, or what there is in its place, goes, and with whose rights."""

    config: Mapping[str, Any]
    account: str
    region: str
    output: str | None
    failure: str | None

    @classmethod
    def of(cls, config: Mapping[str, Any], members: Mapping[str, str], *, account: str, region: str) -> Destination:
        """By the endpoint's AsyncInferenceConfig, and what the request asks for."""
        given, name = config["OutputConfig"], str(uuid.uuid4())
        extension = members.get("S3OutputPathExtension", "").strip("/")
        return cls(
            config,
            account,
            region,
            _join(given.get("S3OutputPath"), extension, members.get("Filename", f"{name}.out")),
            _join(given.get("S3FailurePath"), extension, f"{name}-error.out"),
        )

    def read(self, url: str, role: str) -> bytes:
        """The request.

        Raises:
            ObjectError: the role may not read it, or there is none.
        """
        return self._bucket(role).read(url)

    def write(self, body: bytes, content_type: str, role: str, *, is_success: bool) -> None:
        """Write an answer, or what went wrong; nothing where the configuration names no place for it.

        Raises:
            ObjectError: the role may not write there.
        """
        url = self.output if is_success else self.failure
        if url is not None:
            key = self.config["OutputConfig"].get("KmsKeyId")
            self._bucket(role).upload(url, body, kms_key=key, content_type=content_type)

    def _bucket(self, role: str) -> Bucket:
        credentials = roles.keep(role, account=self.account, region=self.region)
        if credentials is None:
            raise ObjectError(403, f"the role {role} cannot be assumed")
        return Bucket(credentials, self.region)

    def notify(self, result: Result, role: str) -> None:
        """Tell the topic, if there is one.

        Raises:
            NotificationError: the role may not publish to it.
        """
        config = self.config["OutputConfig"].get("NotificationConfig", {})
        topic = config.get(_TOPICS[result.is_success])
        if topic is not None:
            is_included = _INCLUDED[result.is_success] in config.get("IncludeInferenceResponseIn", [])
            message = result.message(self, is_included=is_included)
            publish(topic, message, role, account=self.account, region=self.region)


@dataclass(frozen=True, kw_only=True)
class Result:
    """What came of a request."""

    endpoint: str
    members: Mapping[str, str]
    inference_id: str
    received: datetime
    reason: str | None
    """Why it failed, if it did."""

    body: bytes
    content_type: str
    ended: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def is_success(self) -> bool:
        """Whether there is an answer."""
        return self.reason is None

    def message(self, destination: Destination, *, is_included: bool) -> dict[str, Any]:
        """What the topic hears."""
        asked = {
            "accept": self.members.get("Accept"),
            "contentType": self.members.get("ContentType"),
            "customAttributes": self.members.get("CustomAttributes"),
            "endpointName": self.endpoint,
            "inputLocation": self.members.get("InputLocation"),
        }
        message: dict[str, Any] = {
            "awsRegion": destination.region,
            "eventTime": _iso(self.ended),
            "receivedTime": _iso(self.received),
            "invocationStatus": "Completed" if self.is_success else "Failed",
        }
        if not self.is_success:
            message["failureReason"] = self.reason
        message["requestParameters"] = {name: value for name, value in asked.items() if value is not None}
        if self.is_success:
            answered = {"contentType": self.content_type, "outputLocation": destination.output}
            message["responseParameters"] = {name: value for name, value in answered.items() if value is not None}
        if is_included and len(self.body) <= _MESSAGE_LIMIT:
            message["responseBody"] = {"content": base64.b64encode(self.body).decode(), "encoding": "BASE64"}
        return message | {"inferenceId": self.inference_id, **_SOURCE, "eventName": "InferenceResult"}


_SOURCE: Final = {"eventVersion": "1.0", "eventSource": "aws:sagemaker"}


def check_topics(config: Mapping[str, Any] | None, role: str, *, account: str, region: str) -> None:
    """Publish a test message to each topic, as SageMaker does before it starts an endpoint.

    Raises:
        LaunchError: the role may not publish there.
    """
    given = {} if config is None else config["OutputConfig"].get("NotificationConfig", {})
    for topic in dict.fromkeys(given[name] for name in _TOPICS.values() if name in given):
        test = {"awsRegion": region, "eventTime": _iso(datetime.now(UTC)), **_SOURCE, "eventName": "TestNotification"}
        try:
            publish(topic, test, role, account=account, region=region)
        except NotificationError as error:
            raise LaunchError(
                f"The provided role '{role}' is invalid. Please ensure the role exists, that its trust relationship "
                f'policy allows the action "sts:AssumeRole" for the service principal "{roles.SERVICE}", and has '
                f'"sns:Publish" permissions for topic "{topic}".'
            ) from error


def _join(path: str | None, extension: str, name: str) -> str | None:
    if path is None:
        return None
    return "/".join(part for part in (path.rstrip("/"), extension, name) if part)


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
