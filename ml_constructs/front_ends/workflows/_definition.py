"""What the state machine of a workflow does, in Amazon States Language with JSONata.

https://docs.aws.amazon.com/step-functions/latest/dg/concepts-amazon-states-language.html
https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

MODEL_SECONDS: Final = 70  # a model has 60 seconds: API_runtime_InvokeEndpoint.html advises clients to wait for 70
EXPRESS_SECONDS: Final = 300  # https://docs.aws.amazon.com/step-functions/latest/dg/choosing-workflow-type.html
RETRIES: Final = (0, 10)

_CALL_SECONDS: Final = 30  # of a call that waits for no model
_FIRST_DELAY: Final = 2
_LONGEST_DELAY: Final = 60
_NOTICE: Final = 300  # what a topic and a function may take to tell of a result
_KEPT_TOKEN: Final = 86_400  # how much longer than its execution a token is kept
# A state's arguments have 256 KiB; each of these characters has up to three bytes, or two with JSON's escapes.
_COPIED: Final = 80_000
_ATTRIBUTE: Final = 1_000

# A pipe starts an execution with a list of one message, everybody else with an object; `[0]` of an object is itself.
_REQUEST: Final = "$r := $states.context.Execution.Input[0]"
_CAUSE: Final = "{% $exists($states.errorOutput.Cause) ? $states.errorOutput.Cause : '' %}"
_BODY: Final = f"{{% ({_REQUEST}; $exists($r.messageId) ? $parse($r.body) : $r.body) %}}"


@dataclass(frozen=True, kw_only=True)
class Retries:
    """How often, and after which pauses, a call is tried again."""

    count: float
    is_token: bool = False

    @property
    def most(self) -> int:
        """The most there can be, where the number is known only at deployment."""
        return RETRIES[1] if self.is_token else int(self.count)

    def render(self, *never: str) -> list[dict[str, object]]:
        """As a task's `Retry`; some errors are never tried again."""
        return [
            {"ErrorEquals": ["States.QueryEvaluationError", *never], "MaxAttempts": 0},
            {
                "ErrorEquals": ["States.ALL"],
                "IntervalSeconds": _FIRST_DELAY,
                "BackoffRate": 2,
                "MaxDelaySeconds": _LONGEST_DELAY,
                "JitterStrategy": "FULL",
                "MaxAttempts": self.count,
            },
        ]

    def seconds(self, timeout: int) -> int:
        """The longest time for a call and all its retries."""
        return (self.most + 1) * timeout + self.most * _LONGEST_DELAY


@dataclass(frozen=True, kw_only=True)
class Common:
    """What every workflow knows."""

    partition: str
    endpoint_name: str
    content_type: str
    dead_letter_queue_url: str
    retries: Retries

    def task(self, service: str, arguments: object, **more: object) -> dict[str, Any]:
        """A call that is tried again, and of whose failure the dead letters tell."""
        failure = {"error": "{% $states.errorOutput.Error %}", "cause": _CAUSE}
        return {
            "Type": "Task",
            "Resource": f"arn:{self.partition}:states:::{service}",
            "Arguments": arguments,
            "TimeoutSeconds": _CALL_SECONDS,
            "Retry": self.retries.render(),
            # States.ALL does not cover an answer that is too large.
            "Catch": [
                {"ErrorEquals": errors, "Output": failure, "Next": "KeepRequest"}
                for errors in (["States.DataLimitExceeded"], ["States.ALL"])
            ],
            **more,
        }

    def failure(self) -> dict[str, Any]:
        """The states in which a failed execution ends."""
        attributes = {
            "Cause": _attribute("$states.input.error"),
            "CauseDetail": _attribute("$states.input.cause"),
            "EndpointName": self.endpoint_name,
            "Execution": "{% $states.context.Execution.Id %}",
        }
        text = "$text := $exists($r.messageId) ? $r.body : $string($states.context.Execution.Input)"
        reference = "$string({'execution': $states.context.Execution.Id})"
        keep = self.task(
            "sqs:sendMessage",
            {
                "QueueUrl": self.dead_letter_queue_url,
                "MessageBody": f"{{% ({_REQUEST}; {text}; $length($text) <= {_COPIED} ? $text : {reference}) %}}",
                "MessageAttributes": {
                    name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
                },
            },
            Output="{% $states.input %}",
            Next="Failed",
        )
        del keep["Catch"]
        failed = {"Type": "Fail", "Error": "{% $states.input.error %}", "Cause": "{% $states.input.cause %}"}
        return {"KeepRequest": keep, "Failed": failed}

    def machine(self, comment: str, start: str, seconds: int, states: dict[str, Any]) -> dict[str, Any]:
        """The whole definition; `seconds` without those for the dead letters."""
        return {
            "Comment": comment,
            "QueryLanguage": "JSONata",
            "StartAt": start,
            "TimeoutSeconds": seconds,
            "States": {**states, **self.failure()},
        }


