"""From the event of an upload to the request that it asks for.

Event: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
Limits: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpointAsync.html
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final

# https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference.html: "payload sizes up to 1GB"
LARGEST: Final = 1_073_741_824
_LONGEST_LOCATION: Final = 1024
_LOCATION: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")  # travels as a header
_UNKNOWN_TYPE: Final = "application/octet-stream"
# A table of its own: that of the standard library depends on files of the machine.
TYPES: Final = {
    ".csv": "text/csv",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".json": "application/json",
    ".jsonl": "application/jsonlines",
    ".libsvm": "text/libsvm",
    ".mp3": "audio/mpeg",
    ".mp4": "video/mp4",
    ".npy": "application/x-npy",
    ".parquet": "application/x-parquet",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".tiff": "image/tiff",
    ".txt": "text/plain",
    ".wav": "audio/wav",
    ".xml": "application/xml",
}


class Unusable(Exception):  # noqa: N818 - names what the upload is
    """An upload that no attempt can turn into a request.

    Args:
        kind: A short name of the cause, which never changes its meaning.
        detail: One sentence about it.
    """

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind
        self.detail = detail


@dataclass(frozen=True, kw_only=True)
class Upload:
    """One object that somebody put into the bucket."""

    bucket: str
    key: str
    size: int
    version: str
    """What tells one content of the key from another: the object's version, or its ETag where there are no versions."""

    @property
    def is_folder(self) -> bool:
        """Whether it is what consoles put to show an empty folder."""
        return self.key.endswith("/") and self.size == 0

    @property
    def inference_id(self) -> str:
        """The same for each delivery of the same event, and another for other content: 64 hexadecimal digits."""
        return hashlib.sha256(f"{self.bucket}/{self.key}@{self.version}".encode()).hexdigest()

    @property
    def content_type(self) -> str:
        """The media type that the suffix stands for."""
        return TYPES.get(PurePosixPath(self.key).suffix.lower(), _UNKNOWN_TYPE)

    @property
    def location(self) -> str:
        """The object as SageMaker is told of it.

        Raises:
            Unusable: SageMaker would not take the object.
        """
        location = f"s3://{self.bucket}/{self.key}"
        if len(location) > _LONGEST_LOCATION or not _LOCATION.fullmatch(location):
            detail = f"The URI must be at most {_LONGEST_LOCATION:,} printable ASCII characters."
            raise Unusable("unusable-key", detail)
        if self.size == 0:
            raise Unusable("empty-object", "The object has no content.")
        if self.size > LARGEST:
            raise Unusable("object-too-large", f"The object may have at most {LARGEST:,} bytes, got {self.size:,}.")
        return location


def parse(body: str) -> Upload:
    """The upload that an event `Object Created` tells of.

    Raises:
        Unusable: the body is no such event.
    """
    try:
        detail: dict[str, Any] = json.loads(body)["detail"]
        item: dict[str, Any] = detail["object"]
        upload = Upload(
            bucket=_text(detail["bucket"]["name"]),
            key=_text(item["key"]),
            size=int(item["size"]),
            version=_text(item.get("version-id") or item["etag"]),
        )
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError):
        raise Unusable("malformed-event", "The message is no event of an object created in S3.") from None
    return upload


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError
    value.encode()  # refuses halves of characters
    return value
