"""The answers of InvokeEndpoint as those of an API: the same problems as those of the function, without its code.

API Gateway chooses a response by the status that SageMaker answers, and a mapping template decides the rest.
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html#API_runtime_InvokeEndpoint_Errors
https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-override-request-response-parameters.html
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aws_cdk import aws_apigateway as apigateway

from ml_constructs.front_ends.api._problems import PROBLEMS

# Header of the answer -> that of SageMaker's, as its API spells it.
_PASSED_ON: Final = {
    "Content-Type": "Content-Type",
    "X-Amzn-Invoked-Production-Variant": "x-Amzn-Invoked-Production-Variant",
    "X-Amzn-SageMaker-Custom-Attributes": "X-Amzn-SageMaker-Custom-Attributes",
    "X-Amzn-SageMaker-New-Session-Id": "X-Amzn-SageMaker-New-Session-Id",
    "X-Amzn-SageMaker-Closed-Session-Id": "X-Amzn-SageMaker-Closed-Session-Id",
}
ANSWER_HEADERS: Final = (*_PASSED_ON, "Cache-Control", "X-Content-Type-Options")

_SOON: Final = 1  # seconds
_LATER: Final = 5
_WAKING: Final = 60  # a component without copies takes minutes to start one


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A problem under a condition of the template language, and None is always."""

    kind: str
    status: int
    title: str
    detail: str
    retry_after: int | None = None
    when: str | None = None


def _rejected(status: int, when: str) -> Problem:
    title, detail = "The model rejected the request", "The model does not accept this input."
    return Problem(kind="rejected-by-model", status=status, title=title, detail=detail, when=when)


def _unavailable(detail: str, retry_after: int) -> Problem:
    title = "The endpoint is unavailable right now"
    return Problem(kind="endpoint-unavailable", status=503, title=title, detail=detail, retry_after=retry_after)


_TOO_LARGE: Final = "The body is larger than the endpoint accepts."
_THROTTLED: Final = Problem(
    kind="throttled",
    status=429,
    title="Too many requests",
    detail="The endpoint receives more requests than it can take.",
    retry_after=_SOON,
    when='$message.contains("rate exceeded") || $message.contains("throttl") || $message.contains("too many")',
)
_NOT_READY: Final = "The model is not ready yet"
_BUSY: Final = "The model has no capacity right now"

# Pattern of SageMaker's status, the first is the answer of the model and None all others -> the status that the method
# declares, which a template may override, and the problems in the order in which they are tried.
RESPONSES: Final[tuple[tuple[str | None, int, tuple[Problem, ...]], ...]] = (
    (
        "400",
        400,
        (
            _THROTTLED,
            Problem(
                kind="model-not-ready",
                status=503,
                title=_NOT_READY,
                detail="The model is being started.",
                retry_after=_WAKING,
                when='$message.contains("no capacity")',
            ),
            Problem(
                kind="endpoint-not-found",
                status=503,
                title="The endpoint does not exist right now",
                detail="Try again later.",
                retry_after=_LATER,
                when='$message.contains("endpoint") && $message.contains("not found")',
            ),
            Problem(
                kind="request-rejected",
                status=400,
                title="The endpoint rejected the request",
                detail="The endpoint does not accept this request.",
            ),
        ),
    ),
    (
        "401|403",
        500,
        (
            Problem(
                kind="misconfigured",
                status=500,
                title="The service is misconfigured",
                detail="The service may not call its endpoint.",
            ),
        ),
    ),
    (
        "413",
        413,
        (Problem(kind="body-too-large", status=413, title="The request body is too large", detail=_TOO_LARGE),),
    ),
    (
        "424",
        422,
        (
            Problem(
                kind="model-overloaded",
                status=429,
                title=_BUSY,
                detail="The model is busy.",
                retry_after=_SOON,
                when='$status.startsWith("429")',
            ),
            _rejected(400, '$status.startsWith("400")'),
            _rejected(406, '$status.startsWith("406")'),
            _rejected(413, '$status.startsWith("413")'),
            _rejected(415, '$status.startsWith("415")'),
            _rejected(422, '$status.startsWith("4")'),
            Problem(
                kind="model-overloaded",
                status=503,
                title=_BUSY,
                detail="The model is busy.",
                retry_after=_SOON,
                when='$status.startsWith("503")',
            ),
            Problem(
                kind="model-timed-out",
                status=504,
                title="The model did not answer in time",
                detail="The model did not answer in time.",
                when='$message.contains("timed out")',
            ),
            Problem(
                kind="model-failed",
                status=502,
                title="The model failed",
                detail="The model failed on this request.",
            ),
        ),
    ),
    (
        "429",
        429,
        (
            _THROTTLED,
            Problem(
                kind="model-not-ready",
                status=503,
                title=_NOT_READY,
                detail="The model is still being loaded.",
                retry_after=_LATER,
            ),
        ),
    ),
    ("408|503|530", 503, (_unavailable("The endpoint cannot take requests.", _LATER),)),
    (
        None,
        502,
        (
            Problem(
                kind="endpoint-failed",
                status=502,
                title="The endpoint failed",
                detail="The endpoint failed for an unknown reason.",
            ),
        ),
    ),
)

