"""A Lambda function in front of an endpoint: checks each request, calls the endpoint, and explains each failure."""

from __future__ import annotations

from collections.abc import Sequence
from types import NoneType
from typing import Any, Final, cast

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from ml_constructs._checks import (
    check_given,
    check_offers,
    check_pattern,
    check_seconds,
    check_type,
    check_whole,
    is_token,
)
from ml_constructs._environment import check_account, check_region
from ml_constructs.encryption import EncryptionKey
from ml_constructs.front_ends._called import check_called
from ml_constructs.front_ends._counted import NAMESPACE
from ml_constructs.front_ends.functions._function import (
    CONCURRENCY,
    LONGEST_READ_SECONDS,
    MEMORY_MIB,
    acknowledge_synchronous,
    allow_calls,
    endpoint_environment,
    runtime_function,
)
from ml_constructs.front_ends.functions._targets import target_choices
from ml_constructs.front_ends.functions.function_scaling import FunctionScaling
from ml_constructs.interfaces.component import IInferenceComponent
from ml_constructs.interfaces.endpoint import IEndpoint
from ml_constructs.network.inference_network import InferenceNetwork
from ml_constructs.permissions import Permission, grant

# https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html; below 5 seconds no retry would fit
TIMEOUT_SECONDS: Final = (5, 900)

