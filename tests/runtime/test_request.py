from __future__ import annotations

import base64
from typing import Any

import pytest
from botocore.session import get_session  # type: ignore[import-untyped]  # ships no types
from hypothesis import given, settings
from hypothesis import strategies as st

from invoke_endpoint.problem import Problem
from invoke_endpoint.request import Invocation, parse, request_id
from invoke_endpoint.settings import BODY_LIMIT, Settings
from tests.runtime.conftest import REQUEST_ID, proxy_event

SETTINGS = Settings(endpoint_name="tabular", allow_target_variant=True)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
PARAMETERS = {
    "ContentType",
    "Accept",
    "CustomAttributes",
    "InferenceId",
    "PrefixAwareId",
    "SessionId",
    "TargetVariant",
}
EVENT = st.fixed_dictionaries(
    {"requestContext": st.just({}) | JSON},
    optional={
        "headers": st.dictionaries(st.text() | st.just("content-type"), st.text() | JSON) | JSON,
        "multiValueHeaders": st.dictionaries(st.text(), st.lists(st.text()) | JSON) | JSON,
        "body": st.text() | st.binary().map(lambda data: base64.b64encode(data).decode()) | JSON,
        "isBase64Encoded": st.booleans() | JSON,
        "httpMethod": st.just("POST") | JSON,
    },
)


def refused(event: object, limits: Settings = SETTINGS) -> str:
    with pytest.raises(Problem) as caught:
        parse(event, limits)
    return caught.value.kind


@settings(derandomize=True, database=None, deadline=None)
@given(EVENT | JSON)
def test_any_event_is_either_understood_or_refused(event: object) -> None:
    try:
        result: Invocation | Problem = parse(event, SETTINGS)
    except Problem as problem:
        result = problem
    if isinstance(result, Problem):
        assert 400 <= result.status < 500
    else:
        assert result.body
        assert set(result.parameters) <= PARAMETERS


def test_text_and_its_type_pass_through() -> None:
    event = proxy_event("1,2\n", {"content-TYPE": "text/csv; charset=utf-8", "Accept": "text/csv, */*;q=0.1"})
    parameters = {"ContentType": "text/csv; charset=utf-8", "Accept": "text/csv, */*;q=0.1"}
    assert parse(event, SETTINGS) == Invocation(body=b"1,2\n", parameters=parameters)


@pytest.mark.parametrize("headers", [{}, {"Content-Type": ""}, {"Accept": ""}])
def test_without_a_content_type_the_body_is_json(headers: dict[str, str]) -> None:
    assert parse(proxy_event("{}", headers), SETTINGS).parameters == {"ContentType": "application/json"}


def test_headers_may_be_absent() -> None:
    event: dict[str, Any] = {
        "requestContext": {},
        "headers": None,
        "multiValueHeaders": None,
        "body": "{}",
        "isBase64Encoded": False,
    }
    assert parse(event, SETTINGS).body == b"{}"


def test_repeated_headers_are_joined() -> None:
    event = proxy_event("{}", {})
    event["headers"] = {"accept": "text/csv"}  # a proxy event has the last one here
    event["multiValueHeaders"] = {"Accept": ["application/json", "text/csv"]}
    assert parse(event, SETTINGS).parameters["Accept"] == "application/json, text/csv"


def test_only_repeated_headers_will_do() -> None:
    event = proxy_event("{}", {})
    del event["headers"]
    event["multiValueHeaders"] = {"X-Amzn-SageMaker-Target-Variant": ["a", "b"]}
    assert refused(event) == "invalid-header"
    event["multiValueHeaders"] = {"X-Amzn-SageMaker-Target-Variant": ["a"]}
    assert parse(event, SETTINGS).parameters["TargetVariant"] == "a"


def test_the_variant_is_chosen_by_weights_unless_allowed() -> None:
    event = proxy_event("{}", {"X-Amzn-SageMaker-Target-Variant": "challenger"})
    assert refused(event, Settings(endpoint_name="e")) == "target-variant-not-allowed"
    assert parse(event, SETTINGS).parameters["TargetVariant"] == "challenger"


