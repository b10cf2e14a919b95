"""API Gateway's integration with the SageMaker runtime: a request mapped, sent with a role, and its answer mapped.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-integration-types.html
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from tests.local_aws import seams
from tests.local_aws.acting import Actor, Answer, RoleError
from tests.local_aws.api_gateway import mapping, templates
from tests.local_aws.api_gateway.mapping import ConversionError, Source
from tests.local_aws.api_gateway.templates import Overrides, TemplateError
from tests.local_aws.seams import GatewayError, IntegrationCall, Reply

SERVICE: Final = "runtime.sagemaker"
_PRINCIPAL: Final = "apigateway.amazonaws.com"
_SIGNING_NAME: Final = "sagemaker"
_JSON: Final = "application/json"
_INTERNAL: Final = "Internal server error"
_TIMEOUT: Final = 29_000  # milliseconds


class _RefusedError(Exception):
    """API Gateway answers by itself."""

    def __init__(self, kind: str, message: str = _INTERNAL) -> None:
        super().__init__(message)
        self.answer = GatewayError(kind, message)


async def invoke(call: IntegrationCall) -> Reply | GatewayError:
    """Answer a request by calling the SageMaker runtime."""
    source = _source(call)
    try:
        answer = await _sent(call, *_mapped(call, source))
        return _reply(call, source, answer)
    except _RefusedError as error:
        return error.answer


def _mapped(call: IntegrationCall, source: Source) -> tuple[str, dict[str, str], bytes]:
    """Path, headers and body of the integration's request."""
    integration, content_type = call.integration, source.header("content-type")
    try:
        template = mapping.template_for(
            integration.get("requestTemplates") or {},
            (integration.get("passthroughBehavior") or "WHEN_NO_MATCH").upper(),
            content_type,
        )
        is_binary = mapping.is_binary(content_type, call.binary_media_types)
        body = mapping.converted(call.body, integration.get("contentHandling"), binary=is_binary)
    except LookupError:
        raise _RefusedError("UNSUPPORTED_MEDIA_TYPE", "Unsupported Media Type") from None
    except ConversionError:
        raise _RefusedError("DEFAULT_4XX", "Unable to base64 decode the body.") from None
    body, overridden = _rendered(template, body, source)
    given = integration.get("requestParameters") or {}
    headers = mapping.parameters(given, "integration.request.header.", source) | overridden.headers
    path = mapping.filled(call.path, mapping.parameters(given, "integration.request.path.", source))
    return path, {"Content-Type": _JSON} | _titled(headers), body


async def _sent(call: IntegrationCall, path: str, headers: dict[str, str], body: bytes) -> Answer:
    integration = call.integration
    actor = Actor(_PRINCIPAL, integration.get("credentials") or "", call.source_arn, call.account, call.region)
    method = integration.get("httpMethod") or "POST"
    # Not cancelled after the time, like the request itself on AWS: only nobody waits for it.
    sending = asyncio.ensure_future(seams.on_thread(actor.send, _SIGNING_NAME, method, path, headers, body))
    try:
        seconds = int(integration.get("timeoutInMillis") or _TIMEOUT) / 1000
        answer: Answer = await asyncio.wait_for(asyncio.shield(sending), seconds)
    except TimeoutError:
        raise _RefusedError("INTEGRATION_TIMEOUT", "Endpoint request timed out") from None
    except RoleError:
        raise _RefusedError("API_CONFIGURATION_ERROR") from None
    except OSError:
        raise _RefusedError("INTEGRATION_FAILURE") from None
    return answer


def _rendered(template: str | None, body: bytes, request: Source) -> tuple[bytes, Overrides]:
    if not template:
        return body, Overrides()
    values = {"path": request.path, "querystring": request.query, "header": request.headers}
    try:
        text, overridden = templates.render(template, body.decode(errors="replace"), values, request.context)
    except TemplateError:
        raise _RefusedError("API_CONFIGURATION_ERROR") from None
    return text.encode(), overridden


def _source(call: IntegrationCall) -> Source:
    context: dict[str, Any] = {
        "apiId": call.api_id,
        "accountId": call.account,
        "authorizer": call.authorizer,
        "httpMethod": call.method,
        "path": f"/{call.stage}{call.request_path}",
        "requestId": call.request_id,
        "resourcePath": call.resource_path,
        "stage": call.stage,
    }
    return Source(
        "method.request", call.headers, call.body, call.query, call.path_parameters, context, call.stage_variables
    )


def _reply(call: IntegrationCall, request: Source, answer: Answer) -> Reply:
    chosen = mapping.response_for(call.integration.get("integrationResponses") or {}, answer.status)
    if chosen is None:
        raise _RefusedError("API_CONFIGURATION_ERROR")
    source = Source("integration.response", answer.headers, answer.body, context=request.context)
    headers = mapping.parameters(chosen.get("responseParameters") or {}, "method.response.header.", source)
    accepts = mapping.is_binary(request.header("accept"), call.binary_media_types)
    is_binary = accepts and mapping.is_binary(answer.headers.get("content-type"), call.binary_media_types)
    try:
        body = mapping.converted(answer.body, chosen.get("contentHandling"), binary=is_binary)
    except ConversionError:
        raise _RefusedError("API_CONFIGURATION_ERROR") from None
    given = chosen.get("responseTemplates") or {}
    kind = mapping.media_type(request.header("accept"))
    kind = kind if kind in given else next(iter(given), _JSON)
    body, overridden = _rendered(given.get(kind), body, request)
    status = int(chosen["statusCode"]) if overridden.status is None else overridden.status
    return status, {"Content-Type": kind} | _titled(headers | overridden.headers), body


def _titled(headers: dict[str, str]) -> dict[str, str]:
    """With the content type under the name of the default, which it replaces."""
    return {"Content-Type" if name.lower() == "content-type" else name: value for name, value in headers.items()}
