"""What SageMaker says of one endpoint reaches a topic, and nothing else does."""

from __future__ import annotations

from typing import Any

import botocore.session  # type: ignore[import-untyped]
import pytest
from aws_cdk import App, Environment, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns

from ml_constructs.endpoints.endpoint import Endpoint
from ml_constructs.observability.deployment_events import STATUSES, DeploymentEvents
from tests.constructs.builders import only, properties, resources, text, variant
from tests.constructs.supply_builders import KEY, findings, strict

RULE, TOPIC, QUEUE = "AWS::Events::Rule", "AWS::SNS::Topic", "AWS::SQS::Queue"
ARN = "arn:aws:sagemaker:eu-west-1:111122223333:endpoint/live"
SERVICE = botocore.session.get_session().get_service_model("sagemaker")


def endpoint(stack: Stack, **options: Any) -> Endpoint:  # noqa: ANN401
    return Endpoint(stack, "Endpoint", endpoint_name="Live", variants=[variant()], **options)


def pattern(stack: Stack) -> dict[str, Any]:
    return dict(properties(stack, RULE)["EventPattern"])


def test_hears_of_both_kinds_of_one_endpoint(stack: Stack) -> None:
    DeploymentEvents(stack, "Events", endpoint=endpoint(stack))
    assert pattern(stack) == {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Endpoint Deployment State Change", "SageMaker Endpoint State Change"],
        # AWS's example spells the name as it was given, and the ARN in lower case.
        "detail": {"EndpointName": [{"equals-ignore-case": "Live"}]},
    }
    assert properties(stack, RULE)["State"] == "ENABLED"


def test_hears_of_one_kind_and_some_states(stack: Stack) -> None:
    DeploymentEvents(stack, "Events", endpoint=endpoint(stack), deployments=False, statuses=["FAILED", "IN_SERVICE"])
    assert pattern(stack)["detail-type"] == ["SageMaker Endpoint State Change"]
    assert pattern(stack)["detail"]["EndpointStatus"] == ["FAILED", "IN_SERVICE"]


def test_knows_every_state_of_an_endpoint() -> None:
    states = SERVICE.shape_for("EndpointStatus").enum
    assert {state.upper() for state in states} == {status.replace("_", "") for status in STATUSES}


def test_publishes_to_an_encrypted_topic(stack: Stack) -> None:
    DeploymentEvents(stack, "Events", endpoint=endpoint(stack))
    (topic,), (key,) = resources(stack, TOPIC), resources(stack, "AWS::KMS::Key")
    assert properties(stack, TOPIC) == {
        "DisplayName": "Deployments of Live",
        "KmsMasterKeyId": {"Fn::GetAtt": [key, "Arn"]},
    }
    (target,) = properties(stack, RULE)["Targets"]
    assert target["Arn"] == {"Ref": topic}
    denied, allowed = properties(stack, "AWS::SNS::TopicPolicy")["PolicyDocument"]["Statement"]
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert allowed["Principal"] == {"Service": "events.amazonaws.com"}
    assert allowed["Action"] == "sns:Publish"


def test_no_condition_breaks_the_delivery(stack: Stack) -> None:
    """EventBridge to SNS supports none, neither in the policy of the topic nor in that of its key."""
    DeploymentEvents(stack, "Events", endpoint=endpoint(stack))
    topic = properties(stack, "AWS::SNS::TopicPolicy")["PolicyDocument"]["Statement"]
    key = properties(stack, "AWS::KMS::Key")["KeyPolicy"]["Statement"]
    allowed = [each for each in (*topic, *key) if each["Principal"] == {"Service": "events.amazonaws.com"}]
    assert [each["Action"] for each in allowed] == ["sns:Publish", ["kms:Decrypt", "kms:GenerateDataKey*"]]
    assert all("Condition" not in each for each in allowed)


def test_keeps_what_could_not_be_published(stack: Stack) -> None:
    events = DeploymentEvents(stack, "Events", endpoint=endpoint(stack))
    (queue,), (rule,) = resources(stack, QUEUE), resources(stack, RULE)
    assert properties(stack, QUEUE) == {"MessageRetentionPeriod": 1_209_600, "SqsManagedSseEnabled": True}
    (target,) = properties(stack, RULE)["Targets"]
    assert target["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": [queue, "Arn"]}}
    _, allowed = properties(stack, "AWS::SQS::QueuePolicy")["PolicyDocument"]["Statement"]
    assert allowed["Action"] == "sqs:SendMessage"
    assert allowed["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": [rule, "Arn"]}}}
    assert stack.resolve(events.dead_letter_queue.queue_arn) == {"Fn::GetAtt": [queue, "Arn"]}


