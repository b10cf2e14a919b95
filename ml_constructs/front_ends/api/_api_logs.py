"""What a REST API logs, and the role that API Gateway needs for it."""

from __future__ import annotations

import json
from typing import Final

from aws_cdk import Acknowledgment, RemovalPolicy, Stack, Validations
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_iam as iam
from constructs import Construct

_PUSH_TO_LOGS: Final = "service-role/AmazonAPIGatewayPushToCloudWatchLogs"
_REGIONAL_ROLE: Final = (
    "API Gateway has one role for logs per account and region, shared by all its APIs, and requires the permissions "
    "of this managed policy: https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html"
)

# No payload, no query: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-variables-for-access-logging.html
_ACCESS_LOG: Final = {
    "requestId": "$context.requestId",
    "extendedRequestId": "$context.extendedRequestId",
    "requestTime": "$context.requestTime",
    "sourceIp": "$context.identity.sourceIp",
    "caller": "$context.identity.userArn",
    "method": "$context.httpMethod",
    "path": "$context.path",
    "status": "$context.status",
    "responseLength": "$context.responseLength",
    "responseLatency": "$context.responseLatency",
    "integrationStatus": "$context.integration.status",
    "integrationLatency": "$context.integration.latency",
    "error": "$context.error.responseType",
    "wafStatus": "$context.waf.status",
    "traceId": "$context.xrayTraceId",
}


def access_log(**further: str) -> str:
    """The format of the access log, with further fields: names by what API Gateway calls them."""
    return json.dumps({**_ACCESS_LOG, **{name: f"$context.{variable}" for name, variable in further.items()}})


class _RegionalLogging(Construct):
    """The role that API Gateway has for the logs of all APIs of an account and region, once per stack.

    Retained, because the setting outlives the stack and other APIs may have come to rely on it.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        policy = iam.ManagedPolicy.from_aws_managed_policy_name(_PUSH_TO_LOGS)
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("apigateway.amazonaws.com"),
            managed_policies=[policy],
            description="Writes the logs of all APIs of this account and region",
        )
        role.apply_removal_policy(RemovalPolicy.RETAIN)
        account = apigateway.CfnAccount(self, "Resource", cloud_watch_role_arn=role.role_arn)
        account.apply_removal_policy(RemovalPolicy.RETAIN)
        Validations.of(role).acknowledge(
            Acknowledgment(
                id=f"AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/{_PUSH_TO_LOGS}]",
                reason=_REGIONAL_ROLE,
            )
        )


def regional_logging(scope: Construct) -> Construct:
    """Give API Gateway its role for logs in the account and region of a stack; once, however many APIs ask."""
    stack = Stack.of(scope)
    existing = stack.node.try_find_child("ApiGatewayLogging")
    return existing if isinstance(existing, _RegionalLogging) else _RegionalLogging(stack, "ApiGatewayLogging")
