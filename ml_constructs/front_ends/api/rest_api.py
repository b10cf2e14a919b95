"""A REST API in front of an endpoint: `POST /invocations`, authorised, validated, throttled and logged."""

from __future__ import annotations

from collections.abc import Sequence
from types import NoneType
from typing import Any, Final

from aws_cdk import Acknowledgment, Duration, Names, Validations
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from ml_constructs._checks import check_grantee, check_id, check_offers, check_seconds, check_type, is_token
from ml_constructs._environment import check_account, check_app, check_region
from ml_constructs.encryption import EncryptionKey
from ml_constructs.front_ends._logs import log_group
from ml_constructs.front_ends.api._access import (
    Access,
    allow_everyone,
    check_vpc_endpoints,
    method_of_policy,
    reached_from,
    resource_policy,
)
from ml_constructs.front_ends.api._backend import (
    TIMEOUT_SECONDS,
    add_headers,
    call,
    check_backend,
    check_shared,
    timeout_of,
)
from ml_constructs.front_ends.api._preflight import add_preflight
from ml_constructs.front_ends.api._problems import add_problems
from ml_constructs.front_ends.api._requests import Requests
from ml_constructs.front_ends.api._stage import STAGE_NAME, StageSettings
from ml_constructs.front_ends.api.canary import ApiCanary, FunctionShift
from ml_constructs.front_ends.api.cors import Cors
from ml_constructs.front_ends.api.direct_integration import DirectIntegration
from ml_constructs.front_ends.api.usage_plan import UsagePlan
from ml_constructs.front_ends.api.web_acl import WebAcl, check_web_acl, guard
from ml_constructs.front_ends.functions.function import FunctionFrontEnd
from ml_constructs.interfaces.component import IInferenceComponent
from ml_constructs.interfaces.endpoint import IEndpoint
from ml_constructs.network.inference_network import InferenceNetwork

# A certificate that no backend looks at would pass the check and protect nothing; it expires after 365 days, and only
# a replacement renews it.
_NOT_FOR_POST: Final = (
    "API Gateway caches no answers to POST, the only method, and shows a client certificate to HTTP backends alone. "
    "This backend is an AWS service, called with AWS Signature Version 4 and a permission of this API alone."
)
# By the name of a rule, the packs of cdk-nag that have it.
_CACHE_AND_CERTIFICATE: Final = {
    "APIGWCacheEnabledAndEncrypted": ("HIPAA.Security", "NIST.800.53.R4", "NIST.800.53.R5", "PCI.DSS.321"),
    "APIGWSSLEnabled": ("HIPAA.Security", "NIST.800.53.R5", "PCI.DSS.321"),
}


