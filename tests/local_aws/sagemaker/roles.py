"""The credentials with which SageMaker acts as an execution role."""

from __future__ import annotations

import threading
import time
from typing import Final

from tests.local_aws import seams
from tests.local_aws.sagemaker.names import arn

SERVICE: Final = "sagemaker.amazonaws.com"
_KEPT_SECONDS: Final = 300.0

_kept: dict[tuple[str, str, str], tuple[float, seams.Credentials]] = {}
_lock = threading.Lock()


def assume(role_arn: str, *, account: str, region: str) -> seams.Credentials | None:
    """Temporary credentials of a role; nothing where it is missing or does not trust SageMaker."""
    with seams.acting_in(account, region):
        return seams.assume_role_as_service(
            role_arn,
            service=SERVICE,
            session="SageMaker",
            source_arn=arn("endpoint", "*", account=account, region=region),
            account_id=account,
        )


def keep(role_arn: str, *, account: str, region: str) -> seams.Credentials | None:
    """The same, for what goes on all the time: they serve for five minutes, as the emulator remembers each session.

    Policies decide at each call whatever the age of the credentials.
    """
    key = (role_arn, account, region)
    with _lock:
        made, credentials = _kept.get(key, (0.0, None))
    if credentials is not None and time.monotonic() < made + _KEPT_SECONDS:
        return credentials
    credentials = assume(role_arn, account=account, region=region)
    if credentials is not None:
        with _lock:
            _kept[key] = (time.monotonic(), credentials)
    return credentials


def forget(credentials: seams.Credentials | None = None) -> None:
    """Assume the role of these credentials, or every role, anew: after a refusal, and when the emulator forgot all."""
    with _lock:
        for key, (_, kept) in list(_kept.items()):
            if credentials is None or kept is credentials:
                del _kept[key]
