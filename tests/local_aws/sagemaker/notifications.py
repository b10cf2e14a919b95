"""Publishes to SNS topics with a role's own rights, over HTTP, so that its policies decide."""

from __future__ import annotations

import http.client
import json
import re
import urllib.parse
from collections.abc import Mapping
from contextlib import closing
from typing import Any, Final

from botocore.auth import SigV4Auth  # type: ignore[import-untyped]  # ships no types
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]  # ships no types
from botocore.credentials import Credentials  # type: ignore[import-untyped]  # ships no types

from tests.local_aws import seams
from tests.local_aws.sagemaker import roles

_TIMEOUT: Final = 30.0
_FORM: Final = "application/x-www-form-urlencoded; charset=utf-8"


class NotificationError(Exception):
    """SNS refused a message, or the role that publishes it cannot be assumed."""


def publish(topic: str, message: Mapping[str, Any], role: str, *, account: str, region: str) -> None:
    """Publish a message as JSON; call it from a thread that may wait.

    Raises:
        NotificationError: the role may not publish to the topic, or there is none.
    """
    given = roles.keep(role, account=account, region=region)
    if given is None:
        raise NotificationError(f"the role {role} cannot be assumed")
    text = json.dumps(message, separators=(",", ":"))
    fields = {"Action": "Publish", "Version": "2010-03-31", "TopicArn": topic, "Message": text}
    body = urllib.parse.urlencode(fields).encode()
    port = seams.port()
    request = AWSRequest("POST", f"http://127.0.0.1:{port}/", data=body, headers={"Content-Type": _FORM})
    key = Credentials(given.access_key, given.secret_key, given.token)
    SigV4Auth(key, "sns", topic.split(":")[3]).add_auth(request)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT)
    try:
        with closing(connection):
            connection.request("POST", "/", body=body, headers={**request.headers, "Connection": "close"})
            response = connection.getresponse()
            answer = response.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        raise NotificationError(str(error)) from error
    if response.status != http.client.OK:
        roles.forget(given)
        said = re.search("<Message>(.*?)</Message>", answer, re.DOTALL)
        raise NotificationError(said[1] if said else answer[:500])
