"""A workflow around an endpoint: each request is an execution, which tries again, and keeps what cannot be served."""

from __future__ import annotations

from types import NoneType
from typing import Any, Final, cast

from aws_cdk import Duration, Names, RemovalPolicy
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from ml_constructs._checks import (
    check_given,
    check_id,
    check_offers,
    check_seconds,
    check_type,
    check_whole,
    is_token,
)
from ml_constructs._environment import check_account, check_region, environment_of
from ml_constructs.encryption import EncryptionKey
from ml_constructs.front_ends._alarms import FrontEndAlarms
from ml_constructs.front_ends._asynchronous import (
    ACTION,
    INVOCATION_TIMEOUT,
    INVOCATION_TIMEOUT_SECONDS,
    TIME_TO_LIVE,
    TIME_TO_LIVE_SECONDS,
    check_kind,
    in_seconds,
    known_storage,
)
from ml_constructs.front_ends._media_type import check_media_types
from ml_constructs.front_ends._queues import (
    RECEIVES,
    dead_letter_queue,
    encrypted_queue,
    moving_back,
    sending,
)
from ml_constructs.front_ends._tables import using_table
from ml_constructs.front_ends.workflows._callback import Callback
from ml_constructs.front_ends.workflows._definition import (
    RETRIES,
    Asynchrony,
    Common,
    Retries,
    asynchronous,
    synchronous,
)
from ml_constructs.front_ends.workflows._machine import arn_of_machine, workflow_machine
from ml_constructs.front_ends.workflows._starts import start_on_events, start_on_messages, starting
from ml_constructs.interfaces.component import IInferenceComponent
from ml_constructs.interfaces.endpoint import IEndpoint
from ml_constructs.network.inference_network import InferenceNetwork
from ml_constructs.permissions import NAMED_LATER, Permission, grant, use_key

_NAME_LENGTH: Final = 71  # of 80, with "-express"
_FOLDER: Final = "executions"  # below the endpoint's input prefix
_IDENTITY_LENGTH: Final = 12  # with it, an inference id has 49 of 64 characters
_VISIBILITY: Final = 60  # seconds; a pipe starts an execution in less than one


