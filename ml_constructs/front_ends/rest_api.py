"""A regional REST API in front of an endpoint: `POST /invocations`, authorised, validated, throttled and logged."""

from __future__ import annotations

from types import NoneType
from typing import Any, Final

from aws_cdk import Acknowledgment, Duration, Names, Validations
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

from ml_constructs._checks import (
    check_given,
    check_offers,
    check_pattern,
    check_range,
    check_seconds,
    check_type,
    check_whole,
    is_token,
)
from ml_constructs._environment import check_account, check_region
from ml_constructs.encryption import EncryptionKey
from ml_constructs.front_ends._api_logs import ACCESS_LOG, regional_logging
from ml_constructs.front_ends._api_problems import add_problems
from ml_constructs.front_ends._logs import log_group
from ml_constructs.front_ends.function import FunctionFrontEnd
from ml_constructs.front_ends.web_acl import WebAcl
from ml_constructs.interfaces.endpoint import IEndpoint
from ml_constructs.network.inference_network import InferenceNetwork

# https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
# 29 seconds, unless the account's quota is raised; the function needs 5 seconds or more within.
TIMEOUT_SECONDS: Final = (6, 900)
# https://docs.aws.amazon.com/apigateway/latest/api/API_MethodSetting.html: an account's quota is the real limit
THROTTLE: Final = (0, 2_147_483_647)

_STAGE: Final = "live"
_EXECUTION_LOGS: Final = "API-Gateway-Execution-Logs_"
_TEXT_TYPES: Final = ("text/", "application/json", "application/x-ndjson", "application/jsonlines")

_NOT_CACHEABLE: Final = (
    "The only method is POST, whose answers API Gateway does not cache: a cache would bill by the hour and stay empty."
)
_NO_CLIENT_CERTIFICATE: Final = (
    "A client certificate proves API Gateway's identity to an HTTP backend. The backend is a Lambda function, which "
    "API Gateway calls with AWS Signature Version 4, and whose policy admits this method alone."
)
_NOT_COGNITO: Final = (
    "Callers are authorised by IAM or by the authorizer given, which suit services that call a model. A Cognito user "
    "pool is for people who sign in."
)