# Where a caller asks for a binary type, an error is base64 by now: see `CONVERT_TO_TEXT`.
_PROLOGUE: Final = """#set($answer = $input.body)
#if(!$answer.contains("{"))#set($answer = $util.base64Decode($answer))#end
#set($error = $util.parseJson($answer))
#set($status = "$!error.OriginalStatusCode")
#set($text = "$!error.message $!error.Message $!error.OriginalMessage")
#set($message = $text.toLowerCase())
"""


def integration_responses(answer_headers: dict[str, str]) -> list[apigateway.IntegrationResponse]:
    """The answers that a method makes of SageMaker's.

    Args:
        answer_headers: Further headers of each answer, with static values.
    """
    static = {name: f"'{value}'" for name, value in answer_headers.items()}
    answer = {
        **{name: f"integration.response.header.{theirs}" for name, theirs in _PASSED_ON.items()},
        "Cache-Control": "'no-store'",
        "X-Content-Type-Options": "'nosniff'",
        **static,
    }
    problem = {"Content-Type": "'application/problem+json'", "Cache-Control": "'no-store'", **static}
    return [
        apigateway.IntegrationResponse(
            status_code="200", selection_pattern=r"2\d{2}", response_parameters=_of_method(answer)
        ),
        *(
            apigateway.IntegrationResponse(
                status_code=str(status),
                selection_pattern=pattern,
                # A template cannot read a binary answer, as which API Gateway treats all for callers that accept one.
                content_handling=apigateway.ContentHandling.CONVERT_TO_TEXT,
                response_parameters=_of_method(problem),
                response_templates={"application/json": template(status, problems)},
            )
            for pattern, status, problems in RESPONSES
        ),
    ]


def method_responses(headers: Sequence[str]) -> list[apigateway.MethodResponse]:
    """The statuses and headers that a method declares, without which API Gateway refuses to map to them."""
    declared = {f"method.response.header.{name}": True for name in headers}
    statuses = [200, *(status for _, status, _ in RESPONSES)]
    return [apigateway.MethodResponse(status_code=str(status), response_parameters=declared) for status in statuses]


def template(status: int, problems: Sequence[Problem]) -> str:
    """The mapping template that chooses between problems; nothing of SageMaker's answer is passed on."""
    *conditional, otherwise = problems
    branches = [
        f"{'#elseif' if number else '#if'}({each.when})\n{_render(each, status)}"
        for number, each in enumerate(conditional)
    ]
    if not branches:
        return _render(otherwise, status)
    return f"{_PROLOGUE}{''.join(branches)}#else\n{_render(otherwise, status)}#end"


def _render(problem: Problem, declared: int) -> str:
    body = {
        "type": PROBLEMS + problem.kind,
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "instance": "$context.requestId",
    }
    override = f"#set($context.responseOverride.status = {problem.status})\n" if problem.status != declared else ""
    header = "$context.responseOverride.header.Retry-After"
    advice = "" if problem.retry_after is None else f'#set({header} = "{problem.retry_after}")\n'
    return f"{override}{advice}{json.dumps(body)}\n"


def _of_method(headers: dict[str, str]) -> dict[str, str]:
    return {f"method.response.header.{name}": value for name, value in headers.items()}
