"""What every Lambda function of a front end has: a role of its own, an encrypted log, tracing, a place in a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from aws_cdk import Acknowledgment, ArnFormat, Duration, Stack, Validations
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from ml_constructs.front_ends._logs import log_group
from ml_constructs.front_ends._queues import FAILURES_KEPT
from ml_constructs.front_ends.functions._code import function_code
from ml_constructs.interfaces.component import IInferenceComponent
from ml_constructs.interfaces.endpoint import IEndpoint
from ml_constructs.network.inference_network import InferenceNetwork, security_group_description
from ml_constructs.permissions import INTERFACES, LOG_STREAMS, NO_RESOURCE, Permission, allow

# https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
MEMORY_MIB: Final = (128, 32_768)
# https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionConcurrency.html: an account's quota is the real limit
CONCURRENCY: Final = (0, 2_147_483_647)
# Body of https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
MAX_BODY_BYTES: Final = 6_291_456
# https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints-invoke.html
MAX_SERVERLESS_BODY_BYTES: Final = 4_194_304
# A model has 60 seconds; AWS advises clients to wait for 70:
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
LONGEST_READ_SECONDS: Final = 70

_INVOKE: Final = "sagemaker:InvokeEndpoint"
_CONNECT_SECONDS: Final = 1
_ATTEMPTS: Final = 3


@dataclass(frozen=True, kw_only=True)
class RuntimeFunction:
    """A function and what belongs to it."""

    function: lambda_.Function
    role: iam.Role
    policy: iam.ManagedPolicy
    log_group: logs.LogGroup
    security_group: ec2.SecurityGroup | None


def runtime_function(
    scope: Construct,
    *,
    packages: Sequence[str],
    handler: str,
    purpose: str,
    description: str,
    environment: Mapping[str, str],
    encryption_key: kms.IKey,
    network: InferenceNetwork | None,
    timeout: Duration,
    memory_size: int,
    reserved_concurrency: int | None,
    log_retention: logs.RetentionDays,
    permissions: Sequence[Permission] = (),
    layers: Sequence[lambda_.ILayerVersion] = (),
    gateways: bool = False,
) -> RuntimeFunction:
    """Create the function as children of `scope`: Logs, SecurityGroup, Role, Policy and Function.

    Args:
        scope: The front end.
        packages: The runtime packages that the function runs.
        handler: Its handler, e.g. `invoke_endpoint.handler.handle`.
        purpose: What the role is for, as its description.
        description: What the function is for.
        environment: Its variables.
        encryption_key: Encrypts variables and logs.
        network: Its subnets. Default of the front ends: none.
        timeout: How long one invocation may take.
        memory_size: MiB.
        reserved_concurrency: How many invocations run at once.
        log_retention: How long logs are kept.
        permissions: What the role may do beyond logs, traces and the key.
        layers: Lambda layers. Default: none.
        gateways: Whether the function reaches S3 and what else has a gateway endpoint. Default: no.
    """
    log = log_group(scope, "Logs", encryption_key, log_retention)
    group = None
    if network is not None:
        group = network.create_security_group(
            scope,
            "SecurityGroup",
            description=security_group_description(f"Function of {scope.node.path}"),
            s3=gateways,
        )
    role = iam.Role(scope, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"), description=purpose)
    policy = _policy(scope, role, log, encryption_key, permissions, in_network=network is not None)
    function = lambda_.Function(
        scope,
        "Function",
        description=description[:256],
        runtime=lambda_.Runtime.PYTHON_3_14,
        architecture=lambda_.Architecture.ARM_64,
        code=function_code(*packages),
        handler=handler,
        timeout=timeout,
        memory_size=memory_size,
        reserved_concurrent_executions=reserved_concurrency,
        role=role.without_policy_updates(),
        environment=dict(environment),
        environment_encryption=encryption_key,
        layers=list(layers) or None,
        log_group=log,
        logging_format=lambda_.LoggingFormat.JSON,
        application_log_level_v2=lambda_.ApplicationLogLevel.INFO,
        system_log_level_v2=lambda_.SystemLogLevel.INFO,
        tracing=lambda_.Tracing.ACTIVE,
        vpc=None if network is None else network.vpc,
        vpc_subnets=None if network is None else network.subnet_selection,
        security_groups=None if group is None else [group],
    )
    # Lambda tries the role's permissions when it creates the function, and needs them until it has deleted it.
    function.node.add_dependency(policy)
    return RuntimeFunction(function=function, role=role, policy=policy, log_group=log, security_group=group)


def acknowledge_synchronous(function: lambda_.Function) -> None:
    """Acknowledge that a function has no queue for failed events, because each of its callers waits for the answer.

    So does an event source mapping, https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html
    """
    Validations.of(function).acknowledge(
        *(
            Acknowledgment(id=f"{pack}-LambdaDLQ", reason=FAILURES_KEPT)
            for pack in ("HIPAA.Security", "NIST.800.53.R5", "Serverless")
        )
    )


def endpoint_environment(
    endpoint: IEndpoint, component: IInferenceComponent | None, *, read_seconds: int
) -> dict[str, str]:
    """The variables from which the runtime code knows whom to call, and how long to wait."""
    return {
        "ENDPOINT_NAME": endpoint.endpoint_name,
        **({} if component is None else {"INFERENCE_COMPONENT_NAME": component.component_name}),
        "CONNECT_TIMEOUT_SECONDS": str(_CONNECT_SECONDS),
        "READ_TIMEOUT_SECONDS": str(read_seconds),
        "MAX_ATTEMPTS": str(_ATTEMPTS),
        "MAX_BODY_BYTES": str(MAX_SERVERLESS_BODY_BYTES if endpoint.serverless else MAX_BODY_BYTES),
    }


def allow_calls(
    endpoint: IEndpoint,
    component: IInferenceComponent | None,
    *,
    policy: iam.ManagedPolicy,
    network: InferenceNetwork | None,
    target_models: Sequence[str] | None = None,
    target_containers: Sequence[str] | None = None,
    streaming: bool = False,
) -> None:
    """Let the function's role, and its network, call this endpoint, or this component of it.

    AWS documents `sagemaker:InvokeEndpoint` for streamed answers, too, and has an action of their own beside it, which
    policies of its own name: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html
    """
    arns = [endpoint.endpoint_arn, *([] if component is None else [component.component_arn])]
    actions = [_INVOKE, *([f"{_INVOKE}WithResponseStream"] if streaming else [])]
    if component is None:
        endpoint.grant_invoke(policy, target_models=target_models, target_containers=target_containers)
    else:
        component.grant_invoke(policy)
    for action in actions[1:]:
        conditions: dict[str, dict[str, object]] = {}
        if target_containers is not None:
            conditions = {"StringLike": {"sagemaker:TargetContainerHostname": list(target_containers)}}
        policy.add_statements(Permission(actions=[action], resources=arns, conditions=conditions).statement())
    if network is not None:
        for arn in arns:
            network.allow_invoke(arn, *actions)


def _policy(
    scope: Construct,
    role: iam.Role,
    log: logs.LogGroup,
    key: kms.IKey,
    permissions: Sequence[Permission],
    *,
    in_network: bool,
) -> iam.ManagedPolicy:
    basics = [
        Permission(
            actions=["logs:CreateLogStream", "logs:PutLogEvents"],
            resources=[log.log_group_arn],
            wildcard=LOG_STREAMS,
        ),
        Permission(
            actions=["xray:PutTelemetryRecords", "xray:PutTraceSegments"],
            resources=["*"],
            wildcard=NO_RESOURCE,
        ),
        Permission(actions=["kms:Decrypt"], resources=[key.key_arn]),
    ]
    interfaces = _interface_permissions(scope) if in_network else []
    policy = allow(scope, "Policy", role, [*basics, *permissions, *interfaces])
    if interfaces:
        policy.add_statements(_deny_interfaces_to_code(scope, interfaces))
    return policy


def _interface_permissions(scope: Construct) -> list[Permission]:
    """What Lambda itself does with the role, https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html."""
    return [
        Permission(
            actions=[
                "ec2:AssignPrivateIpAddresses",
                "ec2:CreateNetworkInterface",
                "ec2:DeleteNetworkInterface",
                "ec2:UnassignPrivateIpAddresses",
            ],
            resources=[Stack.of(scope).format_arn(service="ec2", resource="*", resource_name="*")],
            wildcard=INTERFACES,
        ),
        Permission(
            actions=["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"],
            resources=["*"],
            wildcard=NO_RESOURCE,
        ),
    ]


def _deny_interfaces_to_code(scope: Construct, permissions: list[Permission]) -> iam.PolicyStatement:
    """Calls of the code carry the function's ARN; those that Lambda makes to EC2 do not.

    See https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html
    """
    functions = Stack.of(scope).format_arn(
        service="lambda", resource="function", resource_name="*", arn_format=ArnFormat.COLON_RESOURCE_NAME
    )
    return iam.PolicyStatement(
        effect=iam.Effect.DENY,
        actions=[action for permission in permissions for action in permission.actions],
        resources=["*"],
        conditions={"ArnLike": {"lambda:SourceFunctionArn": functions}},
    )
