"""What the example models accept; API Gateway refuses anything else before it costs an invocation."""

from __future__ import annotations

from typing import Final

from aws_cdk.aws_apigateway import JsonSchema, JsonSchemaType

MAX_INSTANCES: Final = 1000

TABULAR_REQUEST: Final = JsonSchema(
    title="TabularRequest",
    type=JsonSchemaType.OBJECT,
    required=["instances"],
    additional_properties=False,
    properties={
        "instances": JsonSchema(
            type=JsonSchemaType.ARRAY,
            min_items=1,
            max_items=MAX_INSTANCES,
            items=JsonSchema(type=JsonSchemaType.ARRAY, min_items=1, items=JsonSchema(type=JsonSchemaType.NUMBER)),
        )
    },
)