@pytest.mark.parametrize(
    ("header", "good", "bad"),
    [
        ("content-type", ["a" * 1024], ["a" * 1025, "téxt", "a\r\nb: c", "a\x00"]),
        ("accept", ["a" * 1024], ["a" * 1025, "é", "a\nb"]),
        ("x-amzn-sagemaker-custom-attributes", ["", "a" * 1024, "a\tb c=1"], ["a" * 1025, "é", "a\r\nb"]),
        ("x-amzn-sagemaker-inference-id", ["1", "a" * 64, "a b"], ["", "a" * 65, " a", "é", "a\n"]),
        ("x-amzn-sagemaker-prefix-aware-id", ["1", "a" * 64, "a b"], ["", "a" * 65, " a", "é", "a\n"]),
        ("x-amzn-sagemaker-session-id", ["NEW_SESSION", "a" * 256, "a--b"], ["", "a" * 257, "-a", "a-", "a_b", "a\n"]),
        ("x-amzn-sagemaker-target-variant", ["a", "a" * 63, "a--b"], ["", "a" * 64, "-a", "a-", "a.b", "a\n"]),
    ],
)
def test_headers_have_the_limits_of_the_service(header: str, good: list[str], bad: list[str]) -> None:
    for value in good:
        parse(proxy_event("{}", {header: value}), SETTINGS)
    for value in bad:
        assert refused(proxy_event("{}", {header: value})) == "invalid-header", value


def test_the_limits_are_those_of_the_service_model() -> None:
    shape = get_session().get_service_model("sagemaker-runtime").operation_model("InvokeEndpoint").input_shape
    limits = {name: member.metadata.get("max") for name, member in shape.members.items()}
    assert limits["Body"] == BODY_LIMIT
    assert {name: limits[name] for name in ("ContentType", "Accept", "CustomAttributes")} == dict.fromkeys(
        ("ContentType", "Accept", "CustomAttributes"), 1024
    )
    assert (limits["InferenceId"], limits["SessionId"], limits["TargetVariant"]) == (64, 256, 63)
    assert (limits["TargetModel"], limits["TargetContainerHostname"]) == (1024, 63)
    assert (limits["EnableExplanations"], limits["PrefixAwareId"]) == (64, 64)
    assert limits["EndpointName"] == 63


def test_every_argument_of_the_service_has_its_header_or_setting() -> None:
    shape = get_session().get_service_model("sagemaker-runtime").operation_model("InvokeEndpoint").input_shape
    of_settings = {"EndpointName", "Body", "InferenceComponentName"}
    optional = {"TargetModel", "TargetContainerHostname", "EnableExplanations"}
    assert set(shape.members) == PARAMETERS | of_settings | optional


@pytest.mark.parametrize(
    ("field", "header", "argument"),
    [
        ("target_models", "x-amzn-sagemaker-target-model", "TargetModel"),
        ("target_containers", "x-amzn-sagemaker-target-container-hostname", "TargetContainerHostname"),
    ],
)
def test_a_target_is_one_of_those_listed(field: str, header: str, argument: str) -> None:
    limits = Settings(endpoint_name="e", **{field: ("a*", "b.", "c?d")})  # type: ignore[arg-type]
    for name in ("a", "a-1", "cxd"):
        assert parse(proxy_event("{}", {header: name}), limits).parameters[argument] == name
    for name in ("bx", "cd", "cxxd", "xa", "A"):
        assert refused(proxy_event("{}", {header: name}), limits) == "target-not-allowed"
    for name in ("", "x" * 1025, "a-é"):
        assert refused(proxy_event("{}", {header: name}), limits) == "invalid-header"
    assert refused(proxy_event("{}"), limits) == "invalid-header"  # SageMaker answers no request without one
    assert refused(proxy_event("{}", {header: "a"})) == "invalid-header"


def test_models_may_be_anything_printable() -> None:
    limits = Settings(endpoint_name="e", target_models=("*",))
    for name in ("tenant a/model.tar.gz", "!" * 1024):
        event = proxy_event("{}", {"X-Amzn-SageMaker-Target-Model": name})
        assert parse(event, limits).parameters["TargetModel"] == name


def test_explanations_are_the_endpoints_choice_unless_allowed() -> None:
    event = proxy_event("{}", {"X-Amzn-SageMaker-Enable-Explanations": "`true`"})
    assert refused(event) == "invalid-header"
    allowing = Settings(endpoint_name="e", allow_explanations=True)
    assert parse(event, allowing).parameters["EnableExplanations"] == "`true`"
    for value in ("", "a" * 65, "é"):
        headers = {"X-Amzn-SageMaker-Enable-Explanations": value}
        assert refused(proxy_event("{}", headers), allowing) == "invalid-header"


