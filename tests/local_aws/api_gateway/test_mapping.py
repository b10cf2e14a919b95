from __future__ import annotations

import pytest

from tests.local_aws.api_gateway import mapping, templates
from tests.local_aws.api_gateway.mapping import ConversionError, Source
from tests.local_aws.api_gateway.templates import Overrides, TemplateError

REQUEST = Source(
    "method.request",
    {"Accept": "image/png, */*", "X-One": "1"},
    b'{"a": {"b": [1]}}',
    query={"q": "2"},
    path={"p": "3"},
    context={"requestId": "id", "identity": {"sourceIp": "::1"}},
    stage_variables={"v": "4"},
)
PARAMETERS = {"path": {"n": "path"}, "querystring": {"n": "query", "q": "query"}, "header": {"h": "header"}}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("'text'", "text"),
        ("method.request.header.x-one", "1"),
        ("method.request.header.x-two", None),
        ("method.request.querystring.q", "2"),
        ("method.request.path.p", "3"),
        ("method.request.body.a.b", "[1]"),
        ("method.request.body.a.c", None),
        ("context.requestId", "id"),
        ("context.identity.sourceIp", "::1"),
        ("stageVariables.v", "4"),
    ],
)
def test_expressions(expression: str, value: str | None) -> None:
    assert REQUEST.value(expression) == value


@pytest.mark.parametrize("expression", ["integration.response.header.x", "method.request.cookie.x", "x"])
def test_expressions_that_are_none(expression: str) -> None:
    with pytest.raises(ValueError, match="Invalid mapping expression"):
        REQUEST.value(expression)


def test_what_is_missing_is_not_sent() -> None:
    given = {"to.A": "method.request.header.X-One", "to.B": "method.request.header.X-Two", "other.C": "'c'"}
    assert mapping.parameters(given, "to.", REQUEST) == {"A": "1"}
    assert mapping.filled("/endpoints/{name}/x{none}", {"name": "e"}) == "/endpoints/e/x"


@pytest.mark.parametrize(
    ("handling", "binary", "given", "made"),
    [
        (None, True, b"\xff", b"\xff"),
        (None, False, b"\xff", "\ufffd".encode()),
        ("CONVERT_TO_TEXT", True, b"\xff", b"/w=="),
        ("CONVERT_TO_TEXT", False, b"text", b"text"),
        ("CONVERT_TO_BINARY", False, b"/w==", b"\xff"),
        ("CONVERT_TO_BINARY", True, b"\xff", b"\xff"),
    ],
)
def test_conversion(handling: str | None, binary: bool, given: bytes, made: bytes) -> None:  # noqa: FBT001
    assert mapping.converted(given, handling, binary=binary) == made


def test_text_that_is_no_base64_becomes_no_binary() -> None:
    with pytest.raises(ConversionError):
        mapping.converted(b"?", "CONVERT_TO_BINARY", binary=False)


@pytest.mark.parametrize(
    ("header", "binary", "is_one"),
    [
        ("image/png, text/csv", ["image/png"], True),
        ("text/csv, image/png", ["image/png"], False),
        ("IMAGE/PNG; q=1", ["image/*"], True),
        ("a/b", ["*/*"], True),
        (None, ["*/*"], False),
    ],
)
def test_the_first_media_type_decides(header: str | None, binary: list[str], is_one: bool) -> None:  # noqa: FBT001
    assert mapping.is_binary(header, binary) is is_one


def test_a_template_is_chosen_by_content_type_or_the_type_is_refused() -> None:
    known = {"application/json": "t"}
    assert mapping.template_for(known, "NEVER", "application/json; charset=utf-8") == "t"
    assert mapping.template_for(known, "NEVER", None) == "t"
    assert mapping.template_for(known, "WHEN_NO_MATCH", "text/csv") is None
    assert mapping.template_for({}, "WHEN_NO_TEMPLATES", "text/csv") is None
    for given, behaviour in ((known, "WHEN_NO_TEMPLATES"), (known, "NEVER"), ({}, "NEVER")):
        with pytest.raises(LookupError):
            mapping.template_for(given, behaviour, "text/csv")


def test_the_response_of_a_status() -> None:
    responses = {"200": {"statusCode": "200"}, "400": {"statusCode": "400", "selectionPattern": r"4\d{2}"}}
    assert mapping.response_for(responses, 404) == responses["400"]
    assert mapping.response_for(responses, 500) == responses["200"]
    assert mapping.response_for({"400": responses["400"]}, 500) is None


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("$input.body", '{"a": {"b": [1, "x"]}}'),
        ("$input.json('$.a.b')", '[1,"x"]'),
        ("$input.path('$.a.b[1]')", "x"),
        ("$input.params('n')$input.params('q')$input.params('h')$input.params('z')", "pathqueryheader"),
        ("$util.base64Decode($util.base64Encode('é'))", "é"),
        ("$util.urlDecode($util.urlEncode('a b&'))", "a b&"),
        ("$util.escapeJavaScript('\"')", '\\"'),
        ("$context.requestId", "id"),
        ("#set($x = $util.parseJson($input.body))$!x.a.none|$x.a.b.size()", "|2"),
        ("#set($x = 'ABC')#if($x.toLowerCase().contains('bc') || $x == '')yes#{else}no#end", "yes"),
    ],
)
def test_templates(template: str, text: str) -> None:
    body = '{"a": {"b": [1, "x"]}}'
    assert templates.render(template, body, PARAMETERS, {"requestId": "id"}) == (text, Overrides())


def test_a_template_overrides_status_and_headers() -> None:
    template = (
        "#set($context.responseOverride.status = 429)\n"
        '#set($context.responseOverride.header.Retry-After = "1")\n{}'
    )  # fmt: skip
    text, overridden = templates.render(template, "", PARAMETERS, {})
    assert (text.strip(), overridden) == ("{}", Overrides(429, {"Retry-After": "1"}))


def test_a_malformed_template_is_an_error() -> None:
    with pytest.raises(TemplateError):
        templates.render("#if(true)", "", PARAMETERS, {})