class RestApiFrontEnd(Construct):
    """A REST API whose one method, `POST /invocations`, passes the request to an endpoint.

    A Lambda function in between checks the request and turns each failure into an HTTP status with a problem detail
    (RFC 9457); what API Gateway itself refuses has the same form. Without a function, see `DirectIntegration`.

    Args:
        scope: The parent construct.
        construct_id: The id in `scope`.
        endpoint: The endpoint to call, through a new `FunctionFrontEnd` with its defaults.
        component: The inference component to call on it, required for a shared endpoint. Default: none.
        function: The function to call instead of a new one. If it streams, so does the API.
        direct: The endpoint that API Gateway calls itself, instead of a function.
        network: The network of the new function. Default: none.
        encryption_key: Encrypts logs, and the environment of the new function. Default: the key of `function`, or a
            new `EncryptionKey`.
        request_schema: What every body must be, as a JSON schema of draft 4. API Gateway then refuses anything else,
            whatever its content type. Default: the model decides.
        content_type: The content type of requests and answers. Unless it is text or JSON, API Gateway passes it on as
            binary. A token counts as text. Default: application/json.
        path: The path of the method, known at synthesis, without a leading slash. Default: invocations.
        timeout: How long API Gateway waits, whole seconds above the function's timeout. Above 29 seconds the account
            needs a raised quota, unless the function streams. Default: 29 seconds; with a function that streams, one
            second more than its own.
        throttle_rate: Requests per second, 0 or more. Default: 100.
        throttle_burst: Requests at once above the rate, 0 or more. Default: 100.
        authorization: Who may call: an authorizer (of a Cognito user pool, or a function), or IAM, or NONE for
            everyone. Default: IAM.
        authorization_scopes: With a Cognito user pool, the scopes of which an access token needs one. Default: none,
            which takes identity tokens.
        usage_plan: What each API key may send, and that callers need one, beside their authorisation. See
            `add_api_key`. Default: no keys.
        cors: The web pages that may call the API. Default: none.
        vpc_endpoints: Makes the API private: only these interface endpoints of the service execute-api reach it, and
            authorisation decides about what comes through them. Default: a regional API.
        default_endpoint: Whether the API answers under its own URL, and not only under a custom domain name.
            Default: True.
        canary: Tries a new version of the function on a share of the requests. Default: a new version gets all.
        web_acl: A web ACL, or the ARN of a regional one. Default: none, which leaves a finding of cdk-nag open.
        stage_name: 1 to 128 letters, digits, `-` and `_`. Default: live.
        log_retention: How long logs are kept. Default: one year.
        cloud_watch_role: Whether to give API Gateway its role for logs in this account and region. There is one for
            all APIs. Pass False where it is set already. Default: True.

    Raises:
        ValueError: not exactly one of `endpoint`, `function` and `direct` is given, the function would outlast the
            API's timeout, arguments exclude each other, or one is out of its range.

    See https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-rest-api.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint: IEndpoint | None = None,
        component: IInferenceComponent | None = None,
        function: FunctionFrontEnd | None = None,
        direct: DirectIntegration | None = None,
        network: InferenceNetwork | None = None,
        encryption_key: kms.IKey | None = None,
        request_schema: apigateway.JsonSchema | None = None,
        content_type: str = "application/json",
        path: str = "invocations",
        timeout: Duration | None = None,
        throttle_rate: float = 100,
        throttle_burst: int = 100,
        authorization: apigateway.IAuthorizer | apigateway.AuthorizationType = apigateway.AuthorizationType.IAM,
        authorization_scopes: Sequence[str] | None = None,
        usage_plan: UsagePlan | None = None,
        cors: Cors | None = None,
        vpc_endpoints: Sequence[ec2.IInterfaceVpcEndpoint] | None = None,
        default_endpoint: bool = True,
        canary: ApiCanary | None = None,
        web_acl: WebAcl | str | None = None,
        stage_name: str = STAGE_NAME,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_YEAR,
        cloud_watch_role: bool = True,
    ) -> None:
        check_backend(
            scope,
            endpoint=endpoint,
            component=component,
            function=function,
            direct=direct,
            network=network,
            canary=canary,
        )
        requests = Requests(path=path, content_type=content_type, schema=request_schema)
        access = Access(authorization=authorization, scopes=authorization_scopes, api_key=usage_plan is not None)
        check_seconds("timeout", timeout, *TIMEOUT_SECONDS, rendered="milliseconds")
        timeout = timeout_of(timeout, function)
        settings = StageSettings(
            stage_name=stage_name,
            throttle_rate=throttle_rate,
            throttle_burst=throttle_burst,
            log_retention=log_retention,
            cloud_watch_role=cloud_watch_role,
        )
        check_type((UsagePlan, NoneType), usage_plan=usage_plan)
        check_type((Cors, NoneType), cors=cors)
        check_shared(function, canary=canary, cors=cors)
        check_type(bool, default_endpoint=default_endpoint)
        check_offers("key_arn", "a KMS key", encryption_key=encryption_key)
        check_web_acl(web_acl)
        check_region(scope, encryption_key=encryption_key)
        check_vpc_endpoints(scope, vpc_endpoints)
        check_app(scope, authorization=authorization if isinstance(authorization, Construct) else None)
        check_account(scope, web_acl=web_acl if isinstance(web_acl, WebAcl) else None)
        super().__init__(scope, construct_id)
        self._access = access
        self._path = path
        self._stage_name = stage_name
        self._usage_plan = usage_plan
        self._plan: apigateway.UsagePlan | None = None
        if encryption_key is None:
            encryption_key = EncryptionKey(self, "Key") if function is None else function.encryption_key
        self.encryption_key: Final = encryption_key
        if endpoint is not None:
            function = FunctionFrontEnd(
                self,
                "Function",
                endpoint=endpoint,
                component=component,
                network=network,
                encryption_key=encryption_key,
                timeout=None if is_token(timeout) else Duration.seconds(timeout.to_seconds() - 1),
                log_retention=log_retention,
            )
        self._function = function
        self.access_log_group: Final = log_group(self, "AccessLogs", encryption_key, log_retention)
        # CloudWatch tells APIs apart by name alone.
        self._name = Names.unique_resource_name(self, max_length=128, separator="-", allowed_special_characters="-")
        self.api: Final = apigateway.RestApi(
            self,
            "Api",
            rest_api_name=self._name,
            description=f"Serves the endpoint behind {self.node.path}"[:1024],
            endpoint_configuration=reached_from(vpc_endpoints),
            policy=resource_policy(vpc_endpoints, access, self._in_policy("POST")),
            disable_execute_api_endpoint=None if default_endpoint else True,
            binary_media_types=requests.binary_types,
            cloud_watch_role=False,
            deploy_options=settings.options(
                self.access_log_group,
                {**access.log_fields, **({} if vpc_endpoints is None else {"vpcEndpoint": "identity.vpceId"})},
            ),
        )
        self.stage: Final = self.api.deployment_stage
        settings.name(self.stage)
        answer_headers = {} if cors is None else cors.of_answers
        add_problems(self.api, api_keys=usage_plan is not None, answer_headers=answer_headers)
        called = call(self, direct if function is None else function, timeout, answer_headers)
        resource, validation = requests.accept(self.api, called.request_headers)
        self._method = access.add_method(resource, called.integration, **validation, **called.options)
        self._method.node.add_dependency(*called.dependencies)
        if cors is not None:
            self._open_to_pages(cors)
        self.execution_log_group: Final = settings.log_executions(self, self.stage, encryption_key)
        if web_acl is not None:
            guard(self, self.stage, web_acl)
        if canary is not None:
            FunctionShift(self, "Canary", canary=canary, function=self.function, failures=self._failures())
        Validations.of(self.stage).acknowledge(
            *(
                Acknowledgment(id=f"{pack}-{rule}", reason=_NOT_FOR_POST)
                for rule, packs in _CACHE_AND_CERTIFICATE.items()
                for pack in packs
            )
        )

    @property
    def function(self) -> FunctionFrontEnd:
        """The function that the API calls.

        Raises:
            ValueError: API Gateway calls SageMaker itself.
        """
        if self._function is None:
            raise ValueError("function must not be asked for with direct, which has none, got no function")
        return self._function

    @property
    def url(self) -> str:
        """Where to POST requests to, unless `default_endpoint` is False; a private API answers inside the VPCs."""
        return self.api.url_for_path(f"/{self._path}")

    def grant_execute(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` call this method of this stage, and nothing else.

        A principal of another account needs the API's own permission as well, which is given: it becomes part of the
        resource policy.

        Raises:
            ValueError: callers are not authorised by IAM, so that nothing would ask for the permission.
        """
        check_grantee(grantee)
        if self._access.kind != apigateway.AuthorizationType.IAM:
            raise ValueError(f"authorization must be IAM for grant_execute, got {self._access.authorization}")
        return iam.Grant.add_to_principal_or_resource(
            grantee=grantee,
            actions=["execute-api:Invoke"],
            resource_arns=[self._method.method_arn],
            resource=self.api,
            resource_self_arns=[self._in_policy("POST")],
        )

    def add_api_key(self, construct_id: str, *, usage_plan: UsagePlan | None = None) -> apigateway.ApiKey:
        """Make an API key for one caller. API Gateway makes up its value, which is in no template.

        Read it by `aws apigateway get-api-key --include-value`.

        Args:
            construct_id: The id of the key in this construct.
            usage_plan: What this key may send. Default: the plan of the API.

        Raises:
            ValueError: the API asks for no keys.
        """
        check_id(construct_id=construct_id)
        check_type((UsagePlan, NoneType), usage_plan=usage_plan)
        if self._usage_plan is None:
            raise ValueError("usage_plan must be given to the API before keys are added to it, got None")
        if usage_plan is not None:
            plan = usage_plan.create(self, f"UsagePlanOf{construct_id}", self.stage)
        else:
            self._plan = self._plan or self._usage_plan.create(self, "UsagePlan", self.stage)
            plan = self._plan
        existing = self.node.try_find_child("ApiKeys")
        keys = existing if isinstance(existing, Construct) else Construct(self, "ApiKeys")
        key = apigateway.ApiKey(keys, construct_id, description=f"Key of {self.node.path}/{construct_id}")
        plan.add_api_key(key)
        return key

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
        """Time the function, or SageMaker itself, takes of it, in milliseconds. Statistic: p99."""
        return self.metric("IntegrationLatency", **{"statistic": "p99", **options})

    def _in_policy(self, method: str) -> str:
        return method_of_policy(self._stage_name, method, self._path)

    def _open_to_pages(self, cors: Cors) -> None:
        add_preflight(self._method.resource, cors)
        # An API with a policy refuses browsers' questions, which nobody authorises, unless the policy says so.
        self.api.add_to_resource_policy(allow_everyone(self._in_policy("OPTIONS")))
        if self._function is not None:
            add_headers(self._function, cors.of_answers)

    def _failures(self) -> cloudwatch.Metric:
        """Answers with 5XX; names the stage without reference to it, which would wait for what this metric is for."""
        return cloudwatch.Metric(
            namespace="AWS/ApiGateway",
            metric_name="5XXError",
            dimensions_map={"ApiName": self._name, "Stage": self._stage_name},
            statistic="Average",
        )
