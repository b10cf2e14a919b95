"""Reads and writes the emulated S3 over HTTP with a role's own credentials, so that its policies decide."""

from __future__ import annotations

import http.client
import re
import shutil
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

from botocore.auth import S3SigV4Auth  # type: ignore[import-untyped]  # ships no types
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]  # ships no types
from botocore.credentials import Credentials  # type: ignore[import-untyped]  # ships no types

from tests.local_aws import seams

_URL: Final = re.compile(r"s3://(?P<bucket>[^/]+)/(?P<key>.+)")
_HTTPS_URLS: Final = (
    re.compile(r"https://s3[.-][^/]+/(?P<bucket>[^/]+)/(?P<key>.+)"),
    re.compile(r"https://(?P<bucket>[^/]+)\.s3[.-][^/]+/(?P<key>.+)"),
)
_PREFIX: Final = re.compile(r"s3://([^/]+)/?(.*)")
_TIMEOUT: Final = 60.0
_NAMESPACE: Final = "{*}"


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

    def read(self, url: str) -> bytes:
        """An object's content."""
        connection, response = self._send("GET", url, b"", {})
        with closing(connection):
            if response.status != http.client.OK:
                raise ObjectError(response.status, response.read(500).decode(errors="replace"))
            return response.read()

    def listed(self, url: str) -> Iterator[tuple[str, int]]:
        """The keys that begin as the URL does, with the sizes of their objects."""
        bucket, prefix = split_prefix(url)
        query = {"list-type": "2", "prefix": prefix}
        while True:
            page = self._page(bucket, query)
            for item in page.findall(f"{_NAMESPACE}Contents"):
                yield item.findtext(f"{_NAMESPACE}Key", ""), int(item.findtext(f"{_NAMESPACE}Size", "0"))
            token = page.findtext(f"{_NAMESPACE}NextContinuationToken")
            if not token:
                return
            query["continuation-token"] = token

    def _page(self, bucket: str, query: Mapping[str, str]) -> ET.Element:
        path = f"/{bucket}?{urllib.parse.urlencode(query, quote_via=urllib.parse.quote)}"
        connection, response = self._request("GET", path, b"", {})
        with closing(connection):
            text = response.read()
        if response.status != http.client.OK:
            raise ObjectError(response.status, text[:500].decode(errors="replace"))
        return ET.fromstring(text)

    def upload(
        self, url: str, body: bytes, *, kms_key: str | None = None, content_type: str = "application/jsonlines"
    ) -> None:
        """Write an object."""
        headers = {"Content-Type": content_type}
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
        return self._request(method, f"/{bucket}/{urllib.parse.quote(key, safe='/-_.~')}", body, headers)

    def _request(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        port = seams.port()
        request = AWSRequest(method, f"http://127.0.0.1:{port}{path}", data=body, headers=dict(headers))
        self._signer.add_auth(request)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT)
        # The emulator's server notices a client that has left only when it next looks: say it beforehand.
        connection.request(method, path, body=body, headers={**request.headers, "Connection": "close"})
        return connection, connection.getresponse()


def split(url: str) -> tuple[str, str]:
    """Bucket and key of an `s3://` URL, or of one of the forms that S3 has for `https://`."""
    for form in (_URL, *_HTTPS_URLS):
        match = form.fullmatch(url)
        if match is not None:
            return match["bucket"], match["key"]
    raise ObjectError(400, f"{url} is not of the form s3://bucket/key")


def split_prefix(url: str) -> tuple[str, str]:
    """Bucket and beginning of keys of an `s3://` URL; the latter may be empty."""
    match = _PREFIX.fullmatch(url)
    if match is None:
        raise ObjectError(400, f"{url} is not of the form s3://bucket/prefix")
    return match[1], match[2]
