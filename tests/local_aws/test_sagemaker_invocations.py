"""InvokeEndpoint: who answers, what the caller gets, what is refused."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.local_aws.sagemaker_harness import Emulator, refusal, variant


@pytest.fixture(scope="module")
def served(cloud: Emulator) -> Iterator[Emulator]:
    with cloud.serving("Served", variant("A", "champion", 3), variant("B", "challenger")):
        yield cloud


def test_weights_share_out_the_traffic(served: Emulator) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: served.invoke("Served"), range(200)))
    counts = Counter(answer["InvokedProductionVariant"] for answer in answers)
    assert 130 <= counts["A"] <= 170
    assert {answer["Body"]["tag"] for answer in answers if answer["InvokedProductionVariant"] == "B"} == {"challenger"}


def test_a_target_variant_is_obeyed(served: Emulator) -> None:
    assert {served.invoke("Served", TargetVariant="B")["InvokedProductionVariant"] for _ in range(10)} == {"B"}
    error = refusal(lambda: served.invoke("Served", TargetVariant="C"))["Error"]
    assert (error["Code"], error["Message"]) == ("ValidationError", "Variant C not found for Request.")


def test_an_endpoint_must_exist(cloud: Emulator) -> None:
    error = refusal(lambda: cloud.invoke("none"))["Error"]
    assert (error["Code"], error["Message"]) == (
        "ValidationError",
        "Endpoint none of account 000000000000 not found.",
    )


def test_a_model_error_keeps_the_status_and_message_of_the_model_and_names_its_log(served: Emulator) -> None:
    response = refusal(lambda: served.invoke("Served", {"fail": True}, TargetVariant="A"))
    assert response["Error"]["Code"] == "ModelError"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert response["OriginalStatusCode"] == 500
    assert response["OriginalMessage"].startswith("the model does not like this")
    assert response["Error"]["Message"].startswith('Received server error (500) from primary with message "the model')
    prefix = "arn:aws:logs:us-east-1:000000000000:log-group:/aws/sagemaker/Endpoints/Served:log-stream:A/i-"
    assert re.fullmatch(prefix + "[0-9a-f]{17}", response["LogStreamArn"])


@pytest.mark.parametrize(
    "members", [{"InferenceId": "x" * 65}, {"CustomAttributes": "x" * 1025}, {"TargetVariant": "not valid"}]
)
def test_members_outside_the_api_are_refused(served: Emulator, members: dict[str, str]) -> None:
    assert refusal(lambda: served.invoke("Served", **members))["Error"]["Code"] == "ValidationError"


def test_a_body_has_a_limit(served: Emulator) -> None:
    runtime = served.client("sagemaker-runtime")
    body = b"x" * (6_291_456 + 1)
    error = refusal(lambda: runtime.invoke_endpoint(EndpointName="Served", Body=body))["Error"]
    assert error["Code"] == "ValidationError"


def test_members_of_features_that_are_not_served_are_refused(served: Emulator) -> None:
    error = refusal(lambda: served.invoke("Served", EnableExplanations="`true`"))["Error"]
    assert error["Code"] == "ValidationError"
    assert error["Message"] == "Endpoint Served does not support EnableExplanations."


def test_only_callers_with_the_right_invoke(served: Emulator) -> None:
    arn = "arn:aws:sagemaker:us-east-1:000000000000:endpoint/served"
    allowed = served.user("invoker", {"Effect": "Allow", "Action": "sagemaker:InvokeEndpoint", "Resource": arn})
    body = {"EndpointName": "Served", "ContentType": "application/json", "Body": b"{}"}
    assert served.client("sagemaker-runtime", allowed).invoke_endpoint(**body)["InvokedProductionVariant"]
    stranger = served.client("sagemaker-runtime", served.user("nobody"))
    response = refusal(lambda: stranger.invoke_endpoint(**body))
    assert response["Error"]["Code"] == "AccessDeniedException"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert arn in response["Error"]["Message"]
    forger = served.client("sagemaker-runtime", allowed | {"aws_secret_access_key": "wrong"})
    assert refusal(lambda: forger.invoke_endpoint(**body))["Error"]["Code"] == "InvalidSignatureException"
