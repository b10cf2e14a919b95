"""Which requests an API takes: where, of what type, and of what form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Any, Final

from aws_cdk import aws_apigateway as apigateway

from ml_constructs._checks import check_pattern, check_type, is_token

_TEXT_TYPES: Final = ("text/", "application/json", "application/x-ndjson", "application/jsonlines")


@dataclass(frozen=True, kw_only=True)
class Requests:
    """The requests that the one method takes.

    Args:
        path: Its path, without a leading slash.
        content_type: The type of requests and answers.
        schema: What bodies must be. Default: the model decides.
    """

    path: str
    content_type: str
    schema: apigateway.JsonSchema | None

    def __post_init__(self) -> None:
        check_type((apigateway.JsonSchema, NoneType), request_schema=self.schema)
        check_type(str, content_type=self.content_type, path=self.path)
        media_type = r"[a-zA-Z0-9_.+*-]+/[a-zA-Z0-9_.+*-]+"
        check_pattern("content_type", self.content_type, media_type, "a media type without parameters")
        if self.schema is not None and not is_token(self.content_type) and self.content_type != "application/json":
            raise ValueError(f"content_type must be application/json with request_schema, got {self.content_type!r}")
        segment = r"[a-zA-Z0-9_.:-]+"
        rule = "segments of letters, digits, '.', '_', ':' and '-'"
        check_pattern("path", self.path, rf"{segment}(/{segment})*", rule)
        if is_token(self.path):
            raise ValueError("path must be known at synthesis, got a token")

    @property
    def binary_types(self) -> list[str] | None:
        """The types that API Gateway must not take for text."""
        lower = self.content_type.lower()
        text = is_token(self.content_type) or lower.startswith(_TEXT_TYPES) or lower.endswith(("+json", "+xml", "/xml"))
        return None if text else [self.content_type]

    def accept(
        self, api: apigateway.RestApi, further_headers: Sequence[str]
    ) -> tuple[apigateway.IResource, dict[str, Any]]:
        """Create where requests go, and what a method there needs to refuse others.

        The order in which they are made is part of the deployment's id.

        Args:
            api: The API.
            further_headers: Headers that may be sent, and are declared because the integration passes them on.
        """
        models: dict[str, apigateway.IModel] | None = None
        if self.schema is not None:
            model = api.add_model("Request", content_type="application/json", schema=self.schema)
            # Other content types would not be validated:
            # https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-request-validation.html
            models = {"$default": model}
        resource = api.root.resource_for_path(self.path)
        headers = {**dict.fromkeys(further_headers, False), "Content-Type": True}
        return resource, {
            "request_models": models,
            "request_parameters": {f"method.request.header.{name}": headers[name] for name in headers},
            "request_validator": api.add_request_validator(
                "Validator", validate_request_body=True, validate_request_parameters=True
            ),
        }
