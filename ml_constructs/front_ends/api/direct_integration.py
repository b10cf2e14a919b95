"""API Gateway calls SageMaker itself, without a function in between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_iam as iam
from constructs import Construct

from ml_constructs._checks import check_type
from ml_constructs._environment import environment_of
from ml_constructs.front_ends._called import check_called
from ml_constructs.front_ends.api._direct_responses import ANSWER_HEADERS, integration_responses, method_responses
from ml_constructs.interfaces.component import IInferenceComponent
from ml_constructs.interfaces.endpoint import IEndpoint

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html#API_runtime_InvokeEndpoint_RequestSyntax
_HEADERS: Final = (
    "Content-Type",
    "Accept",
    "X-Amzn-SageMaker-Custom-Attributes",
    "X-Amzn-SageMaker-Inference-Id",
    "X-Amzn-SageMaker-Session-Id",
)
_TARGET_VARIANT: Final = "X-Amzn-SageMaker-Target-Variant"
_COMPONENT: Final = "X-Amzn-SageMaker-Inference-Component"


@dataclass(frozen=True, kw_only=True)
class DirectIntegration:
    """An endpoint that API Gateway calls itself: no function to pay for and to warm up, and fewer checks.

    API Gateway passes on the body and the headers that InvokeEndpoint has, and turns its errors into the problems of
    the function. It neither checks headers, nor tries again, nor tells what the model said about a rejected input.

    Args:
        endpoint: The endpoint to call; not an asynchronous one, which answers nobody who waits.
        component: The inference component to call on it, required for a shared endpoint. Default: none.
        allow_target_variant: Whether callers may choose the variant. Otherwise their header is dropped.
            Default: False, the endpoint's weights decide.

    Raises:
        ValueError: the endpoint is asynchronous, or the component is missing or on another endpoint.

    See https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-integration-types.html
    """

    endpoint: IEndpoint
    component: IInferenceComponent | None = None
    allow_target_variant: bool = False

    def __post_init__(self) -> None:
        check_called(self.endpoint, self.component)
        check_type(bool, allow_target_variant=self.allow_target_variant)

    @property
    def request_headers(self) -> tuple[str, ...]:
        """The headers that API Gateway passes on."""
        return (*_HEADERS, _TARGET_VARIANT) if self.allow_target_variant else _HEADERS

    def create_role(self, scope: Construct) -> tuple[iam.Role, iam.ManagedPolicy]:
        """The role with which API Gateway calls this endpoint and no other, and what must exist before its use."""
        # API Gateway documents no source keys for roles. Where it sends the account, it must be this one.
        own = {"StringEqualsIfExists": {"aws:SourceAccount": environment_of(scope).account}}
        role = iam.Role(
            scope,
            "Role",
            assumed_by=iam.ServicePrincipal("apigateway.amazonaws.com", conditions=own),
            description="Lets API Gateway invoke one SageMaker endpoint",
        )
        policy = iam.ManagedPolicy(scope, "Policy", roles=[role])
        (self.endpoint if self.component is None else self.component).grant_invoke(policy)
        return role, policy

    def integration(
        self, role: iam.IRole, *, timeout: Duration, answer_headers: dict[str, str]
    ) -> apigateway.AwsIntegration:
        """The call of InvokeEndpoint, whose answers have further static headers."""
        headers = {
            f"integration.request.header.{name}": f"method.request.header.{name}" for name in self.request_headers
        }
        if self.component is not None:
            headers[f"integration.request.header.{_COMPONENT}"] = f"'{self.component.component_name}'"
        return apigateway.AwsIntegration(
            service="runtime.sagemaker",
            path=f"endpoints/{self.endpoint.endpoint_name}/invocations",
            options=apigateway.IntegrationOptions(
                credentials_role=role,
                timeout=timeout,
                request_parameters=headers,
                # There are no templates, so bodies of every type pass through as they are.
                passthrough_behavior=apigateway.PassthroughBehavior.WHEN_NO_TEMPLATES,
                integration_responses=integration_responses(answer_headers),
            ),
        )

    def responses(self, answer_headers: dict[str, str]) -> list[apigateway.MethodResponse]:
        """The answers that the method declares."""
        return method_responses((*ANSWER_HEADERS, *answer_headers))