class RestApiFrontEnd(Construct):
    """A regional REST API whose one method, `POST /invocations`, passes the request to an endpoint.

    A Lambda function in between checks the request and turns each failure into an HTTP status with a problem detail
    (RFC 9457); what API Gateway itself refuses has the same form.

    Args:
        scope: The parent construct.
        construct_id: The id in `scope`.
        endpoint: The endpoint to call, through a new `FunctionFrontEnd` with its defaults.
        function: The function to call instead of a new one.
        network: The network of the new function. Default: none.
        encryption_key: Encrypts logs, and the environment of the new function. Default: the key of `function`, or a
            new `EncryptionKey`.
        request_schema: What every body must be, as a JSON schema of draft 4. API Gateway then refuses anything else,
            whatever its content type. Default: the model decides.
        content_type: The content type of requests and answers. Unless it is text or JSON, API Gateway passes it on as
            binary. A token counts as text. Default: application/json.
        path: The path of the method, known at synthesis, without a leading slash. Default: invocations.
        timeout: How long API Gateway waits for the function, whole seconds above the function's timeout. Above 29
            seconds the account needs a raised quota. Default: 29 seconds.
        throttle_rate: Requests per second, 0 or more. Default: 100.
        throttle_burst: Requests at once above the rate, 0 or more. Default: 100.
        authorization: Who may call: an authorizer, or IAM, or NONE for everyone. Default: IAM.
        web_acl: A web ACL, or the ARN of a regional one. Default: none, which leaves a finding of cdk-nag open.
        stage_name: 1 to 128 letters, digits, `-` and `_`. Default: live.
        log_retention: How long logs are kept. Default: one year.
        cloud_watch_role: Whether to give API Gateway its role for logs in this account and region. There is one for
            all APIs. Pass False where it is set already. Default: True.

    Raises:
        ValueError: neither or both of `endpoint` and `function` are given, the function would outlast the API's
            timeout, or an argument is out of its range.

    See https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-rest-api.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint: IEndpoint | None = None,
        function: FunctionFrontEnd | None = None,
        network: InferenceNetwork | None = None,
        encryption_key: kms.IKey | None = None,
        request_schema: apigateway.JsonSchema | None = None,
        content_type: str = "application/json",
        path: str = "invocations",
        timeout: Duration | None = None,
        throttle_rate: float = 100,
        throttle_burst: int = 100,
        authorization: apigateway.IAuthorizer | apigateway.AuthorizationType = apigateway.AuthorizationType.IAM,
        web_acl: WebAcl | str | None = None,
        stage_name: str = _STAGE,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_YEAR,
        cloud_watch_role: bool = True,
    ) -> None:
        check_type((IEndpoint, NoneType), endpoint=endpoint)
        check_type((FunctionFrontEnd, NoneType), function=function)
        check_type((InferenceNetwork, NoneType), network=network)
        check_type((apigateway.JsonSchema, NoneType), request_schema=request_schema)
        check_type(str, content_type=content_type, path=path, stage_name=stage_name)
        check_type(logs.RetentionDays, log_retention=log_retention)
        check_type(bool, cloud_watch_role=cloud_watch_role)
        check_given(throttle_rate=throttle_rate, throttle_burst=throttle_burst)
        check_offers("key_arn", "a KMS key", encryption_key=encryption_key)
        _check_backend(endpoint, function, network)
        check_pattern(
            "content_type", content_type, r"[a-zA-Z0-9_.+*-]+/[a-zA-Z0-9_.+*-]+", "a media type without parameters"
        )
        _check_schema(request_schema, content_type)
        check_pattern(
            "path", path, r"[a-zA-Z0-9_.:-]+(/[a-zA-Z0-9_.:-]+)*", "segments of letters, digits, '.', '_', ':' and '-'"
        )
        if is_token(path):
            raise ValueError("path must be known at synthesis, got a token")
        check_seconds("timeout", timeout, *TIMEOUT_SECONDS, rendered="milliseconds")
        timeout = Duration.seconds(29) if timeout is None else timeout
        _check_outlasts(timeout, function)
        check_range("throttle_rate", throttle_rate, *THROTTLE, "requests per second")
        check_whole("throttle_burst", throttle_burst, *THROTTLE, "requests")
        check_pattern("stage_name", stage_name, r"[a-zA-Z0-9_-]{1,128}", "1 to 128 letters, digits, '-' and '_'")
        _check_authorization(authorization)
        _check_web_acl(web_acl)
        check_region(scope, encryption_key=encryption_key)
        check_account(scope, function=function, web_acl=web_acl if isinstance(web_acl, WebAcl) else None)
        super().__init__(scope, construct_id)
        if encryption_key is None:
            encryption_key = EncryptionKey(self, "Key") if function is None else function.encryption_key
        self.encryption_key: Final = encryption_key
        if function is None and endpoint is not None:
            function = FunctionFrontEnd(
                self,
                "Function",
                endpoint=endpoint,
                network=network,
                encryption_key=encryption_key,
                timeout=None if is_token(timeout) else Duration.seconds(timeout.to_seconds() - 1),
                log_retention=log_retention,
            )
        assert function is not None  # noqa: S101 - _check_backend has seen to it
        self.function: Final = function
        self.access_log_group: Final = log_group(self, "AccessLogs", encryption_key, log_retention)
        self.api: Final = apigateway.RestApi(
            self,
            "Api",
            # CloudWatch tells APIs apart by name alone.
            rest_api_name=Names.unique_resource_name(
                self, max_length=128, separator="-", allowed_special_characters="-"
            ),
            description=f"Serves the endpoint behind {self.node.path}"[:1024],
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            binary_media_types=None if _is_text(content_type) else [content_type],
            cloud_watch_role=False,
            deploy_options=apigateway.StageOptions(
                stage_name=_STAGE,
                access_log_destination=apigateway.LogGroupLogDestination(self.access_log_group),
                access_log_format=apigateway.AccessLogFormat.custom(ACCESS_LOG),
                logging_level=apigateway.MethodLoggingLevel.ERROR,
                data_trace_enabled=False,
                metrics_enabled=True,
                tracing_enabled=True,
                throttling_rate_limit=throttle_rate,
                throttling_burst_limit=throttle_burst,
            ),
        )
        self.stage: Final = self.api.deployment_stage
        resource = self.stage.node.default_child
        assert isinstance(resource, apigateway.CfnStage)  # noqa: S101 - narrows the type of an L2's own child
        resource.stage_name = stage_name  # the L2 would make it part of an id, which a token cannot be
        self._path = path
        add_problems(self.api)
        self._method = self._add_method(authorization, request_schema, timeout)
        # API Gateway would make it without encryption and without end as soon as the stage exists.
        self.execution_log_group: Final = log_group(
            self,
            "ExecutionLogs",
            encryption_key,
            log_retention,
            name=f"{_EXECUTION_LOGS}{self.api.rest_api_id}/{stage_name}",
            admitted=f"{_EXECUTION_LOGS}*",
        )
        self.stage.node.add_dependency(self.execution_log_group)
        if cloud_watch_role:
            self.stage.node.add_dependency(regional_logging(self))
        if web_acl is not None:
            wafv2.CfnWebACLAssociation(
                self,
                "WebAclAssociation",
                resource_arn=self.stage.stage_arn,
                web_acl_arn=web_acl if isinstance(web_acl, str) else web_acl.arn,
            )
        Validations.of(self.stage).acknowledge(
            Acknowledgment(id="NIST.800.53.R5-APIGWCacheEnabledAndEncrypted", reason=_NOT_CACHEABLE),
            Acknowledgment(id="NIST.800.53.R5-APIGWSSLEnabled", reason=_NO_CLIENT_CERTIFICATE),
        )

    @property
    def url(self) -> str:
        """Where to POST requests to."""
        return self.api.url_for_path(f"/{self._path}")

    def grant_execute(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee`, of this account, call this method of this stage, and nothing else."""
        return iam.Grant.add_to_principal(
            grantee=grantee, actions=["execute-api:Invoke"], resource_arns=[self._method.method_arn]
        )

    def metric(self, metric_name: str, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401 - of cloudwatch.Metric
        """A metric of the stage, under its official name.

        See https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html
        """
        return self.stage.metric(metric_name, **options)

    def metric_count(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Requests. Statistic: SampleCount."""
        return self.metric("Count", **{"statistic": "SampleCount", **options})

    def metric_4xx(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Requests answered with 4XX. Statistic: Sum; Average is the share of all requests."""
        return self.metric("4XXError", **{"statistic": "Sum", **options})

    def metric_5xx(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Requests answered with 5XX. Statistic: Sum; Average is the share of all requests."""
        return self.metric("5XXError", **{"statistic": "Sum", **options})

    def metric_latency(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Time from request to answer, in milliseconds. Statistic: p99."""
        return self.metric("Latency", **{"statistic": "p99", **options})

    def metric_integration_latency(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Time the function takes of it, in milliseconds. Statistic: p99."""
        return self.metric("IntegrationLatency", **{"statistic": "p99", **options})

    def _add_method(
        self,
        authorization: apigateway.IAuthorizer | apigateway.AuthorizationType,
        schema: apigateway.JsonSchema | None,
        timeout: Duration,
    ) -> apigateway.Method:
        models: dict[str, apigateway.IModel] = {}
        if schema is not None:
            model = self.api.add_model("Request", content_type="application/json", schema=schema)
            # Other content types would not be validated:
            # https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-request-validation.html
            models = {"$default": model}
        method = self.api.root.resource_for_path(self._path).add_method(
            "POST",
            apigateway.LambdaIntegration(self.function.alias, timeout=timeout, allow_test_invoke=False),
            authorization_type=authorization if isinstance(authorization, apigateway.AuthorizationType) else None,
            authorizer=None if isinstance(authorization, apigateway.AuthorizationType) else authorization,
            request_models=models or None,
            request_parameters={"method.request.header.Content-Type": True},
            request_validator=self.api.add_request_validator(
                "Validator", validate_request_body=True, validate_request_parameters=True
            ),
        )
        if authorization != apigateway.AuthorizationType.NONE:
            Validations.of(method).acknowledge(Acknowledgment(id="AwsSolutions-COG4", reason=_NOT_COGNITO))
        return method


def _check_backend(
    endpoint: IEndpoint | None, function: FunctionFrontEnd | None, network: InferenceNetwork | None
) -> None:
    if (endpoint is None) == (function is None):
        raise ValueError(
            f"exactly one of endpoint and function must be given, got {'neither' if endpoint is None else 'both'}"
        )
    if function is not None and network is not None:
        raise ValueError("network must not be given with function, which has its own")


def _check_schema(schema: apigateway.JsonSchema | None, content_type: str) -> None:
    if schema is not None and not is_token(content_type) and content_type != "application/json":
        raise ValueError(f"content_type must be application/json with request_schema, got {content_type!r}")


def _check_outlasts(timeout: Duration, function: FunctionFrontEnd | None) -> None:
    if function is None or is_token(timeout) or is_token(function.timeout):
        return
    api, inner = timeout.to_seconds(), function.timeout.to_seconds()
    if api <= inner:
        raise ValueError(f"timeout must be longer than the function's {inner:g} seconds, got {api:g} seconds")


def _check_authorization(authorization: apigateway.IAuthorizer | apigateway.AuthorizationType) -> None:
    check_given(authorization=authorization)
    if not isinstance(authorization, apigateway.AuthorizationType):
        check_offers("authorizer_id", "IAM, NONE or an authorizer", authorization=authorization)
    elif authorization in {apigateway.AuthorizationType.CUSTOM, apigateway.AuthorizationType.COGNITO}:
        raise ValueError(f"authorization must be IAM, NONE or an authorizer itself, got {authorization}")


def _check_web_acl(web_acl: WebAcl | str | None) -> None:
    check_type((WebAcl, str, NoneType), web_acl=web_acl)
    if isinstance(web_acl, str):
        pattern = r"arn:[\w-]+:wafv2:[\w-]+:\d{12}:regional/webacl/.+"
        check_pattern("web_acl", web_acl, pattern, "a WebAcl, or the ARN of a regional web ACL")


def _is_text(content_type: str) -> bool:
    return (
        is_token(content_type)
        or content_type.lower().startswith(_TEXT_TYPES)
        or content_type.lower().endswith(("+json", "+xml", "/xml"))
    )
