"""What a caller is told of a model that failed."""

from __future__ import annotations

from tests.local_aws.sagemaker.caller import Outcome
from tests.local_aws.sagemaker.containers import PRIMARY
from tests.local_aws.sagemaker.errors import ApiError
from tests.local_aws.sagemaker.fleet import Variant
from tests.local_aws.sagemaker.names import partition
from tests.local_aws.sagemaker.starter import log_group
from tests.local_aws.sagemaker.store import Endpoint


def kind_of(status: int) -> str:
    """Whose fault a status is."""
    return "client" if 400 <= status < 500 else "server"


def model_error(endpoint: Endpoint, variant: Variant, outcome: Outcome) -> ApiError:
    """ModelError, which names the container that failed; status 0 stands for no answer."""
    group = log_group(endpoint.name, variant.component)
    log = f"arn:{partition(endpoint.region)}:logs:{endpoint.region}:{endpoint.account}:log-group:{group}"
    server, status, text = outcome.server, outcome.status, outcome.text
    if server is not None:
        log += f":log-stream:{server.stream.name}"
    name = PRIMARY if server is None else server.name
    what = f'Received {kind_of(status)} error ({status}) from {name} with message "{text}".'
    return ApiError(
        "ModelError",
        f"{text if outcome.is_told else what} {_see_logs(endpoint, group)}",
        status=424,
        OriginalStatusCode=status,
        OriginalMessage=text,
        LogStreamArn=log,
    )


def _see_logs(endpoint: Endpoint, group: str) -> str:
    """Where to read more."""
    console = f"https://{endpoint.region}.console.aws.amazon.com/cloudwatch/home?region={endpoint.region}"
    return f"See {console}#logEventViewer:group={group} in account {endpoint.account} for more information."
