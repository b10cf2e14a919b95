"""The topic of the alarms on one endpoint."""

from __future__ import annotations

from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from ml_constructs._alarm_topic import alarm_topic
from ml_constructs._checks import is_token
from ml_constructs.encryption import EncryptionKey
from ml_constructs.endpoints.endpoint import Endpoint
from ml_constructs.interfaces.endpoint import IEndpoint
from ml_constructs.interfaces.shared_endpoint import ISharedEndpoint


def endpoint_alarm_topic(alarms: Construct, endpoint: IEndpoint, key: kms.IKey | None) -> sns.Topic:
    """A topic named after the endpoint and encrypted with the key given, the endpoint's, or a new one."""
    if key is None:
        own = endpoint.encryption_key if isinstance(endpoint, Endpoint | ISharedEndpoint) else None
        key = EncryptionKey(alarms, "Key") if own is None else own
    name = None if is_token(endpoint.endpoint_name) else f"Alarms of {endpoint.endpoint_name}"
    return alarm_topic(alarms, key, display_name=name)