@pytest.mark.parametrize(
    "header", ["X-Amzn-SageMaker-Target-Model", "x-amzn-sagemaker-inference-component", "x-amzn-sagemaker-new"]
)
def test_what_would_be_ignored_is_refused(header: str) -> None:
    assert refused(proxy_event("{}", {header: "other"})) == "invalid-header"


@pytest.mark.parametrize("body", [None, ""])
def test_a_body_is_needed(body: str | None) -> None:
    assert refused(proxy_event(body)) == "missing-body"


@pytest.mark.parametrize("body", ["?", "YQ", "YQ==YQ==", "Y Q==", "é", "a===="])
def test_base64_must_be_valid(body: str) -> None:
    assert refused(proxy_event(body, base64=True)) == "malformed-body"


def test_text_must_be_unicode() -> None:
    assert refused(proxy_event("\ud800")) == "malformed-body"


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 100])
@pytest.mark.parametrize("encoded", [False, True])
def test_the_size_limit_counts_decoded_bytes(*, limit: int, encoded: bool) -> None:
    limited = Settings(endpoint_name="e", max_body_bytes=limit)

    def event(size: int) -> dict[str, Any]:
        body = base64.b64encode(b"x" * size).decode() if encoded else "x" * size
        return proxy_event(body, base64=encoded)

    assert len(parse(event(limit), limited).body) == limit
    assert refused(event(limit + 1), limited) == "body-too-large"
    assert refused(event(limit + 50), limited) == "body-too-large"


def test_the_size_limit_counts_bytes_not_characters() -> None:
    limited = Settings(endpoint_name="e", max_body_bytes=3)
    assert parse(proxy_event("€"), limited).body == b"\xe2\x82\xac"
    assert refused(proxy_event("€a"), limited) == "body-too-large"


@pytest.mark.parametrize("encoding", ["gzip", "br", "gzip, identity"])
def test_a_compressed_body_is_refused(encoding: str) -> None:
    assert refused(proxy_event("{}", {"Content-Encoding": encoding})) == "unsupported-encoding"
    parse(proxy_event("{}", {"Content-Encoding": "Identity"}), SETTINGS)


def test_other_methods_are_refused() -> None:
    event = {**proxy_event("{}"), "httpMethod": "GET"}
    assert refused(event) == "method-not-allowed"


@pytest.mark.parametrize(
    "change",
    [
        {"headers": "x"},
        {"multiValueHeaders": ["x"]},
        {"headers": {"accept": 1}},
        {"multiValueHeaders": {"accept": 1}},
        {"multiValueHeaders": {"accept": [None]}},
        {"body": 1},
        {"body": {"a": 1}},
        {"headers": {1: "x"}},
    ],
)
def test_an_event_of_another_form_is_refused(change: dict[str, object]) -> None:
    assert refused({**proxy_event("{}"), **change}) == "malformed-event"


@pytest.mark.parametrize("event", [None, 1, [], {}, {"requestContext": 1}, {"Records": []}])
def test_an_event_of_another_source_is_refused(event: object) -> None:
    assert refused(event) == "malformed-event"


def test_an_http_api_omits_an_empty_body() -> None:
    assert refused({"requestContext": {"http": {"method": "POST"}}, "headers": {}}) == "missing-body"


def test_the_function_may_be_called_without_an_api() -> None:
    event = {"body": "/9j/", "isBase64Encoded": True, "headers": {"content-type": "image/jpeg"}}
    assert parse(event, SETTINGS) == Invocation(body=b"\xff\xd8\xff", parameters={"ContentType": "image/jpeg"})
    assert parse({"body": "[1]"}, SETTINGS).body == b"[1]"


@pytest.mark.parametrize("identity", [1, None, "", "a" * 129, "a b", "\n", "\ud800", "é"])
def test_an_id_that_no_api_gives_is_not_used(identity: object) -> None:
    assert request_id({"requestContext": {"requestId": identity}}) is None


@pytest.mark.parametrize("event", [None, 1, {}, {"requestContext": 1}, {"requestContext": {}}])
def test_an_event_may_have_no_id(event: object) -> None:
    assert request_id(event) is None
    assert request_id(proxy_event("{}")) == REQUEST_ID
