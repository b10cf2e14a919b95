"""Who may call an API: authorisation, and the resource policy of a private one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aws_cdk import Acknowledgment, Annotations, Validations
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from ml_constructs._checks import check_each, check_given, check_length, check_offers, is_token
from ml_constructs._environment import check_region

_INVOKE: Final = "execute-api:Invoke"
_NOT_COGNITO: Final = (
    "Callers are authorised by IAM or by the authorizer given, which suit services that call a model. A Cognito user "
    "pool is for people who sign in."
)


@dataclass(frozen=True, kw_only=True)
class Access:
    """Who may call the one method.

    Args:
        authorization: An authorizer, IAM, or NONE.
        scopes: With Cognito, the scopes of which a token needs one. Default: none, which takes identity tokens.
        api_key: Whether a key is asked for as well.
    """

    authorization: apigateway.IAuthorizer | apigateway.AuthorizationType
    scopes: Sequence[str] | None
    api_key: bool

    def __post_init__(self) -> None:
        check_given(authorization=self.authorization)
        if not isinstance(self.authorization, apigateway.AuthorizationType):
            check_offers("authorizer_id", "IAM, NONE or an authorizer", authorization=self.authorization)
        elif self.authorization in {apigateway.AuthorizationType.CUSTOM, apigateway.AuthorizationType.COGNITO}:
            raise ValueError(f"authorization must be IAM, NONE or an authorizer itself, got {self.authorization}")
        if self.scopes is not None:
            check_each("text", str, authorization_scopes=self.scopes)
            check_length("authorization_scopes", self.scopes, 1, 100)
            if self.kind != apigateway.AuthorizationType.COGNITO:
                raise ValueError(
                    "authorization_scopes must be given with the authorizer of a Cognito user pool alone, "
                    f"got {self.scopes!r}"
                )

    @property
    def kind(self) -> apigateway.AuthorizationType | None:
        """The kind of authorisation; None for an authorizer that does not tell."""
        if isinstance(self.authorization, apigateway.AuthorizationType):
            return self.authorization
        kind = getattr(self.authorization, "authorization_type", None)
        return kind if isinstance(kind, apigateway.AuthorizationType) else None

    @property
    def log_fields(self) -> dict[str, str]:
        """What an access log tells about the caller, beyond what it tells with IAM."""
        fields = {"apiKeyId": "identity.apiKeyId"} if self.api_key else {}
        if self.kind == apigateway.AuthorizationType.COGNITO:
            return {**fields, "subject": "authorizer.claims.sub"}
        return {**fields, "principal": "authorizer.principalId"} if self._authorizer is not None else fields

    @property
    def _authorizer(self) -> apigateway.IAuthorizer | None:
        return None if isinstance(self.authorization, apigateway.AuthorizationType) else self.authorization

    def add_method(
        self, resource: apigateway.IResource, integration: apigateway.Integration, **options: object
    ) -> apigateway.Method:
        """Add the method POST, open to these callers."""
        plain = self.authorization if isinstance(self.authorization, apigateway.AuthorizationType) else None
        method = resource.add_method(
            "POST",
            integration,
            authorization_type=plain,
            authorizer=self._authorizer,
            authorization_scopes=None if self.scopes is None else list(self.scopes),
            api_key_required=True if self.api_key else None,
            **options,  # type: ignore[arg-type]  # those of `apigateway.Method`
        )
        if self.kind not in {apigateway.AuthorizationType.NONE, apigateway.AuthorizationType.COGNITO}:
            Validations.of(method).acknowledge(Acknowledgment(id="AwsSolutions-COG4", reason=_NOT_COGNITO))
        if self.api_key and self.kind == apigateway.AuthorizationType.NONE:
            Annotations.of(method).add_warning_v2(
                "ml-constructs:ApiKeyAlone",
                "an API key is all that callers need. It tells callers apart, but authorises nobody: it never changes, "
                "and is sent with each request. Give authorization as well, or acknowledge this: "
                "https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-usage-plans.html",
            )
        return method


def check_vpc_endpoints(scope: Construct, endpoints: Sequence[ec2.IInterfaceVpcEndpoint] | None) -> None:
    """Raise unless there are none, or one or more interface endpoints of this region."""
    if endpoints is None:
        return
    check_each("interface VPC endpoints", "vpc_endpoint_id", vpc_endpoints=endpoints)
    check_length("vpc_endpoints", endpoints, 1, 100)
    for endpoint in endpoints:
        check_region(scope, vpc_endpoints=endpoint)
    known = [each.vpc_endpoint_id for each in endpoints if not is_token(each.vpc_endpoint_id)]
    if len(set(known)) != len(known):
        raise ValueError(f"vpc_endpoints must be different ones, got {', '.join(known)}")


def method_of_policy(stage_name: str, method: str, path: str) -> str:
    """A method as the API's own policy names it: its ARN would make the API depend on itself."""
    return f"execute-api:/{stage_name}/{method}/{path}"


def reached_from(endpoints: Sequence[ec2.IInterfaceVpcEndpoint] | None) -> apigateway.EndpointConfiguration:
    """Where an API is reached from: the internet, or only VPC endpoints."""
    if endpoints is None:
        return apigateway.EndpointConfiguration(types=[apigateway.EndpointType.REGIONAL])
    return apigateway.EndpointConfiguration(types=[apigateway.EndpointType.PRIVATE], vpc_endpoints=list(endpoints))


def resource_policy(
    endpoints: Sequence[ec2.IInterfaceVpcEndpoint] | None, access: Access, method: str
) -> iam.PolicyDocument:
    """Deny what comes unencrypted, or from elsewhere than the VPC endpoints; authorisation decides about the rest.

    IAM asks the caller's own policies, and an authorizer its function. Without authorisation, and with Cognito, an API
    with a policy refuses what the policy does not allow:
    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-authorization-flow.html

    Every API has a policy, because CloudFormation leaves the last one in place when the template has none any more:
    an account would keep what was granted to it. https://github.com/aws/aws-cdk/issues/21840
    """
    denied: list[dict[str, dict[str, str | list[str]]]] = [{"Bool": {"aws:SecureTransport": "false"}}]
    if endpoints is not None:
        denied.append({"StringNotEquals": {"aws:SourceVpce": [each.vpc_endpoint_id for each in endpoints]}})
    policy = iam.PolicyDocument(
        statements=[
            iam.PolicyStatement(
                effect=iam.Effect.DENY,
                principals=[iam.AnyPrincipal()],
                actions=[_INVOKE],
                resources=["execute-api:/*"],
                conditions=condition,
            )
            for condition in denied
        ]
    )
    if access.kind in {apigateway.AuthorizationType.NONE, apigateway.AuthorizationType.COGNITO}:
        policy.add_statements(allow_everyone(method))
    return policy


def allow_everyone(method: str) -> iam.PolicyStatement:
    """Allow a method to all whom nothing else denies it."""
    return iam.PolicyStatement(principals=[iam.AnyPrincipal()], actions=[_INVOKE], resources=[method])
