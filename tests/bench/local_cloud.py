"""What the local cloud costs beside the models it runs: `python -m tests.bench.local_cloud`.

The realtime example is deployed as a developer deploys it, its instances fixed; an IAM user signs every request, and
the cloud verifies signature and policy of each (AUTH=true). Callers, cloud and models share the machine.

(e) InvokeEndpoint against the same request straight to a process of the variant with most of the traffic.
(f) A request through API Gateway and the function against InvokeEndpoint: the floor of what a front end can cost here.
"""

from __future__ import annotations

import http.client
import json
import os
import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from botocore.credentials import Credentials  # type: ignore[import-untyped]  # ships no types
from rich.console import Console
from rich.table import Table

from tests.bench.client import Signature, Way, latencies, message, status, throughput
from tests.end_to_end.assemblies import MODELS, STACK, synthesise
from tests.end_to_end.deployment import CDK, Deployment
from tests.local_aws.launcher import ACCOUNT, HOME, REGION, Cloud, interpreter
from tests.local_aws.processes import descendants

ADDED_TARGET_MS: Final = 5
RATE_TARGET: Final = 500
INVOKE_CLIENTS: Final = 8
FRONT_CLIENTS: Final = 4
_BODIES: Final = 500  # all different, so that no part of the way answers from memory
_WARM_UP: Final = 30
_VARIANT: Final = "champion"


@dataclass(frozen=True, kw_only=True)
class Cost:
    """One way and its baseline: milliseconds of requests one at a time, and requests per second of all clients."""

    p50_ms: float
    p99_ms: float
    rate: float
    baseline_p50_ms: float
    baseline_p99_ms: float
    baseline_rate: float


@dataclass(frozen=True, kw_only=True)
class Costs:
    """Both measurements, of one run."""

    invoke: Cost
    front_end: Cost


def missing() -> list[Path]:
    """What the local cloud needs and does not find; `make bench` provides all of it."""
    return [path for path in (interpreter(), CDK, MODELS / "tabular-champion") if not path.exists()]


def measure(say: Callable[[str], None]) -> Costs:
    """Deploy, measure (e) and (f), stop."""
    with _ways(say) as (model, invoke, front_end):
        latencies([model, invoke, front_end], _WARM_UP)
        say("calling InvokeEndpoint")
        invoked = _cost(invoke, model, pairs=1000, requests=400, clients=INVOKE_CLIENTS)
        say("calling the API")
        fronted = _cost(front_end, invoke, pairs=150, requests=60, clients=FRONT_CLIENTS)
    return Costs(invoke=invoked, front_end=fronted)


def _cost(way: Way, baseline: Way, *, pairs: int, requests: int, clients: int) -> Cost:
    ours, theirs = (statistics.quantiles(times, n=100) for times in latencies([way, baseline], pairs))
    rate, baseline_rate = throughput([way, baseline], rounds=5, requests=requests, clients=clients)
    return Cost(
        p50_ms=ours[49] * 1000,
        p99_ms=ours[98] * 1000,
        rate=rate,
        baseline_p50_ms=theirs[49] * 1000,
        baseline_p99_ms=theirs[98] * 1000,
        baseline_rate=baseline_rate,
    )


