"""A Lambda function in front of an endpoint: checks each request, calls the endpoint, and explains each failure."""

from __future__ import annotations

from types import NoneType
from typing import Any, Final, cast

from aws_cdk import Acknowledgment, ArnFormat, Duration, Stack, Validations
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from ml_constructs._checks import check_given, check_offers, check_seconds, check_type, check_whole, is_token
from ml_constructs._environment import check_account, check_region
from ml_constructs.encryption import EncryptionKey
from ml_constructs.front_ends._code import function_code
from ml_constructs.front_ends._logs import log_group
from ml_constructs.interfaces.component import IInferenceComponent
from ml_constructs.interfaces.endpoint import IEndpoint
from ml_constructs.interfaces.shared_endpoint import ISharedEndpoint
from ml_constructs.network.inference_network import InferenceNetwork, security_group_description
from ml_constructs.permissions import Permission, allow

# https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html; below 5 seconds no retry would fit
TIMEOUT_SECONDS: Final = (5, 900)
# https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
MEMORY_MIB: Final = (128, 32_768)
# https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionConcurrency.html: an account's quota is the real limit
CONCURRENCY: Final = (0, 2_147_483_647)
# Body of https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
MAX_BODY_BYTES: Final = 6_291_456
# https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints-invoke.html
MAX_SERVERLESS_BODY_BYTES: Final = 4_194_304

_CONNECT_SECONDS: Final = 1
_ATTEMPTS: Final = 3
# One connection attempt for each of three zones, and time to answer.
_RESERVE_SECONDS: Final = 4
# A model has 60 seconds; AWS advises clients to wait for 70:
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
_LONGEST_READ_SECONDS: Final = 70
_READ_SECONDS_OF_TOKEN: Final = 24

_SYNCHRONOUS: Final = (
    "The function answers synchronous callers only: the caller is told of each failure and keeps its request. A queue "
    "for failed events would stay empty, because Lambda fills it from asynchronous invocations alone."
)
# One finding covers both statements.
_NO_RESOURCE: Final = (
    "X-Ray defines no resource for PutTraceSegments and PutTelemetryRecords, nor EC2 for DescribeNetworkInterfaces and "
    "DescribeSubnets, which Lambda needs in a VPC."
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
        self.log_group: Final = log_group(self, "Logs", self.encryption_key, log_retention)
        self.security_group: Final = _security_group(self, network)
        self.role: Final = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description="Invokes one SageMaker endpoint",
        )
        policy = _policy(self)
        self.function: Final = lambda_.Function(
            self,
            "Function",
            description=f"Serves the endpoint behind {self.node.path}"[:256],
            runtime=lambda_.Runtime.PYTHON_3_14,
            architecture=lambda_.Architecture.ARM_64,
            code=function_code("invoke_endpoint"),
            handler="invoke_endpoint.handler.handle",
            timeout=self.timeout,
            memory_size=memory_size,
            reserved_concurrent_executions=reserved_concurrency,
            role=self.role.without_policy_updates(),
            environment=_environment(self, allow_target_variant=allow_target_variant),
            environment_encryption=self.encryption_key,
            log_group=self.log_group,
            logging_format=lambda_.LoggingFormat.JSON,
            application_log_level_v2=lambda_.ApplicationLogLevel.INFO,
            system_log_level_v2=lambda_.SystemLogLevel.INFO,
            tracing=lambda_.Tracing.ACTIVE,
            vpc=None if network is None else network.vpc,
            vpc_subnets=None if network is None else network.subnet_selection,
            security_groups=None if self.security_group is None else [self.security_group],
        )
        # Lambda tries the role's permissions when it creates the function, and needs them until it has deleted it.
        self.function.node.add_dependency(policy)
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
        if network is not None:
            network.allow_invoke(endpoint.endpoint_arn)
            if component is not None:
                network.allow_invoke(component.component_arn)

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


def _security_group(front_end: FunctionFrontEnd, network: InferenceNetwork | None) -> ec2.SecurityGroup | None:
    if network is None:
        return None
    return network.create_security_group(
        front_end, "SecurityGroup", description=security_group_description(f"Function of {front_end.node.path}")
    )


def _environment(front_end: FunctionFrontEnd, *, allow_target_variant: bool) -> dict[str, str]:
    read = _READ_SECONDS_OF_TOKEN
    if not is_token(front_end.timeout):
        read = min(int(front_end.timeout.to_seconds()) - _RESERVE_SECONDS, _LONGEST_READ_SECONDS)
    component = front_end.component
    return {
        "ENDPOINT_NAME": front_end.endpoint.endpoint_name,
        **({} if component is None else {"INFERENCE_COMPONENT_NAME": component.component_name}),
        "CONNECT_TIMEOUT_SECONDS": str(_CONNECT_SECONDS),
        "READ_TIMEOUT_SECONDS": str(read),
        "MAX_ATTEMPTS": str(_ATTEMPTS),
        "MAX_BODY_BYTES": str(MAX_SERVERLESS_BODY_BYTES if front_end.endpoint.serverless else MAX_BODY_BYTES),
        "ALLOW_TARGET_VARIANT": str(allow_target_variant).lower(),
    }


def _policy(front_end: FunctionFrontEnd) -> iam.ManagedPolicy:
    permissions = [
        Permission(
            actions=["logs:CreateLogStream", "logs:PutLogEvents"],
            resources=[front_end.log_group.log_group_arn],
            wildcard="The log streams of this one log group, which Lambda names.",
        ),
        Permission(
            actions=["xray:PutTelemetryRecords", "xray:PutTraceSegments"],
            resources=["*"],
            wildcard=_NO_RESOURCE,
        ),
        Permission(actions=["kms:Decrypt"], resources=[front_end.encryption_key.key_arn]),
    ]
    interfaces = [] if front_end.security_group is None else _interface_permissions(front_end)
    policy = allow(front_end, "Policy", front_end.role, [*permissions, *interfaces])
    (front_end.endpoint if front_end.component is None else front_end.component).grant_invoke(policy)
    if interfaces:
        policy.add_statements(_deny_interfaces_to_code(front_end, interfaces))
    return policy


def _interface_permissions(front_end: FunctionFrontEnd) -> list[Permission]:
    """What Lambda itself does with the role, https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html."""
    return [
        Permission(
            actions=[
                "ec2:AssignPrivateIpAddresses",
                "ec2:CreateNetworkInterface",
                "ec2:DeleteNetworkInterface",
                "ec2:UnassignPrivateIpAddresses",
            ],
            resources=[Stack.of(front_end).format_arn(service="ec2", resource="*", resource_name="*")],
            wildcard="Lambda names the network interfaces it makes in the function's subnets, and requires permission "
            "for all of this account and region. A statement denies these actions to the function's own code.",
        ),
        Permission(
            actions=["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"],
            resources=["*"],
            wildcard=_NO_RESOURCE,
        ),
    ]


def _deny_interfaces_to_code(front_end: FunctionFrontEnd, permissions: list[Permission]) -> iam.PolicyStatement:
    """Calls of the code carry the function's ARN; those that Lambda makes to EC2 do not.

    See https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html
    """
    functions = Stack.of(front_end).format_arn(
        service="lambda", resource="function", resource_name="*", arn_format=ArnFormat.COLON_RESOURCE_NAME
    )
    return iam.PolicyStatement(
        effect=iam.Effect.DENY,
        actions=[action for permission in permissions for action in permission.actions],
        resources=["*"],
        conditions={"ArnLike": {"lambda:SourceFunctionArn": functions}},
    )