def test_the_topic_can_be_published_to_before_anything_is(stack: Stack) -> None:
    DeploymentEvents(stack, "Events", endpoint=endpoint(stack))
    (policy,) = resources(stack, "AWS::SNS::TopicPolicy")
    assert policy in only(stack, RULE)["DependsOn"]


def test_publishes_to_a_given_topic_whose_owner_admits_it(stack: Stack) -> None:
    topic = sns.Topic(stack, "Own")
    events = DeploymentEvents(stack, "Events", endpoint=endpoint(stack), topic=topic)
    assert events.topic is topic
    assert not resources(stack, "AWS::SNS::TopicPolicy")


def test_an_imported_endpoint_gets_a_key_of_its_own(stack: Stack) -> None:
    imported = Endpoint.from_endpoint_name(stack, "Endpoint", "live")
    DeploymentEvents(stack, "Events", endpoint=imported)
    assert len(resources(stack, "AWS::KMS::Key")) == 1


def test_takes_a_key(stack: Stack) -> None:
    key = kms.Key.from_key_arn(stack, "Key", KEY)
    DeploymentEvents(stack, "Events", endpoint=Endpoint.from_endpoint_name(stack, "E", "live"), encryption_key=key)
    assert properties(stack, TOPIC)["KmsMasterKeyId"] == KEY


def test_several_share_the_key_of_an_endpoint(stack: Stack) -> None:
    live = endpoint(stack)
    for name in ("One", "Two"):
        DeploymentEvents(stack, name, endpoint=live)
    statements = properties(stack, "AWS::KMS::Key")["KeyPolicy"]["Statement"]
    assert sum(each["Principal"] == {"Service": "events.amazonaws.com"} for each in statements) == 1


def test_the_name_and_the_states_may_be_tokens(stack: Stack) -> None:
    imported = Endpoint.from_endpoint_name(stack, "Endpoint", text(stack))
    DeploymentEvents(stack, "Events", endpoint=imported, statuses=[text(stack, "Status")])
    assert pattern(stack)["detail"] == {
        "EndpointName": [{"equals-ignore-case": {"Ref": "Text"}}],
        "EndpointStatus": [{"Ref": "Status"}],
    }
    assert "DisplayName" not in properties(stack, TOPIC)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"deployments": False, "states": False}, "deployments or states must be True, got deployments=False"),
        ({"statuses": ["Failed"]}, "statuses must be one of CREATING, .*, got 'Failed'"),
        ({"statuses": []}, "statuses must have between 1 and 9 members, got 0"),
    ],
)
def test_refuses_what_would_hear_nothing(stack: Stack, options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        DeploymentEvents(stack, "Events", endpoint=endpoint(stack), **options)


def test_refuses_a_topic_that_it_cannot_use(stack: Stack) -> None:
    live = endpoint(stack)
    with pytest.raises(ValueError, match=r"topic must not be a FIFO topic, .*, got one"):
        DeploymentEvents(stack, "Fifo", endpoint=live, topic=sns.Topic(stack, "First", fifo=True))
    with pytest.raises(ValueError, match=r"encryption_key must not be given with topic, .*, got both"):
        DeploymentEvents(
            stack, "Both", endpoint=live, topic=sns.Topic(stack, "Own"), encryption_key=live.encryption_key
        )


@pytest.mark.parametrize(
    ("account", "region", "problem"),
    [
        ("111122223333", "us-east-1", "region of its events, us-east-1, got one in eu-west-1"),
        ("444455556666", "eu-west-1", "account of its events, 444455556666, got one in 111122223333"),
    ],
)
def test_refuses_an_endpoint_whose_events_are_elsewhere(app: App, account: str, region: str, problem: str) -> None:
    stack = Stack(app, "Stack", env=Environment(account=account, region=region))
    elsewhere = Endpoint.from_endpoint_arn(stack, "Endpoint", ARN)
    with pytest.raises(ValueError, match=f"endpoint must be in the {problem}"):
        DeploymentEvents(stack, "Events", endpoint=elsewhere)


def test_an_arn_in_a_stack_that_may_be_anywhere_is_accepted(stack: Stack) -> None:
    DeploymentEvents(stack, "Events", endpoint=Endpoint.from_endpoint_arn(stack, "Endpoint", ARN))
    assert pattern(stack)["detail"]["EndpointName"] == [{"equals-ignore-case": "live"}]


def test_cloudformation_and_the_rules_have_nothing_to_say() -> None:
    app, stack = strict()
    DeploymentEvents(stack, "Events", endpoint=Endpoint.from_endpoint_name(stack, "Endpoint", "live"))
    app.synth()
    assert findings(app, stack, below="Strict/Events") == []
