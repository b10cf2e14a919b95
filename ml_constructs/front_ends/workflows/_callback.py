"""How the result of an asynchronous request comes back to the execution that waits for it.

The execution keeps its task token in a table, since neither the inference id, with 64 characters, nor the custom
attributes, with 1,024, hold one of up to 2,048. A function looks it up when a topic hears of the request.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskSuccess.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from ml_constructs.encryption import admit_service
from ml_constructs.front_ends._queues import sending
from ml_constructs.front_ends._results import reach
from ml_constructs.front_ends._tables import reach_tables, short_lived_table, using_table
from ml_constructs.front_ends.functions._function import runtime_function
from ml_constructs.network.inference_network import InferenceNetwork
from ml_constructs.permissions import Permission

_SNS: Final = "sns.amazonaws.com"
_TIMEOUT: Final = 30  # seconds
_MEMORY: Final = 256  # MiB
_CONCURRENCY: Final = 10


class Callback(Construct):
    """A table of task tokens, and a function that topics invoke.

    Args:
        scope: The front end.
        construct_id: The id in `scope`.
        topics: Those of the endpoint.
        identity: Begins the inference ids of the workflow; the function hears of no other request.
        state_machine_arn: The workflow.
        encryption_key: Encrypts the table, variables and logs.
        dead_letters: Takes the messages that the function could not process.
        network: The function's subnets, or None.
        log_retention: How long logs are kept.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        topics: Sequence[sns.ITopic],
        identity: str,
        state_machine_arn: str,
        encryption_key: kms.IKey,
        dead_letters: sqs.Queue,
        network: InferenceNetwork | None,
        log_retention: logs.RetentionDays,
    ) -> None:
        super().__init__(scope, construct_id)
        self.table: Final = short_lived_table(
            self, "Tokens", encryption_key, partition_key="inferenceId", time_to_live="expires"
        )
        made = runtime_function(
            self,
            packages=["resume_executions"],
            handler="resume_executions.handler.handle",
            purpose="Resumes executions of one state machine",
            description=f"Tells executions of {scope.node.path} of their results",
            environment={"TOKENS_TABLE": self.table.table_name},
            encryption_key=encryption_key,
            network=network,
            timeout=Duration.seconds(_TIMEOUT),
            memory_size=_MEMORY,
            reserved_concurrency=_CONCURRENCY,
            log_retention=log_retention,
            permissions=[
                *using_table(self, self.table, encryption_key, "dynamodb:GetItem"),
                Permission(actions=["states:SendTaskFailure", "states:SendTaskSuccess"], resources=[state_machine_arn]),
                *sending(self, dead_letters, encryption_key),
            ],
        )
        self.function: Final = made.function
        self.role: Final = made.role
        self.log_group: Final = made.log_group
        self.security_group: Final = made.security_group
        resource = self.function.node.default_child
        assert isinstance(resource, lambda_.CfnFunction)  # noqa: S101 - narrows the type of an L2's own child
        # On the L1, because the L2 would extend the role's policy.
        resource.dead_letter_config = lambda_.CfnFunction.DeadLetterConfigProperty(target_arn=dead_letters.queue_arn)
        if network is not None and made.security_group is not None:
            reach_tables(network, made.security_group)
            reach(network, ec2.InterfaceVpcEndpointAwsService.STEP_FUNCTIONS)
        different = {id(topic): topic for topic in topics}
        for number, topic in enumerate(different.values(), start=1):
            self._hear(f"Topic{number}", topic, identity, dead_letters)
        # https://docs.aws.amazon.com/sns/latest/dg/sns-configure-dead-letter-queue.html
        admit_service(self, encryption_key, _SNS, "kms:Decrypt", "kms:GenerateDataKey")
        dead_letters.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal(_SNS)],
                actions=["sqs:SendMessage"],
                resources=[dead_letters.queue_arn],
                conditions={"ArnEquals": {"aws:SourceArn": [topic.topic_arn for topic in different.values()]}},
            )
        )

    def _hear(self, construct_id: str, topic: sns.ITopic, identity: str, dead_letters: sqs.Queue) -> None:
        """Let a topic tell the function of this workflow's requests alone.

        https://docs.aws.amazon.com/sns/latest/dg/string-value-matching.html
        """
        permission = lambda_.CfnPermission(
            self,
            f"{construct_id}Permission",
            action="lambda:InvokeFunction",
            function_name=self.function.function_arn,
            principal=_SNS,
            source_arn=topic.topic_arn,
        )
        subscription = sns.CfnSubscription(
            self,
            construct_id,
            topic_arn=topic.topic_arn,
            protocol="lambda",
            endpoint=self.function.function_arn,
            filter_policy={"inferenceId": [{"prefix": identity}]},
            filter_policy_scope="MessageBody",
            redrive_policy={"deadLetterTargetArn": dead_letters.queue_arn},
        )
        subscription.node.add_dependency(permission)
