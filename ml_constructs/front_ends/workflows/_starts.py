"""What starts executions of a workflow: messages of a queue, and events of a bus."""

from __future__ import annotations

from aws_cdk import Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_pipes as pipes
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as stepfunctions
from constructs import Construct

from ml_constructs.front_ends._events import take_events
from ml_constructs.permissions import Permission, allow, use_key


def starting(state_machine_arn: str) -> Permission:
    """Start executions, whose data Step Functions encrypts as the state machine's own role.

    https://docs.aws.amazon.com/step-functions/latest/dg/encryption-at-rest.html: callers need no permission of the key.
    """
    return Permission(actions=["states:StartExecution"], resources=[state_machine_arn])


def start_on_messages(
    scope: Construct, *, queue: sqs.Queue, key: kms.IKey, state_machine: stepfunctions.CfnStateMachine
) -> pipes.CfnPipe:
    """Start an execution for each message, by a pipe.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-sqs.html
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-permissions.html#pipes-perms-sqs
    """
    role = _role(scope, "PipeRole", "pipes.amazonaws.com", "Starts an execution for each message")
    read = Permission(
        actions=["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"], resources=[queue.queue_arn]
    )
    arn = state_machine.ref
    policy = allow(scope, "PipePolicy", role, [read, *use_key(scope, key, "sqs", "kms:Decrypt"), starting(arn)])
    pipe = pipes.CfnPipe(
        scope,
        "Pipe",
        role_arn=role.role_arn,
        source=queue.queue_arn,
        source_parameters=pipes.CfnPipe.PipeSourceParametersProperty(
            sqs_queue_parameters=pipes.CfnPipe.PipeSourceSqsQueueParametersProperty(batch_size=1)
        ),
        target=arn,
        target_parameters=pipes.CfnPipe.PipeTargetParametersProperty(
            step_function_state_machine_parameters=pipes.CfnPipe.PipeTargetStateMachineParametersProperty(
                invocation_type="FIRE_AND_FORGET"
            )
        ),
    )
    pipe.node.add_dependency(policy)
    return pipe


def start_on_events(
    scope: Construct,
    construct_id: str,
    *,
    event_pattern: events.EventPattern,
    event_bus: events.IEventBus | None,
    key: kms.IKey,
    state_machine: stepfunctions.CfnStateMachine,
    dead_letters: sqs.Queue,
) -> events.Rule:
    """Start an execution for each event, by a rule.

    On the rule's L1, because the target of the L2 has a role of its own, with inline policies.
    """
    role = _role(scope, f"{construct_id}Role", "events.amazonaws.com", "Starts an execution for each event")
    policy = allow(scope, f"{construct_id}Policy", role, [starting(state_machine.ref)])
    rule = events.Rule(
        scope,
        construct_id,
        description=f"Requests for {scope.node.path}"[:512],
        event_pattern=event_pattern,
        event_bus=event_bus,
    )
    resource = rule.node.default_child
    assert isinstance(resource, events.CfnRule)  # noqa: S101 - narrows the type of an L2's own child
    resource.targets = [
        events.CfnRule.TargetProperty(
            id="StateMachine",
            arn=state_machine.ref,
            role_arn=role.role_arn,
            input_transformer=events.CfnRule.InputTransformerProperty(
                input_paths_map={"detail": "$.detail"}, input_template='{"body": <detail>}'
            ),
            dead_letter_config=events.CfnRule.DeadLetterConfigProperty(arn=dead_letters.queue_arn),
        )
    ]
    resource.node.add_dependency(policy)
    take_events(dead_letters, key, resource)
    return rule


def _role(scope: Construct, construct_id: str, service: str, description: str) -> iam.Role:
    principal = iam.ServicePrincipal(
        service, conditions={"StringEquals": {"aws:SourceAccount": Stack.of(scope).account}}
    )
    return iam.Role(scope, construct_id, assumed_by=principal, description=description)
