"""What AWS services do with a role of the customer's: calls of the emulator, so that the role's policies decide."""

from __future__ import annotations

import functools
import http.client
import threading
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

import boto3  # type: ignore[import-untyped]  # ships no types
from botocore.auth import SigV4Auth  # type: ignore[import-untyped]  # ships no types
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]  # ships no types
from botocore.config import Config  # type: ignore[import-untyped]  # ships no types
from botocore.credentials import Credentials  # type: ignore[import-untyped]  # ships no types

from tests.local_aws import seams

_KEPT_SECONDS: Final = 300.0
_READ_SECONDS: Final = 120.0


class RoleError(Exception):
    """The role is missing, or does not trust the service that wants to assume it."""


@dataclass(frozen=True)
class Actor:
    """A service that acts with a role for one of its resources."""

    service: str
    """The service principal."""
    role: str
    source: str
    """The ARN of the resource: `aws:SourceArn`."""
    account: str
    region: str

    def credentials(self) -> seams.Credentials:
        """Temporary credentials, kept for five minutes; policies decide at each call whatever their age.

        Raises:
            RoleError: the role cannot be assumed.
        """
        with _lock:
            made, credentials = _kept.get(self, (0.0, None))
        if credentials is not None and time.monotonic() < made + _KEPT_SECONDS:
            return credentials
        with seams.acting_in(self.account, self.region):
            credentials = seams.assume_role_as_service(
                self.role,
                service=self.service,
                session=self.service.partition(".")[0],
                source_arn=self.source,
                account_id=self.account,
            )
        if credentials is None:
            raise RoleError(f"the role {self.role} cannot be assumed by {self.service} for {self.source}")
        with _lock:
            _kept[self] = (time.monotonic(), credentials)
        return credentials

    def forget(self) -> None:
        """Assume the role anew next time: the emulator may have forgotten the session."""
        with _lock:
            _kept.pop(self, None)

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
        """A boto3 client with the role's rights.

        Raises:
            RoleError: the role cannot be assumed.
        """
        return _client(service, self.region, self.credentials())

    def send(self, signing_name: str, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """One signed request; call it from a thread that may wait.

        Raises:
            RoleError: the role cannot be assumed.
            OSError: the emulator did not answer.
        """
        given, port = self.credentials(), seams.port()
        request = AWSRequest(method, f"http://127.0.0.1:{port}{path}", data=body, headers=dict(headers))
        key = Credentials(given.access_key, given.secret_key, given.token)
        SigV4Auth(key, signing_name, self.region).add_auth(request)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_READ_SECONDS)
        with closing(connection):
            connection.request(method, path, body=body, headers={**request.headers, "Connection": "close"})
            response = connection.getresponse()
            answer = Answer(
                response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
            )
        if answer.status == http.client.FORBIDDEN:
            self.forget()
        return answer


@dataclass(frozen=True)
class Answer:
    """What a service answered; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


_kept: Final[dict[Actor, tuple[float, seams.Credentials]]] = {}
_lock: Final = threading.Lock()
_CONFIG: Final = Config(retries={"total_max_attempts": 1}, read_timeout=_READ_SECONDS, proxies={})


@functools.lru_cache(maxsize=64)
def _client(service: str, region: str, credentials: seams.Credentials) -> Any:  # noqa: ANN401
    return boto3.session.Session().client(
        service,
        endpoint_url=f"http://127.0.0.1:{seams.port()}",
        region_name=region,
        aws_access_key_id=credentials.access_key,
        aws_secret_access_key=credentials.secret_key,
        aws_session_token=credentials.token,
        config=_CONFIG,
    )