# Started instead of the runtime's own loop: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-modify.html
_WRAPPER: Final = "/var/task/stream_endpoint/bootstrap"
# One connection attempt for each of three zones, and time to answer.
_RESERVE_SECONDS: Final = 4
_READ_SECONDS_OF_TOKEN: Final = 24


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
        snap_start: Whether new execution environments start from a snapshot of a started one, at a price for the
            snapshot and each start; not with `provisioned_concurrency` or `streaming`. Default: False.
        streaming: Whether answers are passed on as the model sends them, which needs a model that streams and callers
            that read streams. Default: False, an answer is returned as a whole.
        allow_target_variant: Whether callers may choose the variant. Default: False, the endpoint's weights decide.
        target_models: On a multi-model endpoint, the models that callers may choose, `*` and `?` are wildcards, e.g.
            `tenant-a/*`; each request must then name one. Not with `streaming`, for which AWS has no such request.
            Default: none, for an endpoint of one model.
        target_containers: With direct invocation, the hostnames of the containers that callers may choose, in the same
            way. Default: none.
        allow_explanations: Whether callers may turn explanations on or off by `EnableExplanations`; not with
            `streaming`. Default: False, the endpoint's configuration decides.
        log_retention: How long logs are kept. Default: one year.

    Raises:
        ValueError: an argument is out of its range, two exclude each other, or the endpoint is asynchronous.

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
        snap_start: bool = False,
        streaming: bool = False,
        allow_target_variant: bool = False,
        target_models: Sequence[str] | None = None,
        target_containers: Sequence[str] | None = None,
        allow_explanations: bool = False,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_YEAR,
    ) -> None:
        check_type(IEndpoint, endpoint=endpoint)
        check_type((InferenceNetwork, NoneType), network=network)
        check_offers("key_arn", "a KMS key", encryption_key=encryption_key)
        check_type(bool, snap_start=snap_start, streaming=streaming)
        check_type(bool, allow_target_variant=allow_target_variant, allow_explanations=allow_explanations)
        check_type(logs.RetentionDays, log_retention=log_retention)
        check_given(memory_size=memory_size)
        check_account(scope, endpoint=cast("Construct", endpoint), network=network)
        check_region(scope, encryption_key=encryption_key)
        check_seconds("timeout", timeout, *TIMEOUT_SECONDS)
        check_whole("memory_size", memory_size, *MEMORY_MIB, "MiB")
        check_whole("reserved_concurrency", reserved_concurrency, *CONCURRENCY)
        _check_provisioned(provisioned_concurrency, reserved_concurrency)
        check_called(endpoint, component)
        choices = target_choices(target_models, target_containers, component)
        _check_exclusive(
            snap_start=snap_start,
            streaming=streaming,
            provisioned_concurrency=provisioned_concurrency,
            target_models=target_models,
            allow_explanations=allow_explanations,
        )
        super().__init__(scope, construct_id)
        # Without it, a change of what no version contains, such as tags or reserved concurrency, would publish a
        # version that Lambda refuses as equal to the last one.
        self.node.set_context("@aws-cdk/aws-lambda:recognizeVersionProps", value=True)
        self.endpoint: Final = endpoint
        self.component: Final = component
        self.streaming: Final = streaming
        self.reserved_concurrency: Final = reserved_concurrency
        self.timeout: Final = Duration.seconds(28) if timeout is None else timeout
        self.encryption_key: Final = EncryptionKey(self, "Key") if encryption_key is None else encryption_key
        read = _READ_SECONDS_OF_TOKEN
        if not is_token(self.timeout):
            read = min(int(self.timeout.to_seconds()) - _RESERVE_SECONDS, LONGEST_READ_SECONDS)
        made = runtime_function(
            self,
            packages=["invoke_endpoint", *(["stream_endpoint"] if streaming else [])],
            handler="invoke_endpoint.handler.handle",
            purpose="Invokes one SageMaker endpoint",
            description=f"Serves the endpoint behind {self.node.path}",
            environment={
                **endpoint_environment(endpoint, component, read_seconds=read),
                "ALLOW_TARGET_VARIANT": str(allow_target_variant).lower(),
                **choices,
                **({"ALLOW_EXPLANATIONS": "true"} if allow_explanations else {}),
                **({"AWS_LAMBDA_EXEC_WRAPPER": _WRAPPER} if streaming else {}),
            },
            encryption_key=self.encryption_key,
            network=network,
            timeout=self.timeout,
            memory_size=memory_size,
            reserved_concurrency=reserved_concurrency,
            log_retention=log_retention,
        )
        allow_calls(
            endpoint,
            component,
            policy=made.policy,
            network=network,
            target_models=target_models,
            target_containers=target_containers,
            streaming=streaming,
        )
        if snap_start:
            resource = cast("lambda_.CfnFunction", made.function.node.default_child)
            resource.snap_start = lambda_.CfnFunction.SnapStartProperty(apply_on="PublishedVersions")
        self.function: Final = made.function
        self.role: Final = made.role
        self.log_group: Final = made.log_group
        self.security_group: Final = made.security_group
        acknowledge_synchronous(self.function)
        self.alias: Final = lambda_.Alias(
            self,
            "Alias",
            alias_name="live",
            version=self.function.current_version,
            provisioned_concurrent_executions=provisioned_concurrency,
        )
        self._provisioned = provisioned_concurrency
        self._snap_start = snap_start

    def auto_scale(self, *, min_capacity: int = 1, max_capacity: int) -> FunctionScaling:
        """Let the alias's provisioned concurrency scale; call it once, and then verbs on what it returns.

        Args:
            min_capacity: The least provisioned concurrency, 1 or more. Default: 1.
            max_capacity: The largest, at least `min_capacity` and at most `reserved_concurrency`.

        Raises:
            ValueError: a capacity is out of its range, `provisioned_concurrency` is not between the two, the function
                starts from snapshots, or this is the second call.
        """
        if self._snap_start:
            message = "auto_scale must not be called with snap_start, which excludes provisioned concurrency, got both"
            raise ValueError(message)
        if self.node.try_find_child("Scaling") is not None:
            message = "auto_scale must be called once, since the alias has one range, got a second call"
            raise ValueError(message)
        return FunctionScaling(
            self,
            "Scaling",
            alias=self.alias,
            provisioned_concurrency=self._provisioned,
            reserved_concurrency=self.reserved_concurrency,
            min_capacity=min_capacity,
            max_capacity=max_capacity,
        )

    def grant_execute(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee`, of this account, invoke the alias, and no other version of the function."""
        invoke = Permission(actions=["lambda:InvokeFunction"], resources=[self.alias.function_arn])
        return grant(self, grantee, invoke)

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

    def metric_provisioned_concurrency_utilization(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Share of the provisioned concurrency that is in use, 1 is all. Statistic: Maximum."""
        return self.metric("ProvisionedConcurrencyUtilization", **{"statistic": "Maximum", **options})

    def metric_failures(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Requests answered with 5XX, or broken off. Statistic: Sum; Average is the share of all requests."""
        return self._own_metric("Failures", **options)

    def metric_refusals(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Requests answered with 4XX. Statistic: Sum; Average is the share of all requests."""
        return self._own_metric("Refusals", **options)

    def metric_problems(self, kind: str, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Requests that ended in one kind of problem, e.g. `throttled`. Statistic: Sum.

        Args:
            kind: A kind of docs/guides/runtime.md.
            options: Further arguments of `cloudwatch.Metric`.
        """
        check_type(str, kind=kind)
        check_pattern("kind", kind, "[a-z]+(-[a-z]+)*", "a kind of problem, lower-case words with hyphens")
        return self._own_metric("Problems", {"Problem": kind}, **options)

    def metric_time_to_first_byte(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """With `streaming`: time until the model's first part, in milliseconds. Statistic: p99."""
        return self._own_metric("TimeToFirstByte", **{"statistic": "p99", **options})

    def _own_metric(self, name: str, further: dict[str, str] | None = None, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        dimensions = {"EndpointName": self.endpoint.endpoint_name, "FunctionName": self.function.function_name}
        return cloudwatch.Metric(
            namespace=NAMESPACE,
            metric_name=name,
            dimensions_map={**dimensions, **(further or {})},
            **{"statistic": "Sum", **options},
        )


def _check_exclusive(
    *,
    snap_start: bool,
    streaming: bool,
    provisioned_concurrency: int | None,
    target_models: Sequence[str] | None,
    allow_explanations: bool,
) -> None:
    """SnapStart: https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html."""
    if snap_start and provisioned_concurrency is not None:
        raise ValueError(
            "provisioned_concurrency must not be given with snap_start, which excludes it, "
            f"got {provisioned_concurrency!r}"
        )
    if snap_start and streaming:
        message = "snap_start must not be True with streaming, whose own loop Lambda cannot restore, got both"
        raise ValueError(message)
    if streaming and target_models is not None:
        raise ValueError(
            f"target_models must not be given with streaming, since AWS streams from no multi-model endpoint by "
            f"TargetModel, got {target_models!r}"
        )
    if streaming and allow_explanations:
        message = "allow_explanations must not be True with streaming, since AWS streams no explanations, got both"
        raise ValueError(message)


def _check_provisioned(provisioned: int | None, reserved: int | None) -> None:
    check_whole("provisioned_concurrency", provisioned, 1, CONCURRENCY[1])
    if provisioned is None or reserved is None or is_token(provisioned) or is_token(reserved):
        return
    if provisioned > reserved:
        raise ValueError(
            f"provisioned_concurrency must be at most reserved_concurrency, which is {reserved:,}, got {provisioned:,}"
        )
