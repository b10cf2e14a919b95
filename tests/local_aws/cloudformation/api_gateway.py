"""What MiniStack's CloudFormation drops of REST APIs, though its API Gateway knows it: validators and access logs.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_ApiGateway.html
"""

from __future__ import annotations

import re
from typing import Final

from tests.local_aws import seams
from tests.local_aws.cloudformation.client import client
from tests.local_aws.cloudformation.resource import Created, ResourceType, extend
from tests.local_aws.seams import Properties

_NAME_LENGTH: Final = 128
_PARAMETER: Final = re.compile(r"method\.request\.(header|querystring|path)\.")


def create_validator(logical_id: str, properties: Properties, stack: str) -> Created:
    """CreateRequestValidator."""
    validator = client("apigateway").create_request_validator(
        restApiId=properties["RestApiId"],
        name=properties.get("Name") or seams.physical_name(stack, logical_id, length=_NAME_LENGTH),
        validateRequestBody=_true(properties.get("ValidateRequestBody")),
        validateRequestParameters=_true(properties.get("ValidateRequestParameters")),
    )
    return validator["id"], {"RequestValidatorId": validator["id"]}


def update_validator(validator: str, _old: Properties, new: Properties, _stack: str) -> Created:
    """UpdateRequestValidator."""
    client("apigateway").update_request_validator(
        restApiId=new["RestApiId"],
        requestValidatorId=validator,
        patchOperations=[
            {"op": "replace", "path": f"/{path}", "value": str(_true(new.get(name))).lower()}
            for path, name in (
                ("validateRequestBody", "ValidateRequestBody"),
                ("validateRequestParameters", "ValidateRequestParameters"),
            )
        ],
    )
    return validator, {"RequestValidatorId": validator}


def delete_validator(validator: str, properties: Properties) -> None:
    """DeleteRequestValidator; an API that is gone took it along."""
    service = client("apigateway")
    try:
        service.delete_request_validator(restApiId=properties["RestApiId"], requestValidatorId=validator)
    except service.exceptions.NotFoundException:
        return


def _validate_requests(_method: str, properties: Properties) -> None:
    client("apigateway").update_method(
        restApiId=properties["RestApiId"],
        resourceId=properties["ResourceId"],
        httpMethod=properties["HttpMethod"],
        patchOperations=[
            {"op": "replace", "path": "/requestValidatorId", "value": properties.get("RequestValidatorId", "")}
        ],
    )


def _check_mappings(_method: str, properties: Properties) -> None:
    """Only what a method declares can be mapped.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/rest-api-parameter-mapping-sources.html
    """
    integration, declared = properties.get("Integration") or {}, properties.get("RequestParameters") or {}
    for expression in (integration.get("RequestParameters") or {}).values():
        if _PARAMETER.match(str(expression)) and expression not in declared:
            raise _unmapped(expression)
    answers = {str(item["StatusCode"]): item for item in properties.get("MethodResponses") or []}
    for response in integration.get("IntegrationResponses") or []:
        answer = answers.get(str(response["StatusCode"]))
        if answer is None:
            raise ValueError("Invalid Response status code specified")
        for target in response.get("ResponseParameters") or {}:
            if target not in (answer.get("ResponseParameters") or {}):
                raise _unmapped(target)


def _unmapped(expression: str) -> ValueError:
    return ValueError(
        "Invalid mapping expression specified: Validation Result: warnings : [], errors : "
        f"[Invalid mapping expression parameter specified: {expression}]"
    )


def _convert_payloads(_method: str, properties: Properties) -> None:
    handling = (properties.get("Integration") or {}).get("ContentHandling")
    if handling:
        client("apigateway").update_integration(
            restApiId=properties["RestApiId"],
            resourceId=properties["ResourceId"],
            httpMethod=properties["HttpMethod"],
            patchOperations=[{"op": "replace", "path": "/contentHandling", "value": handling}],
        )


def _log_access(stage: str, properties: Properties) -> None:
    setting = properties.get("AccessLogSetting")
    if setting:
        client("apigateway").update_stage(
            restApiId=properties["RestApiId"],
            stageName=stage,
            patchOperations=[
                {"op": "replace", "path": f"/accessLogSettings/{key}", "value": setting[name]}
                for key, name in (("destinationArn", "DestinationArn"), ("format", "Format"))
            ],
        )


def _true(value: object) -> bool:
    return str(value).lower() == "true"


def install() -> None:
    """Complete the types that MiniStack has."""
    seams.honour_default_request_models()
    extend("AWS::ApiGateway::Method", _check_mappings)
    extend("AWS::ApiGateway::Method", _validate_requests)
    extend("AWS::ApiGateway::Method", _convert_payloads)
    extend("AWS::ApiGateway::Stage", _log_access)


TYPES: Final = (
    ResourceType(
        name="AWS::ApiGateway::RequestValidator",
        create=create_validator,
        update=update_validator,
        delete=delete_validator,
        create_only=("Name", "RestApiId"),
    ),
)
