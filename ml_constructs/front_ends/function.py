"""A Lambda function in front of an endpoint: checks each request, calls the endpoint, and explains each failure."""

from __future__ import annotations

from types import NoneType
from typing import Any, Final, cast

from aws_cdk import Acknowledgment, Duration, Validations
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from ml_constructs._checks import check_given, check_offers, check_seconds, check_type, check_whole, is_token
from ml_constructs._environment import check_account, check_region
from ml_constructs.encryption import EncryptionKey
from ml_constructs.front_ends._function import (
    CONCURRENCY,
    LONGEST_READ_SECONDS,
    MEMORY_MIB,
    allow_calls,
    endpoint_environment,
    runtime_function,
)
from ml_constructs.interfaces.component import IInferenceComponent
from ml_constructs.interfaces.endpoint import IEndpoint
from ml_constructs.interfaces.shared_endpoint import ISharedEndpoint
from ml_constructs.network.inference_network import InferenceNetwork

# https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html; below 5 seconds no retry would fit
TIMEOUT_SECONDS: Final = (5, 900)

# One connection attempt for each of three zones, and time to answer.
_RESERVE_SECONDS: Final = 4
_READ_SECONDS_OF_TOKEN: Final = 24

_SYNCHRONOUS: Final = (
    "The function answers synchronous callers only: the caller is told of each failure and keeps its request. A queue "
    "for failed events would stay empty, because Lambda fills it from asynchronous invocations alone."
)


