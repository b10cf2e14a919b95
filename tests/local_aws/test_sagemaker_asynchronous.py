"""InvokeEndpointAsync: what comes to S3 and to the topics, and what is refused."""

from __future__ import annotations

import base64
import http.client
import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from botocore.auth import SigV4Auth  # type: ignore[import-untyped]  # ships no types
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]  # ships no types
from botocore.credentials import Credentials  # type: ignore[import-untyped]  # ships no types

from tests.local_aws.sagemaker_async import Async
from tests.local_aws.sagemaker_harness import ACCOUNT, LIMIT, READ, REGION, refusal, until, variant
from tests.local_aws.sagemaker_metrics import INSTANCES, names, statistic


@pytest.fixture(scope="module")
def served(work: Async) -> Iterator[Async]:
    with work.cloud.serving("Async", variant("A", "async"), AsyncInferenceConfig=work.config()):
        yield work


def test_an_answer_comes_to_s3_encrypted_and_the_topic_hears_of_it(served: Async) -> None:
    accepted = served.invoke("Async", {"n": 1}, Accept="application/json", CustomAttributes="a=1")
    assert accepted["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert accepted["OutputLocation"].startswith("s3://work/out/")
    assert accepted["OutputLocation"].endswith(".out")
    assert accepted["FailureLocation"].startswith("s3://work/lost/")
    assert accepted["FailureLocation"].endswith("-error.out")
    found = until(lambda: served.get(accepted["OutputLocation"]))
    assert json.loads(found["Text"])["data"] == {"n": 1}
    assert found["ContentType"] == "application/json"
    assert (found["ServerSideEncryption"], found["SSEKMSKeyId"]) == ("aws:kms", served.key)
    message = served.heard("done", accepted["InferenceId"])
    times = message.pop("receivedTime"), message.pop("eventTime")
    assert times == tuple(sorted(times))
    location = message["requestParameters"].pop("inputLocation")
    assert location.startswith("s3://work/in/")
    assert message == {
        "awsRegion": "us-east-1",
        "invocationStatus": "Completed",
        "requestParameters": {
            "accept": "application/json",
            "contentType": "application/json",
            "customAttributes": "a=1",
            "endpointName": "Async",
        },
        "responseParameters": {"contentType": "application/json", "outputLocation": accepted["OutputLocation"]},
        "responseBody": {"content": base64.b64encode(found["Text"].encode()).decode(), "encoding": "BASE64"},
        "inferenceId": accepted["InferenceId"],
        "eventVersion": "1.0",
        "eventSource": "aws:sagemaker",
        "eventName": "InferenceResult",
    }


def test_the_caller_may_name_the_inference_the_file_and_its_folder_and_send_the_request_along(served: Async) -> None:
    accepted = served.invoke(
        "Async",
        InferenceId="mine",
        Filename="answer.json",
        S3OutputPathExtension="by/caller",
        InputLocation=None,
        Body=b'{"n": 2}',
    )
    assert accepted["InferenceId"] == "mine"
    assert accepted["OutputLocation"] == "s3://work/out/by/caller/answer.json"
    assert served.answer(accepted)["data"] == {"n": 2}


def test_a_failure_of_the_model_comes_to_its_own_place_and_topic(served: Async) -> None:
    accepted = served.invoke("Async", {"fail": True})
    found = until(lambda: served.get(accepted["FailureLocation"]))
    assert found["Text"].startswith("the model does not like this")
    message = served.heard("failed", accepted["InferenceId"])
    assert message["invocationStatus"] == "Failed"
    assert message["failureReason"] == (
        "ClientError: Received server error (500) from model. See the SageMaker Endpoint logs in your account for more "
        "information."
    )
    assert not {"responseParameters", "responseBody"} & message.keys()
    assert served.get(accepted["OutputLocation"]) is None


@pytest.mark.parametrize("location", ["s3://work/in/none", "s3://work/elsewhere/x", "s3://no-such-bucket/x"])
def test_a_request_that_is_missing_or_that_the_role_may_not_read_fails(served: Async, location: str) -> None:
    served.s3.put_object(Bucket="work", Key="elsewhere/x", Body=b"{}")
    accepted = served.invoke("Async", InputLocation=location)
    found = until(lambda: served.get(accepted["FailureLocation"]))
    assert location in found["Text"]
    assert location in served.heard("failed", accepted["InferenceId"])["failureReason"]


def test_an_answer_that_the_role_may_not_write_is_a_failure(work: Async) -> None:
    config = work.config(S3OutputPath="s3://work/forbidden", KmsKeyId=None)
    with work.cloud.serving("unwritable", variant("A", "async"), AsyncInferenceConfig=config):
        accepted = work.invoke("unwritable")
        message = work.heard("failed", accepted["InferenceId"])
        assert f"Unable to upload the response to {accepted['OutputLocation']}" in message["failureReason"]
        until(lambda: statistic(work.cloud, "ResponseUploadFailures", "unwritable", "A") == 1)


def test_a_model_that_takes_too_long_fails(served: Async) -> None:
    accepted = served.invoke("Async", {"sleep": 5}, InvocationTimeoutSeconds=1)
    found = until(lambda: served.get(accepted["FailureLocation"]))
    assert found["Text"].startswith("Your invocation timed out while waiting for a response")
    assert "server error (0)" in served.heard("failed", accepted["InferenceId"])["failureReason"]


def test_metrics_have_their_official_names_and_dimensions(served: Async) -> None:
    served.answer(served.invoke("Async"))
    failed = served.invoke("Async", {"fail": True})
    until(lambda: served.get(failed["FailureLocation"]))
    cloud = served.cloud
    until(lambda: (statistic(cloud, "InvocationFailures", "Async", "A") or 0) >= 1)
    until(lambda: (statistic(cloud, "InvocationsProcessed", "Async", "A") or 0) >= 2)
    assert names(cloud, "Async", "A") == {
        "ExpiredRequests",
        "Invocation4XXErrors",
        "Invocation5XXErrors",
        "InvocationFailures",
        "InvocationsProcessed",
        "ModelLatency",
        "NotificationFailures",
        "RequestDownloadFailures",
        "RequestDownloadLatency",
        "ResponseUploadFailures",
        "ResponseUploadLatency",
        "TimeInBacklog",
        "TotalProcessingTime",
    }
    assert names(cloud, "Async", None) - {"ApproximateAgeOfOldestRequest"} == {
        "ApproximateBacklogSize",
        "ApproximateBacklogSizePerInstance",
        "HasBacklogWithoutCapacity",
    }
    until(lambda: "CPUUtilization" in names(cloud, "Async", "A", INSTANCES))


def test_each_kind_of_endpoint_takes_its_own_calls_only(served: Async) -> None:
    runtime = served.cloud.client("sagemaker-runtime")
    for call in (runtime.invoke_endpoint, runtime.invoke_endpoint_with_response_stream):
        error = refusal(lambda call=call: call(EndpointName="Async", Body=b"{}"))["Error"]  # type: ignore[misc]
        assert error["Code"] == "ValidationError"
        assert "can only receive asynchronous invocations" in error["Message"]
    with served.cloud.serving("prompt", variant("A", "champion")):
        error = refusal(lambda: served.invoke("prompt"))["Error"]
        assert error["Code"] == "ValidationError"
        assert "cannot receive asynchronous invocations" in error["Message"]


@pytest.mark.parametrize(
    "members",
    [
        {"RequestTTLSeconds": 21_601},
        {"InvocationTimeoutSeconds": 3601},
        {"Filename": "two.dots.json"},
        {"S3OutputPathExtension": "s3:x"},
        {"InferenceId": "x" * 65},
        {"InputLocation": None},
        {"Body": b"{}"},
        {"InputLocation": None, "Body": b"x" * 128_001},
    ],
    ids="-".join,
)
def test_members_outside_the_api_are_refused(served: Async, members: dict[str, Any]) -> None:
    error = refusal(lambda: served.invoke("Async", **members))["Error"]
    assert error["Code"] == "ValidationError"


@pytest.mark.parametrize("value", ["59", "-1", "ten", "1e3", "", "\u0661\u0662\u0663"])
def test_a_time_to_live_that_no_client_of_aws_sends_is_refused(served: Async, value: str) -> None:
    headers = {"X-Amzn-SageMaker-RequestTTLSeconds": value.encode().decode("latin-1")}
    path = "/endpoints/Async/async-invocations"
    request = AWSRequest("POST", served.cloud.url + path, data=b"{}", headers={})
    SigV4Auth(Credentials("test", "test"), "sagemaker", REGION).add_auth(request)
    connection = http.client.HTTPConnection("127.0.0.1", served.cloud.port, timeout=LIMIT)
    with closing(connection):
        connection.request("POST", path, body=b"{}", headers={**request.headers, **headers})
        response = connection.getresponse()
        answer = json.loads(response.read())
    assert (response.status, answer["__type"]) == (400, "ValidationError")
    assert "requestTTLSeconds" in answer["Message"]


def test_the_right_to_invoke_asynchronously_is_needed(served: Async) -> None:
    arn = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:endpoint/async"
    other = {"Effect": "Allow", "Action": "sagemaker:InvokeEndpoint", "Resource": arn}
    call = {"EndpointName": "Async", "ContentType": "application/json", "Body": b"{}"}
    stranger = served.cloud.client("sagemaker-runtime", served.cloud.user("prompt-caller", other))
    error = refusal(lambda: stranger.invoke_endpoint_async(**call))["Error"]
    assert error["Code"] == "AccessDeniedException"
    assert f"sagemaker:InvokeEndpointAsync on resource: {arn}" in error["Message"]
    allowed = other | {"Action": "sagemaker:InvokeEndpointAsync"}
    patient = served.cloud.client("sagemaker-runtime", served.cloud.user("patient-caller", allowed))
    assert served.answer(patient.invoke_endpoint_async(**call))["tag"] == "async"


def test_a_role_that_may_not_publish_fails_the_endpoint(work: Async) -> None:
    cloud = work.cloud
    cloud.model("mute", cloud.role("mute", READ), work.url)
    cloud.config("mute", variant("A", "mute"), AsyncInferenceConfig=work.config())
    cloud.client("sagemaker").create_endpoint(EndpointName="mute", EndpointConfigName="mute")
    described = cloud.settle("mute")
    assert described["EndpointStatus"] == "Failed"
    assert f'has "sns:Publish" permissions for topic "{work.topics["done"]}"' in described["FailureReason"]
    cloud.remove("mute")


def test_a_topic_that_is_deleted_later_costs_no_answer(work: Async) -> None:
    topic = work.cloud.client("sns").create_topic(Name="brief")["TopicArn"]
    publish = {"Effect": "Allow", "Action": "sns:Publish", "Resource": topic}
    document = json.dumps({"Version": "2012-10-17", "Statement": [publish]})
    work.cloud.client("iam").put_role_policy(RoleName="asynchronous", PolicyName="brief", PolicyDocument=document)
    config = work.config(NotificationConfig={"SuccessTopic": topic})
    with work.cloud.serving("unheard", variant("A", "async"), AsyncInferenceConfig=config):
        work.cloud.client("sns").delete_topic(TopicArn=topic)
        assert work.answer(work.invoke("unheard", {"n": 4}))["data"] == {"n": 4}
        until(lambda: statistic(work.cloud, "NotificationFailures", "unheard", "A") == 1)
        assert statistic(work.cloud, "InvocationFailures", "unheard", "A") == 0


def test_an_endpoint_becomes_asynchronous_and_back_in_place(work: Async) -> None:
    cloud, sagemaker = work.cloud, work.cloud.client("sagemaker")
    with cloud.serving("changing", variant("A", "async")):
        assert cloud.invoke("changing")["Body"]["tag"] == "async"
        cloud.config("changed", variant("A", "async"), AsyncInferenceConfig=work.config())
        sagemaker.update_endpoint(EndpointName="changing", EndpointConfigName="changed")
        assert cloud.settle("changing")["EndpointConfigName"] == "changed"
        assert work.answer(work.invoke("changing"))["tag"] == "async"
        work.count("changing", 0)
        sagemaker.update_endpoint(EndpointName="changing", EndpointConfigName="changing")
        assert cloud.settle("changing")["EndpointConfigName"] == "changing"
        assert cloud.invoke("changing")["Body"]["tag"] == "async"
        change = [{"VariantName": "A", "DesiredInstanceCount": 0}]
        arguments = {"EndpointName": "changing", "DesiredWeightsAndCapacities": change}
        error = refusal(lambda: sagemaker.update_endpoint_weights_and_capacities(**arguments))["Error"]
        assert "must be at least 1" in error["Message"]


@pytest.mark.parametrize(
    "members",
    [
        {"DataCaptureConfig": {
            "EnableCapture": True, "InitialSamplingPercentage": 1, "DestinationS3Uri": "s3://work/captured",
            "CaptureOptions": [{"CaptureMode": "Input"}],
        }},
        {"variants": [variant("A", "champion"), variant("B", "champion")]},
        {"variants": [variant("A", "champion", ServerlessConfig={"MemorySizeInMB": 1024, "MaxConcurrency": 1})]},
    ],
    ids=["data capture", "two variants", "serverless"],
)  # fmt: skip
def test_what_aws_does_not_put_together_is_refused(work: Async, members: dict[str, Any]) -> None:
    variants = members.pop("variants", [variant("A", "champion")])
    error = refusal(lambda: work.cloud.config("mixed", *variants, AsyncInferenceConfig=work.config(), **members))[
        "Error"
    ]
    assert error["Code"] == "ValidationException"
    assert error["Message"].startswith("One or more endpoint features are not supported using this configuration")
