"""The state machine of a workflow, with its role and its log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aws_cdk import Fn, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as stepfunctions
from constructs import Construct

from ml_constructs._environment import environment_of, outermost_stack
from ml_constructs.front_ends._logs import log_group
from ml_constructs.permissions import NO_RESOURCE, Permission, allow

_LOGS: Final = "/aws/vendedlogs/states/"  # https://docs.aws.amazon.com/step-functions/latest/dg/bp-cwl.html


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A state machine and what belongs to it."""

    state_machine: stepfunctions.CfnStateMachine
    role: iam.Role
    policy: iam.ManagedPolicy
    log_group: logs.LogGroup


def arn_of_machine(scope: Construct, name: str) -> str:
    """The ARN of a state machine of this account and region."""
    return environment_of(scope).arn("states", f"stateMachine:{name}")


def workflow_machine(
    scope: Construct,
    *,
    name: str,
    log_name: str,
    definition: Mapping[str, Any],
    express: bool,
    key: kms.IKey,
    log_retention: logs.RetentionDays,
    permissions: Sequence[Permission],
) -> Machine:
    """Create the state machine as children of `scope`: Logs, Role, Policy and StateMachine.

    Args:
        scope: The front end.
        name: Its name, literal, so that the policy can name it before it exists.
        log_name: Tells its log from others of the stack.
        definition: What it does.
        express: Whether its executions are Express ones.
        key: Encrypts definition, executions and log.
        log_retention: How long its log is kept.
        permissions: What it does, beside logging, tracing and encrypting.
    """
    arn = arn_of_machine(scope, name)
    log = _log(scope, log_name, key, log_retention)
    principal = iam.ServicePrincipal(
        "states.amazonaws.com",
        conditions={
            "ArnLike": {"aws:SourceArn": arn},
            "StringEquals": {"aws:SourceAccount": Stack.of(scope).account},
        },
    )
    role = iam.Role(scope, "Role", assumed_by=principal, description="Calls one SageMaker endpoint")
    policy = allow(scope, "Policy", role, [*_basics(scope, key, arn), *permissions])
    config = stepfunctions.CfnStateMachine
    group = config.CloudWatchLogsLogGroupProperty(log_group_arn=log.log_group_arn)
    machine = config(
        scope,
        "StateMachine",
        state_machine_name=name,
        state_machine_type="EXPRESS" if express else "STANDARD",
        role_arn=role.role_arn,
        definition_string=Stack.of(scope).to_json_string(definition),
        # All events, but no data: a log of errors alone does not tell what came before.
        logging_configuration=config.LoggingConfigurationProperty(
            level="ALL",
            include_execution_data=False,
            destinations=[config.LogDestinationProperty(cloud_watch_logs_log_group=group)],
        ),
        tracing_configuration=config.TracingConfigurationProperty(enabled=True),
        encryption_configuration=config.EncryptionConfigurationProperty(
            type="CUSTOMER_MANAGED_KMS_KEY", kms_key_id=key.key_arn
        ),
    )
    machine.node.add_dependency(policy)
    return Machine(state_machine=machine, role=role, policy=policy, log_group=log)


def _log(scope: Construct, name: str, key: kms.IKey, retention: logs.RetentionDays) -> logs.LogGroup:
    """The log group, below a prefix that keeps the account's policy for deliveries short.

    The stack's id makes its name another one each time that the stack is made anew.
    """
    names = f"{_LOGS}{outermost_stack(scope).stack_name}-"
    unique = Fn.select(2, Fn.split("/", Stack.of(scope).stack_id))
    # Who delivers the log decrypts it, https://docs.aws.amazon.com/step-functions/latest/dg/encryption-at-rest.html: by
    # the context with which it was encrypted, since AWS does not document that these calls tell their source.
    key.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal("delivery.logs.amazonaws.com")],
            actions=["kms:Decrypt"],
            resources=["*"],  # in a key policy: this key
            conditions=_every_log(scope),
        )
    )
    return log_group(scope, "Logs", key, retention, name=f"{names}{name}{unique}", admitted=f"{names}*")


def _basics(scope: Construct, key: kms.IKey, arn: str) -> list[Permission]:
    """Log, trace and encrypt.

    https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
    https://docs.aws.amazon.com/step-functions/latest/dg/concepts-xray-tracing.html
    """
    own = {"StringEquals": {"kms:EncryptionContext:aws:states:stateMachineArn": arn}}
    return [
        Permission(
            actions=[
                "logs:CreateLogDelivery",
                "logs:DeleteLogDelivery",
                "logs:DescribeLogGroups",
                "logs:DescribeResourcePolicies",
                "logs:GetLogDelivery",
                "logs:ListLogDeliveries",
                "logs:PutResourcePolicy",
                "logs:UpdateLogDelivery",
                "xray:GetSamplingRules",
                "xray:GetSamplingTargets",
                "xray:PutTelemetryRecords",
                "xray:PutTraceSegments",
            ],
            resources=["*"],
            wildcard=NO_RESOURCE,
        ),
        Permission(actions=["kms:GenerateDataKey"], resources=[key.key_arn], conditions=_every_log(scope)),
        Permission(actions=["kms:Decrypt", "kms:GenerateDataKey"], resources=[key.key_arn], conditions=own),
    ]


def _every_log(scope: Construct) -> dict[str, dict[str, object]]:
    """The encryption context of what Step Functions logs."""
    return {"StringEquals": {"kms:EncryptionContext:SourceArn": environment_of(scope).arn("logs", "*")}}