def synchronous(common: Common, *, component_name: str | None, accept: str | None, express: bool) -> dict[str, Any]:
    """Call the endpoint and end with its answer."""
    arguments = {
        "EndpointName": common.endpoint_name,
        "ContentType": common.content_type,
        "Body": _BODY,
        **({} if accept is None else {"Accept": accept}),
        **({} if component_name is None else {"InferenceComponentName": component_name}),
    }
    # One object, which leaves out what an answer has not; an expression that yields nothing is an error.
    answer = (
        "{% {'body': $states.result.Body, 'contentType': $states.result.ContentType, "
        "'variant': $states.result.InvokedProductionVariant} %}"
    )
    invoke = common.task(
        "aws-sdk:sagemakerruntime:invokeEndpoint", arguments, TimeoutSeconds=MODEL_SECONDS, Output=answer, End=True
    )
    seconds = common.retries.seconds(MODEL_SECONDS) + common.retries.seconds(_CALL_SECONDS)
    return common.machine(
        "Calls an endpoint, and keeps requests that it cannot serve",
        "Invoke",
        EXPRESS_SECONDS if express else seconds,
        {"Invoke": invoke},
    )


@dataclass(frozen=True, kw_only=True)
class Asynchrony:
    """Where requests go, and how an execution is found that waits for one."""

    bucket: str
    prefix: str
    table: str
    identity: str
    """Begins the inference ids of the workflow."""
    time_to_live: float
    invocation_timeout: float
    longest: int
    """Seconds that both can have together."""
    accept: str | None


def asynchronous(common: Common, queue: Asynchrony) -> dict[str, Any]:
    """Put the request into the endpoint's bucket, submit it, and wait to be told of the result."""
    key = f"{json.dumps(f'{queue.prefix}/')} & $inferenceId & '.json'"
    upload = common.task(
        "aws-sdk:s3:putObject",
        {
            "Bucket": queue.bucket,
            "Key": f"{{% {key} %}}",
            "Body": _BODY,
            "ContentType": common.content_type,
        },
        Assign={"location": f"{{% {json.dumps(f's3://{queue.bucket}/')} & {key} %}}"},
        Next="Submit",
    )
    usual = json.dumps(common.content_type)
    submit = common.task(
        "aws-sdk:sagemakerruntime:invokeEndpointAsync",
        {
            "EndpointName": common.endpoint_name,
            "InferenceId": "{% $inferenceId %}",
            "InputLocation": "{% $location %}",
            "ContentType": f"{{% ({_REQUEST}; $exists($r.contentType) ? $r.contentType : {usual}) %}}",
            "RequestTTLSeconds": queue.time_to_live,
            "InvocationTimeoutSeconds": queue.invocation_timeout,
            **({} if queue.accept is None else {"Accept": queue.accept}),
        },
        Next="AwaitResult",
    )
    patience = queue.longest + _NOTICE
    wait = common.task(
        "aws-sdk:dynamodb:putItem.waitForTaskToken",
        {
            "TableName": queue.table,
            "Item": {
                "inferenceId": {"S": "{% $inferenceId %}"},
                "token": {"S": "{% $states.context.Task.Token %}"},
                "expires": {"N": f"{{% $string($floor($millis() / 1000) + {patience + _KEPT_TOKEN}) %}}"},
            },
        },
        TimeoutSeconds=patience,
        Retry=common.retries.render("InferenceFailed", "States.Timeout"),
        End=True,
    )
    given = f"{{% ({_REQUEST}; $exists($r.inputLocation)) %}}"
    return common.machine(
        "Submits a request to an asynchronous endpoint, and waits for its result",
        "Identify",
        patience + 4 * common.retries.seconds(_CALL_SECONDS),
        {
            "Identify": {
                "Type": "Pass",
                "Assign": {"inferenceId": f"{{% '{queue.identity}' & $uuid() %}}"},
                "Next": "Locate",
            },
            "Locate": {
                "Type": "Choice",
                "Choices": [
                    {
                        "Condition": given,
                        "Assign": {"location": f"{{% ({_REQUEST}; $r.inputLocation) %}}"},
                        "Next": "Submit",
                    }
                ],
                "Default": "Upload",
            },
            "Upload": upload,
            "Submit": submit,
            "AwaitResult": wait,
        },
    )


def _attribute(value: str) -> str:
    """An expression for an attribute of a message, which must not be empty, nor hold what XML cannot."""
    text = f"$t := $replace($substring({value}, 0, {_ATTRIBUTE}), /[^ -~]/, ' ')"
    return f"{{% ({text}; $exists($t) and $t != '' ? $t : '-') %}}"
