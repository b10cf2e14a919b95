"""From what a topic hears of a request to the execution that waits for it.

https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-check-predictions.html
https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html#connect-wait-token
"""

from __future__ import annotations

import json
import logging
import time
from typing import TYPE_CHECKING, Any, Final

# botocore ships no types, and no stub package is worth a dependency for one exception.
from botocore.exceptions import ClientError  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Callable

_logger = logging.getLogger("resume_executions")
_logger.setLevel(logging.INFO)

# An execution keeps its token right after it has sent the request, which a fast model may have answered by then.
_READS: Final = 5
_PAUSE: Final = 1.0  # seconds
# The execution has ended, by timeout, by hand, or because the topic delivered twice.
_OVER: Final = ("TaskDoesNotExist", "TaskTimedOut")
# https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskFailure.html
_LONGEST_CAUSE: Final = 32_768
FAILED: Final = "InferenceFailed"


class UnknownExecutionError(Exception):
    """Nobody waits for the request, or nobody does yet: Lambda tries again, and keeps the event at last."""


class Resumption:
    """Resumes executions, each at most once, however often the topic delivers.

    Args:
        table: Holds task tokens by inference id.
        dynamodb: A client of DynamoDB.
        step_functions: A client of Step Functions.
        pause: Waits between reads. Default: `time.sleep`.
    """

    def __init__(
        self,
        table: str,
        *,
        dynamodb: Any,  # noqa: ANN401 - botocore generates its clients at run time
        step_functions: Any,  # noqa: ANN401
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._table = table
        self._dynamodb = dynamodb
        self._step_functions = step_functions
        self._pause = pause

    def resume(self, message: str) -> None:
        """Give the execution its result, or its failure.

        Raises:
            UnknownExecutionError: there is no token for the request.
            ClientError: a service refused.
        """
        result = json.loads(message)
        if result.get("eventName") != "InferenceResult":  # SageMaker tries a topic when it creates an endpoint
            return
        identity = str(result["inferenceId"])
        facts = {"inference_id": identity, "status": result["invocationStatus"]}
        token = self._token(identity)
        try:
            if result["invocationStatus"] == "Completed":
                answer = result.get("responseParameters", {})
                output = {
                    "inferenceId": identity,
                    "outputLocation": answer.get("outputLocation"),
                    "contentType": answer.get("contentType"),
                }
                self._step_functions.send_task_success(taskToken=token, output=json.dumps(output))
            else:
                cause = str(result.get("failureReason") or "SageMaker gives no reason.")[:_LONGEST_CAUSE]
                self._step_functions.send_task_failure(taskToken=token, error=FAILED, cause=cause)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") not in _OVER:
                raise
            _logger.warning("execution has ended already", extra=facts)
        else:
            _logger.info("execution resumed", extra=facts)

    def _token(self, identity: str) -> str:
        for read in range(_READS):
            if read:
                self._pause(_PAUSE)
            item = self._dynamodb.get_item(
                TableName=self._table, Key={"inferenceId": {"S": identity}}, ConsistentRead=True
            ).get("Item")
            if item is not None:
                return str(item["token"]["S"])
        raise UnknownExecutionError(identity)
