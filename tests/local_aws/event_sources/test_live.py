"""Mappings and pipes on a local cloud: refused without the rights, and read, bisected and given up with them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

import pytest

from tests.local_aws.cloudformation.test_types import LIMIT, Account, attribute, of, ref
from tests.local_aws.launcher import Cloud

STACK: Final = "Sources"
PROGRAM: Final = """
import base64, boto3, os
def handle(event, context):
    data = [base64.b64decode(record["kinesis"]["data"]).decode() for record in event["Records"]]
    if "bad" in data:
        raise ValueError("bad")
    for each in data:
        boto3.client("sqs").send_message(QueueUrl=os.environ["DONE"], MessageBody=each)
"""
READ: Final = ["GetRecords", "GetShardIterator", "DescribeStream", "DescribeStreamSummary", "ListShards"]

T = TypeVar("T")


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with Cloud(home=tmp_path_factory.mktemp("home")) as cloud:
        yield Account(cloud)


def role(service: str, *statements: dict[str, Any]) -> dict[str, Any]:
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    policy = {"PolicyName": "p", "PolicyDocument": {"Version": "2012-10-17", "Statement": list(statements)}}
    document = {"Version": "2012-10-17", "Statement": [trust]}
    return of("AWS::IAM::Role", AssumeRolePolicyDocument=document, Policies=[policy] if statements else [])


def allow(actions: list[str], resource: object) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resource}


def function(*statements: dict[str, Any]) -> dict[str, Any]:
    return {
        "Done": of("AWS::SQS::Queue"),
        "Role": role("lambda.amazonaws.com", allow(["sqs:SendMessage"], [attribute("Arn", "Done")]), *statements),
        "Function": of(
            "AWS::Lambda::Function",
            Code={"ZipFile": PROGRAM},
            Handler="index.handle",
            Role=attribute("Arn", "Role"),
            Runtime="python3.11",
            Timeout=30,
            Environment={"Variables": {"DONE": ref("Done")}},
        ),
    }


def reading(*, retries: int = 0, batch: int = 100) -> dict[str, Any]:
    stream, failed = attribute("Arn", "Stream"), attribute("Arn", "Failed")
    return {
        **function(
            allow([f"kinesis:{action}" for action in READ], stream),
            allow(["kinesis:SubscribeToShard"], ref("Consumer")),
            allow(["sqs:SendMessage"], failed),
        ),
        "Failed": of("AWS::SQS::Queue"),
        "Stream": of("AWS::Kinesis::Stream", ShardCount=1),
        "Consumer": of("AWS::Kinesis::StreamConsumer", ConsumerName="fast", StreamARN=stream),
        "Mapping": of(
            "AWS::Lambda::EventSourceMapping",
            FunctionName=ref("Function"),
            EventSourceArn=ref("Consumer"),
            StartingPosition="TRIM_HORIZON",
            BatchSize=batch,
            BisectBatchOnFunctionError=True,
            MaximumRetryAttempts=retries,
            DestinationConfig={"OnFailure": {"Destination": failed}},
        ),
    }


def until(condition: Callable[[], T | None]) -> T:
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.1)
    raise TimeoutError


def bodies(account: Account, url: str) -> list[str]:
    """What a queue gives, which is then gone."""
    queues, found = account.client("sqs"), list[str]()
    while messages := queues.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        for message in messages:
            found.append(message["Body"])
            queues.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found


def test_a_bad_record_is_found_by_bisection_and_the_others_are_processed_once(account: Account) -> None:
    assert account.put(reading(), STACK) == "CREATE_COMPLETE", account.reasons(STACK)
    made = account.physical(STACK)
    records = [{"Data": name, "PartitionKey": name} for name in ("a", "b", "bad", "c", "d")]
    account.client("kinesis").put_records(StreamName=made["Stream"], Records=records)
    done: list[str] = []

    def all_done() -> bool:
        done.extend(bodies(account, made["Done"]))
        return len(done) >= 4

    until(all_done)
    assert sorted(done) == ["a", "b", "c", "d"]
    (failure,) = until(lambda: bodies(account, made["Failed"]))
    described = json.loads(failure)
    assert described["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert described["KinesisBatchInfo"]["batchSize"] == 1


def test_a_mapping_changes_in_place_and_goes(account: Account) -> None:
    before = account.physical(STACK)
    assert account.put(reading(retries=3, batch=7), STACK) == "UPDATE_COMPLETE", account.reasons(STACK)
    assert account.physical(STACK) == before
    (mapping,) = account.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    assert (mapping["MaximumRetryAttempts"], mapping["BatchSize"]) == (3, 7)
    account.formation.delete_stack(StackName=STACK)
    assert account.settled(STACK) in {"gone", "DELETE_COMPLETE"}
    assert account.client("lambda").list_event_source_mappings()["EventSourceMappings"] == []


def mapped(statements: list[dict[str, Any]], visible: int = 180, **properties: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        **function(*statements),
        "Queue": of("AWS::SQS::Queue", VisibilityTimeout=visible),
        "Mapping": of(
            "AWS::Lambda::EventSourceMapping",
            FunctionName=ref("Function"),
            EventSourceArn=attribute("Arn", "Queue"),
            **properties,
        ),
    }


RECEIVE: Final = allow(["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], attribute("Arn", "Queue"))


@pytest.mark.parametrize(
    ("resources", "reason"),
    [
        (mapped([]), "does not have permissions to call ReceiveMessage on SQS"),
        (mapped([RECEIVE], visible=29), "Queue visibility timeout: 29 seconds is less than Function timeout: 30"),
        (mapped([RECEIVE], BatchSize=11), "Maximum batch window in seconds must be greater than 0"),
        (mapped([RECEIVE], ScalingConfig={"MaximumConcurrency": 1}), "ScalingConfig.MaximumConcurrency, value: 1"),
        (mapped([RECEIVE], Colour="red"), "has no Colour"),
    ],
    ids=["role", "visibility", "window", "concurrency", "property"],
)
def test_what_aws_would_refuse_is_refused(
    account: Account, resources: dict[str, Any], reason: str, request: pytest.FixtureRequest
) -> None:
    stack = f"Refused-{request.node.callspec.id}"
    assert account.put(resources, stack) == "ROLLBACK_COMPLETE"
    assert reason in account.reasons(stack)


def machine(*, allowed: bool) -> dict[str, Any]:
    definition = {
        "StartAt": "Send",
        "States": {
            "Send": {
                "Type": "Task",
                "Resource": "arn:aws:states:::sqs:sendMessage",
                "Parameters": {"QueueUrl": "${url}", "MessageBody.$": "$[0].body"},
                "End": True,
            }
        },
    }
    take = allow(["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], attribute("Arn", "Queue"))
    send = [allow(["sqs:SendMessage"], attribute("Arn", "Out"))] if allowed else []
    return {
        "Queue": of("AWS::SQS::Queue"),
        "Out": of("AWS::SQS::Queue"),
        "MachineRole": role("states.amazonaws.com", *send),
        "Machine": of(
            "AWS::StepFunctions::StateMachine",
            RoleArn=attribute("Arn", "MachineRole"),
            DefinitionString=json.dumps(definition),
            DefinitionSubstitutions={"url": ref("Out")},
        ),
        "PipeRole": role("pipes.amazonaws.com", take, allow(["states:StartExecution"], ref("Machine"))),
        "Pipe": of(
            "AWS::Pipes::Pipe",
            RoleArn=attribute("Arn", "PipeRole"),
            Source=attribute("Arn", "Queue"),
            SourceParameters={"SqsQueueParameters": {"BatchSize": 1}},
            Target=ref("Machine"),
        ),
    }


def test_a_pipe_starts_an_execution_for_each_message_and_its_role_decides_what_it_does(account: Account) -> None:
    assert account.put(machine(allowed=True), "Piped") == "CREATE_COMPLETE", account.reasons("Piped")
    made = account.physical("Piped")
    account.client("sqs").send_message(QueueUrl=made["Queue"], MessageBody="one")
    assert until(lambda: bodies(account, made["Out"])) == ["one"]
    assert account.put(machine(allowed=False), "Piped") == "UPDATE_COMPLETE", account.reasons("Piped")
    account.client("sqs").send_message(QueueUrl=made["Queue"], MessageBody="two")
    machines = account.client("stepfunctions")

    def failed() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = machines.list_executions(stateMachineArn=made["Machine"], statusFilter="FAILED")[
            "executions"
        ]
        return found

    (execution,) = until(failed)
    described = machines.describe_execution(executionArn=execution["executionArn"])
    assert "is not authorized to perform: sqs:SendMessage" in described["cause"]
