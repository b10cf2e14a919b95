"""Every way in, on one cloud with IAM enforced: APIs, messages, records, executions, uploads; then all of it goes."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from botocore.credentials import Credentials  # type: ignore[import-untyped]  # ships no types

from tests.end_to_end.deployment import Answer, Deployment
from tests.end_to_end.front_ends import QUOTA, STACK, synthesise
from tests.end_to_end.fuzz import document, fuzz
from tests.end_to_end.waiting import until

JSON: Final = {"Content-Type": "application/json"}
GOOD: Final = {"instances": [[1, 2, 3]]}
POISON: Final = '{"instances": 1}'
IDENTITY: Final = ("authorization", "x-api-key")  # of which there are tests of their own
EXAMPLES: Final = 40  # for each API, with and without headers; the quota has room for them
APIS: Final = ("FunctionApiId", "DirectApiId")

Outputs = dict[str, str]
Post = Callable[..., Answer]


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthesise(tmp_path_factory.mktemp("front_ends"))


@pytest.fixture(scope="module")
def stack(deployment: Deployment, assembly: Path) -> Deployment:
    deployment.deploy(STACK, assembly)
    return deployment


@pytest.fixture(scope="module")
def outputs(stack: Deployment) -> Outputs:
    return stack.outputs[STACK]


@pytest.fixture(scope="module")
def caller(stack: Deployment, outputs: Outputs) -> Credentials:
    """The user to whom the stack has granted both APIs."""
    key = stack.client("iam").create_access_key(UserName=outputs["CallerName"])["AccessKey"]
    return Credentials(key["AccessKeyId"], key["SecretAccessKey"])


@pytest.fixture(scope="module")
def keys(stack: Deployment) -> dict[str, dict[str, str]]:
    """The header with the key of each API that needs one."""
    (key,) = stack.client("apigateway").get_api_keys(includeValues=True)["items"]
    return {"FunctionApiId": {}, "DirectApiId": {"x-api-key": key["value"]}}


@pytest.fixture(scope="module")
def post(stack: Deployment, outputs: Outputs, keys: dict[str, dict[str, str]]) -> Post:
    """Sends a request to one of the APIs, with its key if it needs one."""

    def send(api: str, body: object, credentials: Credentials | None, **headers: str) -> Answer:
        data, named = json.dumps(body).encode(), JSON | keys[api] | headers
        return stack.send(outputs[api], "POST", "/invocations", body=data, credentials=credentials, headers=named)

    return send


@pytest.mark.parametrize("api", APIS)
def test_an_api_serves_those_alone_to_whom_it_is_granted(
    stack: Deployment, post: Post, caller: Credentials, api: str
) -> None:
    assert post(api, GOOD, None).status == 403
    assert post(api, GOOD, Credentials(caller.access_key, "wrong")).status == 403
    assert post(api, GOOD, stack.user(f"stranger-to-{api}")).status == 403
    answer = post(api, GOOD, caller)
    assert (answer.status, answer.body, answer.variant) == (200, {"sum": 6}, "only")
    assert answer.headers["content-type"] == "application/json"


def test_a_problem_is_the_same_with_and_without_a_function(post: Post, caller: Credentials) -> None:
    answers = [post(api, {"instances": [[1] * 6]}, caller) for api in APIS]
    assert {answer.headers["content-type"] for answer in answers} == {"application/problem+json"}
    with_function, without = ({name: answer.body[name] for name in ("type", "title", "status")} for answer in answers)
    assert with_function == without
    assert [answer.status for answer in answers] == [400, 400]
    assert without["type"].endswith("/rejected-by-model")


def test_api_gateway_calls_the_endpoint_with_a_role_of_its_own(
    stack: Deployment, post: Post, caller: Credentials
) -> None:
    with without_rights(stack, "Lets API Gateway invoke one SageMaker endpoint"):
        refused = post("DirectApiId", GOOD, caller)
        assert post("FunctionApiId", GOOD, caller).status == 200
    assert (refused.status, refused.body["type"].rpartition("/")[2]) == (500, "misconfigured")
    assert post("DirectApiId", GOOD, caller).status == 200


@contextmanager
def without_rights(stack: Deployment, description: str) -> Iterator[None]:
    """While the block lasts, the role of this description has no policy."""
    iam = stack.client("iam")
    (name,) = [
        role["RoleName"]
        for page in iam.get_paginator("list_roles").paginate()
        for role in page["Roles"]
        if role.get("Description") == description
    ]
    policies = [item["PolicyArn"] for item in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]]
    assert policies
    for policy in policies:
        iam.detach_role_policy(RoleName=name, PolicyArn=policy)
    try:
        yield
    finally:
        for policy in policies:
            iam.attach_role_policy(RoleName=name, PolicyArn=policy)


@pytest.mark.parametrize("api", APIS)
def test_no_request_that_the_description_leads_to_makes_the_api_fail(
    stack: Deployment, outputs: Outputs, keys: dict[str, dict[str, str]], caller: Credentials, api: str
) -> None:
    with_model, description = (document(stack.client("apigateway"), outputs[one]) for one in ("FunctionApiId", api))
    # API Gateway passes on whatever it is given, and the model takes the same through both.
    body = with_model["paths"]["/invocations"]["post"]["requestBody"]
    method = description["paths"]["/invocations"]["post"]
    method["requestBody"] = body
    description["components"]["schemas"] = with_model["components"]["schemas"]

    def send(method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        named = {name: value for name, value in headers.items() if name.lower() not in IDENTITY} | keys[api]
        return stack.send(outputs[api], method, path, body=body, credentials=caller, headers=named)

    statuses = fuzz(description, send, examples=EXAMPLES)
    method["parameters"] = []  # random headers are refused before the body is looked at
    statuses += fuzz(description, send, examples=EXAMPLES)
    assert statuses[200] > 0, statuses
    assert statuses[400] > 0, statuses


def test_an_api_key_is_needed_beside_the_signature_and_has_a_quota(post: Post, caller: Credentials) -> None:
    refused = post("DirectApiId", GOOD, caller, **{"x-api-key": "x" * 40})
    assert (refused.status, refused.headers["content-type"]) == (403, "application/problem+json")
    statuses = [post("DirectApiId", GOOD, caller).status for _ in range(QUOTA + 1)]
    assert set(statuses) == {200, 429}
    assert statuses[-1] == 429


def test_each_message_has_a_result_or_is_a_dead_letter_with_its_cause(stack: Deployment, outputs: Outputs) -> None:
    sqs = stack.client("sqs")
    bodies = [json.dumps({"instances": [[number]]}) for number in range(8)]
    for start in range(0, len(bodies), 4):
        entries = [{"Id": str(index), "MessageBody": body} for index, body in enumerate(bodies[start : start + 4])]
        sqs.send_message_batch(QueueUrl=outputs["QueueUrl"], Entries=entries)
    sqs.send_message(QueueUrl=outputs["QueueUrl"], MessageBody=POISON)
    results = until(lambda: objects(stack, outputs["QueueResultsBucket"], 8))
    assert sorted(json.loads(body)["sum"] for body in results) == list(range(8))
    (letter,) = until(lambda: letters(stack, outputs["QueueDeadLetters"]))
    assert letter["Body"] == POISON
    assert cause(letter) == {"Cause": "rejected-by-model", "CauseStatus": "400"}
    until(lambda: is_empty(stack, outputs["QueueUrl"]))


def test_each_record_of_a_stream_has_a_result_or_is_a_dead_letter(stack: Deployment, outputs: Outputs) -> None:
    records = [{"Data": json.dumps({"instances": [[number]]}), "PartitionKey": str(number)} for number in range(12)]
    records.insert(5, {"Data": POISON, "PartitionKey": "5"})
    stack.client("kinesis").put_records(StreamName=outputs["StreamName"], Records=records)
    results = until(lambda: objects(stack, outputs["StreamResultsBucket"], 12))
    lines = [json.loads(line) for body in results for line in gzip.decompress(body).splitlines()]
    assert sorted(line["partitionKey"] for line in lines) == sorted(str(number) for number in range(12))
    (letter,) = until(lambda: letters(stack, outputs["StreamDeadLetters"]))
    assert cause(letter) == {"Cause": "rejected-by-model", "CauseStatus": "400"}


def test_an_execution_succeeds_at_once_or_after_a_retry_or_fails_with_its_cause(
    stack: Deployment, outputs: Outputs
) -> None:
    for body in (json.dumps(GOOD), json.dumps(GOOD | {"once": "workflow"}), POISON):
        stack.client("sqs").send_message(QueueUrl=outputs["WorkflowQueueUrl"], MessageBody=body)
    machines = stack.client("stepfunctions")

    def ended() -> list[dict[str, Any]] | None:
        found = machines.list_executions(stateMachineArn=outputs["WorkflowArn"])["executions"]
        over = [machines.describe_execution(executionArn=item["executionArn"]) for item in found]
        return over if len(over) == 3 and all(item["status"] != "RUNNING" for item in over) else None

    executions = until(ended)
    assert sorted(item["status"] for item in executions) == ["FAILED", "SUCCEEDED", "SUCCEEDED"]
    succeeded = [item for item in executions if item["status"] == "SUCCEEDED"]
    assert [json.loads(json.loads(item["output"])["body"]) for item in succeeded] == [{"sum": 6}] * 2
    (failed,) = [item for item in executions if item["status"] == "FAILED"]
    assert failed["error"] == "SageMakerRuntime.ModelErrorException"
    assert "Received client error (400) from primary" in failed["cause"]
    (letter,) = until(lambda: letters(stack, outputs["WorkflowDeadLetters"]))
    assert letter["Body"] == POISON
    assert letter["MessageAttributes"]["Cause"]["StringValue"] == failed["error"]


def test_an_upload_is_submitted_and_a_topic_hears_of_the_result(stack: Deployment, outputs: Outputs) -> None:
    s3 = stack.client("s3")
    s3.put_object(Bucket=outputs["UploadBucket"], Key=f"{outputs['UploadPrefix']}/one.json", Body=json.dumps(GOOD))

    def heard() -> list[dict[str, Any]]:
        messages = [json.loads(json.loads(item["Body"])["Message"]) for item in letters(stack, outputs["EarsUrl"])]
        return [message for message in messages if message.get("eventName") == "InferenceResult"]

    (message,) = until(heard)
    assert message["invocationStatus"] == "Completed"
    assert result(stack, message["responseParameters"]["outputLocation"]) == {"sum": 6}


def test_an_execution_waits_for_an_asynchronous_endpoint(stack: Deployment, outputs: Outputs) -> None:
    machines = stack.client("stepfunctions")
    arn = machines.start_execution(stateMachineArn=outputs["AsyncWorkflowArn"], input=json.dumps({"body": GOOD}))[
        "executionArn"
    ]

    def ended() -> dict[str, Any] | None:
        found: dict[str, Any] = machines.describe_execution(executionArn=arn)
        return None if found["status"] == "RUNNING" else found

    execution = until(ended)
    assert execution["status"] == "SUCCEEDED", (execution.get("error"), execution.get("cause"))
    assert result(stack, json.loads(execution["output"])["outputLocation"]) == {"sum": 6}


def test_nothing_is_left_that_reads_or_calls(
    stack: Deployment, outputs: Outputs, caller: Credentials, assembly: Path
) -> None:
    stack.client("iam").delete_access_key(UserName=outputs["CallerName"], AccessKeyId=caller.access_key)
    stack.destroy(STACK, assembly)
    assert stack.client("lambda").list_event_source_mappings()["EventSourceMappings"] == []
    assert stack.client("stepfunctions").list_state_machines()["stateMachines"] == []
    assert stack.client("pipes").list_pipes()["Pipes"] == []
    assert stack.client("apigateway").get_usage_plans()["items"] == []
    assert stack.client("firehose").list_delivery_streams()["DeliveryStreamNames"] == []


def result(stack: Deployment, location: str) -> Any:  # noqa: ANN401 - JSON
    """What an asynchronous endpoint has answered."""
    bucket, _, key = location.removeprefix("s3://").partition("/")
    return json.loads(stack.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())


def objects(stack: Deployment, bucket: str, count: int) -> list[bytes] | None:
    """What the objects of a bucket hold, once there are so many."""
    s3 = stack.client("s3")
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
    assert len(keys) <= count, keys
    return [s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys] if len(keys) == count else None


def letters(stack: Deployment, url: str) -> list[dict[str, Any]]:
    """The messages that a queue gives now."""
    answer = stack.client("sqs").receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], WaitTimeSeconds=1
    )
    found: list[dict[str, Any]] = answer.get("Messages", [])
    return found


def cause(letter: Mapping[str, Any]) -> dict[str, str]:
    """Why a dead letter is one."""
    given = letter["MessageAttributes"]
    return {name: given[name]["StringValue"] for name in ("Cause", "CauseStatus")}


def is_empty(stack: Deployment, url: str) -> bool:
    """Whether a queue has nothing to give, now or later."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    return set(stack.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values()) == {
        "0"
    }