class FunctionFrontEnd(Construct):
    """A Lambda function that serves one endpoint to synchronous callers, behind an alias.

    Its role may invoke that endpoint and no other. Callers use the alias, which a deployment moves to the new version
    when that is ready.

    Args:
        scope: The parent construct.
        construct_id: The id in `scope`.
        endpoint: The endpoint to call; not an asynchronous one, which answers nobody who waits.
        component: The inference component to call on it, required for a shared endpoint. Default: none.
        network: Runs the function in these subnets, with a security group that reaches only the interface endpoints.
            Default: no VPC; the function reaches the endpoint over the network of AWS.
        encryption_key: Encrypts environment and logs. Default: a new `EncryptionKey`.
        timeout: How long a request may take, 5 to 900 whole seconds. The function waits 4 seconds less than that, and
            at most 70, for the model. Default: 28 seconds, just below the limit of a REST API.
        memory_size: Memory in MiB, 128 to 32,768 as far as the account's quota allows; CPU grows with it.
            Default: 512.
        reserved_concurrency: How many requests run at once, and how much of the account's concurrency is set aside for
            them. 0 stops the function; None reserves and limits nothing. Default: 50.
        provisioned_concurrency: How many execution environments are kept warm, 1 to `reserved_concurrency`, at a cost
            per hour. Default: none.
        allow_target_variant: Whether callers may choose the variant. Default: False, the endpoint's weights decide.
        log_retention: How long logs are kept. Default: one year.

    Raises:
        ValueError: an argument is out of its range, or the endpoint is asynchronous.

    See https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint: IEndpoint,
        component: IInferenceComponent | None = None,
        network: InferenceNetwork | None = None,
        encryption_key: kms.IKey | None = None,
        timeout: Duration | None = None,
        memory_size: int = 512,
        reserved_concurrency: int | None = 50,
        provisioned_concurrency: int | None = None,
        allow_target_variant: bool = False,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_YEAR,
    ) -> None:
        check_type(IEndpoint, endpoint=endpoint)
        check_type((InferenceNetwork, NoneType), network=network)
        check_offers("key_arn", "a KMS key", encryption_key=encryption_key)
        check_type(bool, allow_target_variant=allow_target_variant)
        check_type(logs.RetentionDays, log_retention=log_retention)
        check_given(memory_size=memory_size)
        check_account(scope, endpoint=cast("Construct", endpoint), network=network)
        check_region(scope, encryption_key=encryption_key)
        check_seconds("timeout", timeout, *TIMEOUT_SECONDS)
        check_whole("memory_size", memory_size, *MEMORY_MIB, "MiB")
        check_whole("reserved_concurrency", reserved_concurrency, *CONCURRENCY)
        _check_provisioned(provisioned_concurrency, reserved_concurrency)
        _check_called(endpoint, component)
        super().__init__(scope, construct_id)
        # Without it, a change of what no version contains, such as tags or reserved concurrency, would publish a
        # version that Lambda refuses as equal to the last one.
        self.node.set_context("@aws-cdk/aws-lambda:recognizeVersionProps", value=True)
        self.endpoint: Final = endpoint
        self.component: Final = component
        self.timeout: Final = Duration.seconds(28) if timeout is None else timeout
        self.encryption_key: Final = EncryptionKey(self, "Key") if encryption_key is None else encryption_key
        read = _READ_SECONDS_OF_TOKEN
        if not is_token(self.timeout):
            read = min(int(self.timeout.to_seconds()) - _RESERVE_SECONDS, LONGEST_READ_SECONDS)
        made = runtime_function(
            self,
            packages=["invoke_endpoint"],
            handler="invoke_endpoint.handler.handle",
            purpose="Invokes one SageMaker endpoint",
            description=f"Serves the endpoint behind {self.node.path}",
            environment={
                **endpoint_environment(endpoint, component, read_seconds=read),
                "ALLOW_TARGET_VARIANT": str(allow_target_variant).lower(),
            },
            encryption_key=self.encryption_key,
            network=network,
            timeout=self.timeout,
            memory_size=memory_size,
            reserved_concurrency=reserved_concurrency,
            log_retention=log_retention,
        )
        allow_calls(endpoint, component, policy=made.policy, network=network)
        self.function: Final = made.function
        self.role: Final = made.role
        self.log_group: Final = made.log_group
        self.security_group: Final = made.security_group
        Validations.of(self.function).acknowledge(
            Acknowledgment(id="NIST.800.53.R5-LambdaDLQ", reason=_SYNCHRONOUS),
            Acknowledgment(id="Serverless-LambdaDLQ", reason=_SYNCHRONOUS),
        )
        self.alias: Final = lambda_.Alias(
            self,
            "Alias",
            alias_name="live",
            version=self.function.current_version,
            provisioned_concurrent_executions=provisioned_concurrency,
        )

    def grant_execute(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee`, of this account, invoke the alias, and no other version of the function."""
        return iam.Grant.add_to_principal(
            grantee=grantee, actions=["lambda:InvokeFunction"], resource_arns=[self.alias.function_arn]
        )

    def metric(self, metric_name: str, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401 - of cloudwatch.Metric
        """A metric of the alias, under its official name.

        See https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
        """
        return self.alias.metric(metric_name, **options)

    def metric_invocations(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Requests that ran. Statistic: Sum."""
        return self.metric("Invocations", **{"statistic": "Sum", **options})

    def metric_errors(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Requests that ended in an error of the function itself, e.g. a timeout. Statistic: Sum."""
        return self.metric("Errors", **{"statistic": "Sum", **options})

    def metric_throttles(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Requests refused because all reserved concurrency was in use. Statistic: Sum."""
        return self.metric("Throttles", **{"statistic": "Sum", **options})

    def metric_duration(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Time a request takes, in milliseconds. Statistic: p99."""
        return self.metric("Duration", **{"statistic": "p99", **options})

    def metric_concurrent_executions(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Requests that run at once. Statistic: Maximum."""
        return self.metric("ConcurrentExecutions", **{"statistic": "Maximum", **options})


def _check_provisioned(provisioned: int | None, reserved: int | None) -> None:
    check_whole("provisioned_concurrency", provisioned, 1, CONCURRENCY[1])
    if provisioned is None or reserved is None or is_token(provisioned) or is_token(reserved):
        return
    if provisioned > reserved:
        raise ValueError(
            f"provisioned_concurrency must be at most reserved_concurrency, which is {reserved:,}, got {provisioned:,}"
        )


def _check_called(endpoint: IEndpoint, component: IInferenceComponent | None) -> None:
    if endpoint.asynchronous:
        raise ValueError(
            "endpoint must answer callers that wait, which an asynchronous one does not: let callers send requests "
            f"themselves, by grant_invoke_async, got the asynchronous {endpoint.endpoint_name!r}"
        )
    check_type((IInferenceComponent, NoneType), component=component)
    if component is None and isinstance(endpoint, ISharedEndpoint):
        message = "component must be given for a shared endpoint, which answers no request without one, got None"
        raise ValueError(message)
    if component is not None and component.endpoint is not endpoint:
        raise ValueError(f"component must be on the endpoint, got {component.component_name!r} of another")