class WorkflowFrontEnd(Construct):
    """A Step Functions state machine that calls one endpoint, with retries, and keeps requests that failed at last.

    An execution's input is `{"body": ...}`, JSON for the model; for an asynchronous endpoint also
    `{"inputLocation": "s3://..."}`, perhaps with a `contentType`. Its output is the answer, or of an asynchronous
    endpoint the `outputLocation`, on which the execution waits. `on_messages` and `on_event` start executions, so that
    producers need not know of the workflow.

    Args:
        scope: The parent construct.
        construct_id: The id in `scope`.
        endpoint: The endpoint to call. An asynchronous one must know its `async_storage`.
        component: The inference component to call on it, required for a shared endpoint. Default: none.
        success_topic: The topic that an asynchronous endpoint tells of its answers; required for one.
        error_topic: The topic that it tells of its failures; required for one, and perhaps the same.
        express: Whether executions are Express ones: cheaper, at most 5 minutes long, begun at least once, with a log
            for history. Not for an asynchronous endpoint. Default: False, Standard ones.
        retries: How often a failed call is tried again, 0 to 10; an Express execution has no time for more than 1. The
            pauses grow to a minute and are jittered. Default: 3, or 1 of an Express execution.
        content_type: The media type of bodies, JSON of some kind. Default: application/json.
        accept: The media type of the answers. Default: the model decides.
        time_to_live: How long a request may wait at an asynchronous endpoint, 60 seconds to 6 hours. Default: 6 hours.
        invocation_timeout: How long an asynchronous model may take, 1 second to 1 hour. Default: 15 minutes.
        alarm_topic: Where alarms go. Its owner lets CloudWatch publish to it. Default: a new encrypted topic.
        network: Runs the function that resumes executions of an asynchronous endpoint in these subnets. A network with
            interface endpoints gets that of Step Functions, and the gateway of DynamoDB. Default: no VPC.
        encryption_key: Encrypts executions, queues, logs and whatever else there is. Default: a new `EncryptionKey`.
        log_retention: How long logs are kept. Default: one year.
        removal_policy: What happens to the queues on deletion. Default: they stay, unless the deployment that creates
            them fails.

    Raises:
        ValueError: an argument is out of its range, or does not go with the kind of endpoint.

    See https://docs.aws.amazon.com/step-functions/latest/dg/choosing-workflow-type.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint: IEndpoint,
        component: IInferenceComponent | None = None,
        success_topic: sns.ITopic | None = None,
        error_topic: sns.ITopic | None = None,
        express: bool = False,
        retries: int | None = None,
        content_type: str = "application/json",
        accept: str | None = None,
        time_to_live: Duration | None = None,
        invocation_timeout: Duration | None = None,
        alarm_topic: sns.ITopic | None = None,
        network: InferenceNetwork | None = None,
        encryption_key: kms.IKey | None = None,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_YEAR,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    ) -> None:
        check_type(IEndpoint, endpoint=endpoint)
        check_type(bool, express=express)
        check_type((InferenceNetwork, NoneType), network=network)
        check_type(logs.RetentionDays, log_retention=log_retention)
        check_type(RemovalPolicy, removal_policy=removal_policy)
        check_offers("key_arn", "a KMS key", encryption_key=encryption_key)
        check_given(content_type=content_type)
        check_media_types(content_type=content_type, accept=accept)
        check_seconds("time_to_live", time_to_live, *TIME_TO_LIVE_SECONDS)
        check_seconds("invocation_timeout", invocation_timeout, *INVOCATION_TIMEOUT_SECONDS)
        check_whole("retries", retries, RETRIES[0], 1 if express else RETRIES[1])
        check_kind(
            endpoint,
            component,
            express=express,
            success_topic=success_topic,
            error_topic=error_topic,
            time_to_live=time_to_live,
            invocation_timeout=invocation_timeout,
        )
        check_offers("topic_arn", "an SNS topic", alarm_topic=alarm_topic)
        check_account(scope, endpoint=cast("Construct", endpoint), network=network)
        check_region(scope, encryption_key=encryption_key, alarm_topic=alarm_topic)
        check_region(scope, success_topic=success_topic, error_topic=error_topic)
        super().__init__(scope, construct_id)
        self.endpoint: Final = endpoint
        self.component: Final = component
        self.encryption_key: Final = EncryptionKey(self, "Key") if encryption_key is None else encryption_key
        self._removal_policy = removal_policy
        self.dead_letter_queue: Final = dead_letter_queue(self, self.encryption_key, removal_policy)
        self.queue: sqs.Queue | None = None
        # A literal name, by which the role's policy can name the state machine before that exists. A change of the
        # type replaces it, and so must change its name.
        name = Names.unique_resource_name(
            self, max_length=_NAME_LENGTH, separator="-", allowed_special_characters="-"
        ) + ("-express" if express else "")
        self.state_machine_arn: Final = arn_of_machine(self, name)
        if retries is None:
            retries = 1 if express else 3
        common = Common(
            partition=environment_of(self).partition,
            endpoint_name=endpoint.endpoint_name,
            content_type=content_type,
            dead_letter_queue_url=self.dead_letter_queue.queue_url,
            retries=Retries(count=retries, is_token=is_token(retries)),
        )
        self.callback: Final = (
            Callback(
                self,
                "Callback",
                topics=[topic for topic in (success_topic, error_topic) if topic is not None],
                identity=self._identity(),
                state_machine_arn=self.state_machine_arn,
                encryption_key=self.encryption_key,
                dead_letters=self.dead_letter_queue,
                network=network,
                log_retention=log_retention,
            )
            if endpoint.asynchronous
            else None
        )
        if self.callback is None:
            definition = synchronous(
                common,
                component_name=None if component is None else component.component_name,
                accept=accept,
                express=express,
            )
        else:
            definition = asynchronous(common, self._asynchrony(self.callback, accept, time_to_live, invocation_timeout))
        made = workflow_machine(
            self,
            name=name,
            log_name=self._identity(),
            definition=definition,
            express=express,
            key=self.encryption_key,
            log_retention=log_retention,
            permissions=self._permissions(),
        )
        if not endpoint.asynchronous:
            (endpoint if component is None else component).grant_invoke(made.policy)
        self.state_machine: Final = made.state_machine
        self.role: Final = made.role
        self.log_group: Final = made.log_group
        alarms = FrontEndAlarms(self, "Alarms", topic=alarm_topic, encryption_key=self.encryption_key)
        alarms.on_dead_letters(self.dead_letter_queue)
        # A state machine that times out ends without another state, and so without a dead letter.
        alarms.on_more_than("TimedOut", self.metric_timed_out(period=Duration.minutes(1)), 0, "executions timed out")
        self.alarm_topic: Final = alarms.topic

    def on_messages(self, *, max_receives: int = 10) -> sqs.Queue:
        """Start an execution for each message of a new queue, by an EventBridge pipe.

        A message is the body, JSON for the model. It leaves the queue when its execution has begun; the execution keeps
        it should it fail. Nothing limits how many executions run at once: for that, see `QueueFrontEnd`.

        Args:
            max_receives: How often starting is tried until the message becomes a dead letter, 1 to 1,000. Default: 10.

        Raises:
            ValueError: `max_receives` is out of range, or there is a queue already.
        """
        check_given(max_receives=max_receives)
        check_whole("max_receives", max_receives, *RECEIVES)
        if self.queue is not None:
            raise ValueError("on_messages must be called once, got another call")
        self.queue = encrypted_queue(
            self,
            "Queue",
            self.encryption_key,
            self._removal_policy,
            visibility=Duration.seconds(_VISIBILITY),
            dead_letters=sqs.DeadLetterQueue(queue=self.dead_letter_queue, max_receive_count=max_receives),
        )
        start_on_messages(self, queue=self.queue, key=self.encryption_key, state_machine=self.state_machine)
        return self.queue

    def on_event(
        self, name: str, *, event_pattern: events.EventPattern, event_bus: events.IEventBus | None = None
    ) -> events.Rule:
        """Start an execution for each event that matches a pattern; the event's `detail` is the body.

        An event that starts none within a day becomes a dead letter.

        Args:
            name: The id of the rule, by which the calls differ.
            event_pattern: Which events.
            event_bus: The bus, of this region. Default: the account's default one, which hears of AWS services.

        Raises:
            ValueError: `name` is empty or was given before, or the bus is of another region.
        """
        check_id(name=name)
        check_type(events.EventPattern, event_pattern=event_pattern)
        check_offers("event_bus_name", "an event bus", event_bus=event_bus)
        check_region(self, event_bus=event_bus)
        existing = self.node.try_find_child("Events")
        rules = existing if isinstance(existing, Construct) else Construct(self, "Events")
        if rules.node.try_find_child(name) is not None:
            raise ValueError(f"name must differ from call to call, got {name!r} again")
        return start_on_events(
            rules,
            name,
            event_pattern=event_pattern,
            event_bus=event_bus,
            key=self.encryption_key,
            state_machine=self.state_machine,
            dead_letters=self.dead_letter_queue,
        )

    def grant_start_execution(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee`, of this account, start executions, and nothing else."""
        return grant(self, grantee, starting(self.state_machine_arn))

    def grant_send_messages(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee`, of this account, send messages to the queue of `on_messages`, and nothing else.

        Raises:
            ValueError: there is no queue.
        """
        return grant(self, grantee, *sending(self, self._messages(), self.encryption_key))

    def grant_redrive(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee`, of this account, read dead letters and move them to the queue of `on_messages`.

        Raises:
            ValueError: there is no queue.
        """
        return grant(self, grantee, *moving_back(self, self.dead_letter_queue, self._messages(), self.encryption_key))

    def metric(self, metric_name: str, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401 - of cloudwatch.Metric
        """A metric of the executions, under its official name. Statistic: Sum.

        See https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html
        """
        return cloudwatch.Metric(
            namespace="AWS/States",
            metric_name=metric_name,
            dimensions_map={"StateMachineArn": self.state_machine_arn},
            **{"statistic": "Sum", **options},
        )

    def metric_started(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Executions that began. Statistic: Sum."""
        return self.metric("ExecutionsStarted", **options)

    def metric_succeeded(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Executions with an answer. Statistic: Sum."""
        return self.metric("ExecutionsSucceeded", **options)

    def metric_failed(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Executions whose request became a dead letter. Statistic: Sum."""
        return self.metric("ExecutionsFailed", **options)

    def metric_timed_out(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Executions that took too long, of which no dead letter tells. Statistic: Sum."""
        return self.metric("ExecutionsTimedOut", **options)

    def metric_throttled(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Starts and retries that the account's quota delayed. Statistic: Sum."""
        return self.metric("ExecutionThrottled", **options)

    def metric_time(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Time of an execution, in milliseconds. Statistic: p99."""
        return self.metric("ExecutionTime", **{"statistic": "p99", **options})

    def metric_dead_letters(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Requests that wait in the dead-letter queue. Statistic: Maximum."""
        return self.dead_letter_queue.metric_approximate_number_of_messages_visible(
            **{"statistic": "Maximum", **options}
        )

    def _messages(self) -> sqs.Queue:
        if self.queue is None:
            raise ValueError("on_messages must be called before there are messages, got no call of it")
        return self.queue

    def _identity(self) -> str:
        """Begins the inference ids of this workflow, and of no other."""
        return f"{self.node.addr[-_IDENTITY_LENGTH:]}-"

    def _asynchrony(
        self,
        callback: Callback,
        accept: str | None,
        time_to_live: Duration | None,
        invocation_timeout: Duration | None,
    ) -> Asynchrony:
        storage = known_storage(self.endpoint)
        seconds = (in_seconds(time_to_live, TIME_TO_LIVE), in_seconds(invocation_timeout, INVOCATION_TIMEOUT))
        limits = (TIME_TO_LIVE_SECONDS[1], INVOCATION_TIMEOUT_SECONDS[1])
        return Asynchrony(
            bucket=storage.input_bucket.bucket_name,
            prefix=f"{storage.input_prefix}/{_FOLDER}",
            table=callback.table.table_name,
            identity=self._identity(),
            time_to_live=seconds[0],
            invocation_timeout=seconds[1],
            longest=sum(limit if is_token(each) else each for each, limit in zip(seconds, limits, strict=True)),
            accept=accept,
        )

    def _permissions(self) -> list[Permission]:
        """What the state machine does beside `grant_invoke`."""
        permissions = sending(self, self.dead_letter_queue, self.encryption_key)
        if self.callback is None:
            return permissions
        storage = known_storage(self.endpoint)
        requests = f"{storage.input_bucket.bucket_arn}/{storage.input_prefix}/{_FOLDER}/*"
        return [
            *permissions,
            Permission(actions=["s3:PutObject"], resources=[requests], wildcard=NAMED_LATER),
            *use_key(self, storage.input_bucket.encryption_key, "s3", "kms:Decrypt", "kms:GenerateDataKey"),
            Permission(actions=[ACTION], resources=[self.endpoint.endpoint_arn]),
            *using_table(self, self.callback.table, self.encryption_key, "dynamodb:PutItem"),
        ]
