"""What Firehose delivers to buckets: with the rights of the destination's role, and compressed. Nothing is buffered.

https://docs.aws.amazon.com/firehose/latest/dev/basic-deliver.html
"""

from __future__ import annotations

import gzip
import logging
from collections.abc import Mapping
from typing import Any, Final

from tests.local_aws import seams
from tests.local_aws.acting import Actor, RoleError

_log = logging.getLogger("firehose")

_PRINCIPAL: Final = "firehose.amazonaws.com"


def install() -> None:
    """Look at each record before it is delivered."""
    seams.guard_deliveries(deliver)


def deliver(stream: str, destination: Mapping[str, Any], data: bytes) -> bytes | None:
    """The object of a record, or nothing where the role may not put it into the bucket."""
    actor = Actor(_PRINCIPAL, destination["RoleARN"], stream, seams.account(), seams.region())
    bucket = destination["BucketARN"]
    prefix = str(destination.get("Prefix") or "").partition("!{")[0]
    try:
        is_allowed = seams.may(actor.credentials(), "s3:PutObject", f"{bucket}/{prefix}object")
    except RoleError as error:
        _log.warning("%s delivers nothing: %s", stream, error)
        return None
    if not is_allowed:
        _log.warning("%s delivers nothing: %s may not call s3:PutObject on %s", stream, destination["RoleARN"], bucket)
        return None
    return gzip.compress(data) if destination.get("CompressionFormat") == "GZIP" else data
