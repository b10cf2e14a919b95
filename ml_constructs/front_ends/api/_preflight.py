"""The answer to a browser that asks whether a page of another origin may send a request."""

from __future__ import annotations

from aws_cdk import aws_apigateway as apigateway

from ml_constructs.front_ends.api.cors import Cors


def add_preflight(resource: apigateway.IResource, cors: Cors) -> None:
    """Add the method OPTIONS, which browsers call without credentials, and which calls nothing.

    aws-cdk's own fails where the API treats all types as binary, for want of a content handling.
    """
    headers = cors.of_preflight
    resource.add_method(
        "OPTIONS",
        apigateway.MockIntegration(
            content_handling=apigateway.ContentHandling.CONVERT_TO_TEXT,
            passthrough_behavior=apigateway.PassthroughBehavior.NEVER,
            request_templates={"application/json": '{"statusCode": 204}'},
            integration_responses=[
                apigateway.IntegrationResponse(
                    status_code="204",
                    response_parameters={f"method.response.header.{name}": f"'{headers[name]}'" for name in headers},
                )
            ],
        ),
        authorization_type=apigateway.AuthorizationType.NONE,
        method_responses=[
            apigateway.MethodResponse(
                status_code="204", response_parameters={f"method.response.header.{name}": True for name in headers}
            )
        ],
    )
