"""Reads and writes the emulated S3 over HTTP with a role's own credentials, so that its policies decide."""

from __future__ import annotations

import http.client
import re
import shutil
import urllib.parse
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

from botocore.auth import S3SigV4Auth  # type: ignore[import-untyped]  # ships no types
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]  # ships no types
from botocore.credentials import Credentials  # type: ignore[import-untyped]  # ships no types

from tests.local_aws import seams

_URL: Final = re.compile(r"s3://([^/]+)/(.+)")
_TIMEOUT: Final = 60.0


class ObjectError(Exception):
    """S3 refused or does not have the object."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"S3 answered {status}: {text}")
        self.status = status


class Bucket:
    """S3 as a role sees it."""

    def __init__(self, credentials: seams.Credentials, region: str) -> None:
        key = Credentials(credentials.access_key, credentials.secret_key, credentials.token)
        self._signer = S3SigV4Auth(key, "s3", region)

    def is_readable(self, url: str) -> int:
        """The status of a read of the object's first byte: 200 or 206 when all is well."""
        connection, response = self._send("GET", url, b"", {"Range": "bytes=0-0"})
        with closing(connection):
            response.read()
        return response.status

    def download(self, url: str, target: Path) -> None:
        """Copy an object into a file."""
        connection, response = self._send("GET", url, b"", {})
        with closing(connection):
            if response.status != http.client.OK:
                raise ObjectError(response.status, response.read(500).decode(errors="replace"))
            with target.open("wb") as file:
                shutil.copyfileobj(response, file)

    def upload(self, url: str, body: bytes, *, kms_key: str | None = None) -> None:
        """Write an object."""
        headers = {"Content-Type": "application/jsonlines"}
        if kms_key is not None:
            headers |= {
                "x-amz-server-side-encryption": "aws:kms",
                "x-amz-server-side-encryption-aws-kms-key-id": kms_key,
            }
        connection, response = self._send("PUT", url, body, headers)
        with closing(connection):
            text = response.read(500).decode(errors="replace")
            if response.status != http.client.OK:
                raise ObjectError(response.status, text)

    def _send(
        self, method: str, url: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        bucket, key = split(url)
        path = f"/{bucket}/{urllib.parse.quote(key, safe='/-_.~')}"
        port = seams.port()
        request = AWSRequest(method, f"http://127.0.0.1:{port}{path}", data=body, headers=dict(headers))
        self._signer.add_auth(request)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT)
        # The emulator's server notices a client that has left only when it next looks: say it beforehand.
        connection.request(method, path, body=body, headers={**request.headers, "Connection": "close"})
        return connection, connection.getresponse()


def split(url: str) -> tuple[str, str]:
    """Bucket and key of an `s3://` URL."""
    match = _URL.fullmatch(url)
    if match is None:
        raise ObjectError(400, f"{url} is not of the form s3://bucket/key")
    return match[1], match[2]
