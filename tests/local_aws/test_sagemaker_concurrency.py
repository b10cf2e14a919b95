"""Many callers at once, and in the middle of changes: nobody hangs, and nothing is left behind."""

from __future__ import annotations

import http.client
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from botocore.auth import SigV4Auth  # type: ignore[import-untyped]  # ships no types
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]  # ships no types
from botocore.credentials import Credentials  # type: ignore[import-untyped]  # ships no types
from botocore.exceptions import ClientError  # type: ignore[import-untyped]  # ships no types

from tests.local_aws.sagemaker_harness import LIMIT, REGION, Emulator, refusal, servers, until, variant
from tests.local_aws.sagemaker_traffic import Traffic

CALLERS = 200
KEPT = 32  # connections to an instance that wait for the next request


def signed(cloud: Emulator, endpoint: str, body: bytes) -> dict[str, str]:
    url = f"{cloud.url}/endpoints/{endpoint}/invocations"
    request = AWSRequest("POST", url, data=body, headers={"Content-Type": "application/json"})
    SigV4Auth(Credentials("test", "test"), "sagemaker", REGION).add_auth(request)
    return dict(request.headers)


def storm(cloud: Emulator, endpoint: str) -> Counter[int]:
    """Requests that are all under way at the same moment, some of whose callers leave; gives the statuses."""
    body = b'{"sleep": 0.5}'
    headers = signed(cloud, endpoint, body)

    def call(number: int) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", cloud.port, timeout=LIMIT)
        try:
            connection.request("POST", f"/endpoints/{endpoint}/invocations", body=body, headers=headers)
            if number % 10 == 0:
                return 0  # without having waited for the answer
            response = connection.getresponse()
            response.read()
            return response.status
        finally:
            connection.close()

    with ThreadPoolExecutor(CALLERS) as pool:
        return Counter(pool.map(call, range(CALLERS)))


def opened(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def threads(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def test_a_storm_leaves_no_connection_no_thread_and_no_process(cloud: Emulator) -> None:
    pid = cloud.process.pid
    idle = opened(pid), servers(cloud)
    with cloud.serving("stormy", variant("A", "champion", InitialInstanceCount=2)):
        instances = servers(cloud) - idle[1]
        calm = opened(pid)
        assert storm(cloud, "stormy") == {200: CALLERS * 9 // 10, 0: CALLERS // 10}
        until(lambda: opened(pid) <= calm + 2 * KEPT)
        until(lambda: all(threads(one) <= KEPT + 5 for one in instances))
        working = threads(pid)
        assert storm(cloud, "stormy") == {200: CALLERS * 9 // 10, 0: CALLERS // 10}
        until(lambda: opened(pid) <= calm + 2 * KEPT)
        until(lambda: threads(pid) <= working)
        assert servers(cloud) - idle[1] == instances
    until(lambda: opened(pid) <= idle[0])
    assert servers(cloud) == idle[1]


def test_capacity_goes_up_and_down_under_traffic_without_a_failed_request(cloud: Emulator) -> None:
    sagemaker = cloud.client("sagemaker")
    with cloud.serving("elastic", variant("A", "champion")), Traffic(cloud, "elastic", callers=6) as traffic:
        for count in (3, 1, 2, 1):
            change = [{"VariantName": "A", "DesiredInstanceCount": count}]
            sagemaker.update_endpoint_weights_and_capacities(EndpointName="elastic", DesiredWeightsAndCapacities=change)
            described = cloud.settle("elastic")
            assert described["ProductionVariants"][0]["CurrentInstanceCount"] == count
        answered = len(traffic.answers)
        until(lambda: len(traffic.answers) > answered + 20)
        traffic.end()
    assert traffic.errors == []


def test_a_request_under_way_is_answered_though_its_endpoint_is_deleted(cloud: Emulator, tmp_path: Path) -> None:
    sagemaker, gate = cloud.client("sagemaker"), tmp_path / "gate"
    with cloud.serving("leaving", variant("A", "champion")), ThreadPoolExecutor(10) as pool:
        (pid,) = servers(cloud)
        try:
            slow = [pool.submit(cloud.invoke, "leaving", {"wait_for": str(gate)}) for _ in range(10)]
            until(lambda: connections(pid) >= 10)
            sagemaker.delete_endpoint(EndpointName="leaving")
            until(lambda: "not found" in refusal(lambda: cloud.invoke("leaving"))["Error"]["Message"])
        finally:
            gate.touch()
        assert {future.result()["Body"]["pid"] for future in slow} == {pid}
        until(lambda: not sagemaker.list_endpoints(NameContains="leaving")["Endpoints"])


def connections(pid: int) -> int:
    """The connections of callers to a model server."""
    paths = Path(f"/proc/{pid}/fd").iterdir()
    return sum(str(path.readlink()).startswith("socket:") for path in paths) - 1  # it listens at one


def test_callers_of_a_deleted_endpoint_are_told_so(cloud: Emulator) -> None:
    with cloud.serving("told", variant("A", "champion")), Traffic(cloud, "told", callers=6) as traffic:
        until(lambda: len(traffic.answers) > 20)
        cloud.client("sagemaker").delete_endpoint(EndpointName="told")
        until(lambda: len(traffic.errors) > 20)
        traffic.end()
        until(lambda: not servers(cloud))
    assert all("Endpoint told of account 000000000000 not found." in error for error in traffic.errors)


def test_many_calls_of_the_control_plane_at_once(cloud: Emulator) -> None:
    """Each makes the service read the artefact from the same process that answers the call."""
    role = cloud.client("iam").get_role(RoleName="execution")["Role"]["Arn"]
    sagemaker = cloud.client("sagemaker")

    def make(number: int) -> Any:  # noqa: ANN401 - boto3 has no types
        cloud.model(f"many-{number}", role, "s3://models/model.tar.gz")
        return sagemaker.delete_model(ModelName=f"many-{number}")

    with ThreadPoolExecutor(40) as pool:
        assert len(list(pool.map(make, range(40)))) == 40
    assert sagemaker.list_models(NameContains="many-")["Models"] == []


def test_one_of_many_who_create_or_update_the_same_endpoint_succeeds(cloud: Emulator, tmp_path: Path) -> None:
    sagemaker, gate = cloud.client("sagemaker"), tmp_path / "gate"
    role = cloud.client("iam").get_role(RoleName="execution")["Role"]["Arn"]
    cloud.model("contested", role, "s3://models/model.tar.gz", GATE=str(gate))
    cloud.config("contested", variant("A", "contested"))

    def attempt(call: Callable[..., object]) -> str:
        try:
            call(EndpointName="contested", EndpointConfigName="contested")
        except ClientError as error:
            return str(error.response["Error"]["Message"])
        return "done"

    arn = "arn:aws:sagemaker:us-east-1:000000000000:endpoint/contested"
    with ThreadPoolExecutor(20) as pool:
        outcomes = Counter(pool.map(attempt, [sagemaker.create_endpoint] * 20))
        assert outcomes == {"done": 1, f'Cannot create already existing endpoint "{arn}".': 19}
        gate.touch()
        cloud.settle("contested")
        gate.unlink()  # the update lasts until all have been refused
        outcomes = Counter(pool.map(attempt, [sagemaker.update_endpoint] * 20))
        assert outcomes == {"done": 1, f'Cannot update in-progress endpoint "{arn}".': 19}
        gate.touch()
    cloud.settle("contested")
    assert len(until(lambda: servers(cloud))) == 1
    cloud.remove("contested")
