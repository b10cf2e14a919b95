"""The instance counts of endpoint variants, read and set over SageMaker's API with the service-linked role's rights.

https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-prerequisites.html
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import boto3  # type: ignore[import-untyped]  # ships no types
from botocore.config import Config  # type: ignore[import-untyped]  # ships no types
from botocore.exceptions import ClientError  # type: ignore[import-untyped]  # ships no types

from tests.local_aws import seams
from tests.local_aws.cloudformation.client import client

SERVICE: Final = "sagemaker.application-autoscaling.amazonaws.com"
ROLE: Final = "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
_SESSION: Final = "AutoScaling-UpdateDesiredCapacity"
_RENEWED_AFTER: Final = 1800.0  # seconds; the credentials last an hour
_ACTIONS: Final = (
    "sagemaker:DescribeEndpoint",
    "sagemaker:DescribeEndpointConfig",
    "sagemaker:UpdateEndpointWeightsAndCapacities",
    "sagemaker:DescribeInferenceComponent",
    "sagemaker:UpdateInferenceComponentRuntimeConfig",
    "cloudwatch:PutMetricAlarm",
    "cloudwatch:DescribeAlarms",
    "cloudwatch:DeleteAlarms",
)
_CONFIG: Final = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=60, proxies={})


class GoneError(Exception):
    """The endpoint, or the variant of it, does not exist."""


class BusyError(Exception):
    """The endpoint is being changed: it can be scaled later."""


class RefusedError(Exception):
    """SageMaker does not make the change; the text is what it says."""


@dataclass(frozen=True)
class Capacity:
    """What DescribeEndpoint says of one variant."""

    desired: int
    is_settled: bool
    """Whether nothing goes on with the endpoint."""

    is_active: bool
    """Whether it can be scaled."""

    failure: str | None


class Variants:
    """Reads and sets the numbers of instances, in the account and region of the present scope."""

    def __init__(self) -> None:
        self._clients: dict[tuple[str, str], tuple[float, Any]] = {}

    def read(self, endpoint: str, variant: str) -> Capacity:
        """The capacity that a variant shall have.

        Raises:
            GoneError: there is no such endpoint or variant, or it is being deleted.
            BusyError: the endpoint is being made, and shows no variants yet.
            RefusedError: SageMaker refuses, or the variant has no instances.
        """
        try:
            described = self.client().describe_endpoint(EndpointName=endpoint)
        except ClientError as error:
            if "Could not find" in str(error):
                raise GoneError(message(error)) from None
            self.forget()  # the credentials may have ended
            raise RefusedError(message(error)) from None
        status = described["EndpointStatus"]
        if status == "Deleting":
            raise GoneError(f"The endpoint {endpoint} is being deleted.")
        settled = status in {"InService", "Failed", "UpdateRollbackFailed"}
        for summary in described.get("ProductionVariants", []):
            if summary["VariantName"] == variant:
                if "DesiredInstanceCount" not in summary:
                    raise RefusedError(f"Variant {variant} of endpoint {endpoint} is serverless, and has no instances.")
                return Capacity(
                    summary["DesiredInstanceCount"],
                    is_settled=settled,
                    is_active=status == "InService",
                    failure=described.get("FailureReason"),
                )
        if not settled:
            raise BusyError
        raise GoneError(f"Could not find variant {variant} of endpoint {endpoint}")

    def write(self, endpoint: str, variant: str, capacity: int) -> None:
        """Set the capacity; SageMaker starts to carry it out.

        Raises:
            BusyError: the endpoint is being changed.
            RefusedError: SageMaker refuses.
        """
        wanted = [{"VariantName": variant, "DesiredInstanceCount": capacity}]
        try:
            self.client().update_endpoint_weights_and_capacities(
                EndpointName=endpoint, DesiredWeightsAndCapacities=wanted
            )
        except ClientError as error:
            if "in-progress" in str(error):
                raise BusyError from None
            raise RefusedError(message(error)) from None

    def forget(self) -> None:
        """Drop the credentials: the role may be gone."""
        self._clients.clear()

    def client(self) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
        """SageMaker with the service-linked role's rights, in the account and region of the present scope."""
        place = (seams.account(), seams.region())
        since, known = self._clients.get(place, (0.0, None))
        if known is not None and time.monotonic() - since < _RENEWED_AFTER:
            return known
        arn = service_linked_role()
        source = f"arn:aws:application-autoscaling:{place[1]}:{place[0]}:scalable-target/*"
        given = seams.assume_role_as_service(
            arn, service=SERVICE, session=_SESSION, source_arn=source, account_id=place[0]
        )
        if given is None:
            raise RefusedError(f"The role {arn} cannot be assumed.")
        made = boto3.session.Session().client(
            "sagemaker",
            endpoint_url=f"http://127.0.0.1:{seams.port()}",
            region_name=place[1],
            aws_access_key_id=given.access_key,
            aws_secret_access_key=given.secret_key,
            aws_session_token=given.token,
            config=_CONFIG,
        )
        self._clients[place] = (time.monotonic(), made)
        return made


def role_arn(namespace: str) -> str:
    """The service-linked role of a namespace."""
    name = ROLE if namespace == "sagemaker" else "AWSServiceRole"
    path = f"aws-service-role/{namespace}.application-autoscaling.amazonaws.com"
    return f"arn:aws:iam::{seams.account()}:role/{path}/{name}"


def service_linked_role() -> str:
    """The ARN of the role that acts on endpoints; made when it is needed first, and it stays, as on AWS."""
    iam = client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": SERVICE}, "Action": "sts:AssumeRole"}
    rights = {"Effect": "Allow", "Action": _ACTIONS, "Resource": "*"}
    with suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(RoleName=ROLE, Path=f"/aws-service-role/{SERVICE}/", AssumeRolePolicyDocument=_document(trust))
    iam.put_role_policy(RoleName=ROLE, PolicyName="scaling", PolicyDocument=_document(rights))
    return role_arn("sagemaker")


def _document(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def message(error: ClientError) -> str:
    """What SageMaker says, as Application Auto Scaling repeats it."""
    response = error.response
    return (
        f"{response['Error']['Message']} (Service: AmazonSageMaker; Status Code: "
        f"{response['ResponseMetadata']['HTTPStatusCode']}; Error Code: {response['Error']['Code']}; "
        f"Request ID: {response['ResponseMetadata'].get('RequestId', '-')}; Proxy: null)"
    )