@contextmanager
def _ways(say: Callable[[str], None]) -> Iterator[tuple[Way, Way, Way]]:
    """To a model process, to InvokeEndpoint, and to the API, of one deployment that lasts as long as the block."""
    with tempfile.TemporaryDirectory() as directory, Cloud(home=HOME / "bench", say=say) as cloud:
        deployment = Deployment(cloud)
        say("deploying the realtime example")
        deployment.bootstrap()
        deployment.deploy(STACK, synthesise(Path(directory) / "assembly"))
        _stop_scaling(deployment)
        (endpoint,) = deployment.client("sagemaker").list_endpoints()["Endpoints"]
        api = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{deployment.api}/*"
        user = deployment.user(
            "bench",
            {"Effect": "Allow", "Action": "sagemaker:InvokeEndpoint", "Resource": endpoint["EndpointArn"]},
            {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": api},
        )
        invoke = _signed_way(cloud, f"/endpoints/{endpoint['EndpointName']}/invocations", user, "sagemaker")
        front_end = _signed_way(cloud, f"/_aws/execute-api/{deployment.api}/live/invocations", user, "execute-api")
        yield _way(_model_ports(cloud), "/invocations"), invoke, front_end


def _signed_way(cloud: Cloud, path: str, user: Credentials, service: str) -> Way:
    unsigned = status(cloud.port, _way([cloud.port], path).messages[0])
    assert unsigned == http.client.FORBIDDEN, f"an unsigned request must be refused, got {unsigned}"
    return _way([cloud.port], path, Signature(credentials=user, service=service, region=REGION))


def _way(ports: list[int], path: str, signature: Signature | None = None) -> Way:
    bodies = ({"instances": [[number + feature / 10 for feature in range(30)]]} for number in range(_BODIES))
    messages = [message(ports[0], path, json.dumps(body).encode(), signature) for body in bodies]
    return Way(ports=ports, messages=messages)


def _stop_scaling(deployment: Deployment) -> None:
    """Keep the number of instances: the load of a measurement would raise it on the way."""
    client = deployment.client("application-autoscaling")
    for target in client.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]:
        client.deregister_scalable_target(
            **{name: target[name] for name in ("ServiceNamespace", "ResourceId", "ScalableDimension")}
        )


def _model_ports(cloud: Cloud) -> list[int]:
    """Where the variant's model processes listen: the container contract tells each by its environment."""
    ports = []
    for process in descendants(cloud.process_id):
        pairs = Path(f"/proc/{process}/environ").read_text(errors="replace").split("\0")
        environment = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
        if _VARIANT in Path(environment.get("SM_MODEL_DIR", "")).parts:
            ports.append(int(environment["SAGEMAKER_BIND_TO_PORT"]))
    if not ports:
        raise RuntimeError(f"the local cloud runs no process of the variant {_VARIANT}")
    return ports


def table(costs: Costs) -> Table:
    """Each figure beside its baseline and its target."""
    title = f"signed requests to the local cloud, alternating, all on {os.cpu_count()} cores"
    found = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for column in ("", "ours", "baseline", "added", "target"):
        found.add_column(column, justify="left" if not column else "right")
    rows = (
        ("(e) InvokeEndpoint; its model process", costs.invoke, INVOKE_CLIENTS, f"{ADDED_TARGET_MS} ms", RATE_TARGET),
        ("(f) API and function; InvokeEndpoint", costs.front_end, FRONT_CLIENTS, "", ""),
    )
    for label, cost, clients, latency_target, rate_target in rows:
        found.add_row(f"{label}, p50", *_times(cost.p50_ms, cost.baseline_p50_ms), latency_target)
        found.add_row("    the same, p99", *_times(cost.p99_ms, cost.baseline_p99_ms), "")
        rates = (f"{cost.rate:.0f}/s", f"{cost.baseline_rate:.0f}/s", "")
        found.add_row(f"    the same, {clients} clients at a time", *rates, f"{rate_target}/s" if rate_target else "")
    return found


def _times(ours: float, theirs: float) -> tuple[str, str, str]:
    return f"{ours:.2f} ms", f"{theirs:.2f} ms", f"{ours - theirs:.2f} ms"


def report(console: Console) -> bool:
    """Measure and print; gives whether that was possible."""
    if absent := missing():
        paths = ", ".join(map(str, absent))
        console.print(f"(e) and (f) are not measured, for want of {paths}: `make bench` provides it", soft_wrap=True)
        return False
    with console.status("starting the local cloud") as status:
        costs = measure(status.update)
    console.print(table(costs))
    return True


if __name__ == "__main__":
    raise SystemExit(not report(Console(highlight=False)))
