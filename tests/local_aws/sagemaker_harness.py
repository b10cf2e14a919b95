"""An emulator with this service alone, as a process of its own, for the service's tests."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import tarfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Self, TypeVar

import boto3  # type: ignore[import-untyped]  # ships no types
from botocore.config import Config  # type: ignore[import-untyped]  # ships no types
from botocore.exceptions import ClientError  # type: ignore[import-untyped]  # ships no types

T = TypeVar("T")
_SESSION: Final = boto3.Session()  # one for all: each reads the models of the services anew

ROOT: Final = Path(__file__).parents[2]
ACCOUNT: Final = "000000000000"
REGION: Final = "us-east-1"
BUCKET: Final = "models"
_START: Final = (
    "import threading; from tests.local_aws import seams, sagemaker, server; from tests.local_aws.stubs import alarms; "
    "threading.Thread(target=server._watch_launcher, daemon=True).start(); "
    "seams.treat_loopback_as_tls(); sagemaker.install(); "
    "alarms.install(); "  # the emulator's own take the metrics of other endpoints for theirs
    "import ministack.app; ministack.app.main()"
)
_TRUST: Final = {
    "Effect": "Allow",
    "Principal": {"Service": "sagemaker.amazonaws.com"},
    "Action": "sts:AssumeRole",
    "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
}
READ: Final = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::models/*"}
WRITE_LOGS: Final = {
    "Effect": "Allow",
    "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
    "Resource": "arn:aws:logs:*:*:log-group:/aws/sagemaker/Endpoints/*",
}
LIMIT: Final = 90.0  # seconds: generous, for machines that do much else

INFERENCE: Final = b"""
import json, os, sys, time
def model_fn(model_dir):
    print("the model is loaded", flush=True)
    while not os.path.exists(os.environ.get("GATE", "/")):
        time.sleep(0.02)
    if os.path.exists("fail_at_start"):
        os.remove("fail_at_start")
        raise RuntimeError("not this time")
    if os.environ.get("FAIL"):
        raise RuntimeError("no model")
    time.sleep(600 if os.path.exists("never") else float(os.environ.get("SLOW", "0")))
    return os.environ.get("TAG", "none")
def input_fn(body, content_type):
    return json.loads(body)
def predict_fn(data, model):
    if data.get("crash"):
        os._exit(1)
    time.sleep(data.get("sleep", 0))
    while "wait_for" in data and not os.path.exists(data["wait_for"]):
        time.sleep(0.02)
    if data.get("unwell"):
        os.environ["UNWELL"] = "1"
    for name in {"never", "fail_at_start"} & data.keys():
        open(name, "w").close()
    if "say" in data:
        print(data["say"], flush=True)
    if data.get("fail") or os.environ.get("ALWAYS_FAIL"):
        raise ValueError("the model does not like this")
    return {"tag": model, "pid": os.getpid(), "data": data}
def output_fn(prediction, accept):
    if "parts" in prediction["data"]:
        return parts(**prediction["data"]["parts"]), "text/event-stream"
    if "large" in prediction["data"]:
        prediction["large"] = "x" * prediction["data"]["large"]
    return json.dumps(prediction), "application/json"
def parts(number, wait_for=None, fail=False, die=False, hang=0):
    for index in range(number):
        yield b"part %d;" % index
    while wait_for and not os.path.exists(wait_for):
        time.sleep(0.02)
    time.sleep(hang)
    if die:
        os._exit(1)
    if fail:
        raise RuntimeError("in the middle")
    yield b"end"
"""


def archive(files: Mapping[str, bytes]) -> bytes:
    """A `model.tar.gz`."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as file:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            file.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def variant(name: str, model: str, weight: float = 1, **members: Any) -> dict[str, Any]:  # noqa: ANN401 - as boto3
    """A production variant."""
    return {"VariantName": name, "ModelName": model, "InitialVariantWeight": weight, **members}


def complete(given: Mapping[str, Any]) -> dict[str, Any]:
    """A variant with what else it needs."""
    instances = {
        "InitialInstanceCount": 1,
        "InstanceType": "ml.m5.large",
        "ContainerStartupHealthCheckTimeoutInSeconds": 3600,
    }
    return {"InitialVariantWeight": 1.0, **({} if "ServerlessConfig" in given else instances), **given}


def refusal(call: Callable[[], object]) -> dict[str, Any]:
    """The response with which a call is refused."""
    try:
        call()
    except ClientError as error:
        response: dict[str, Any] = dict(error.response)
        return response
    raise AssertionError("the call was not refused")


def until(condition: Callable[[], T | None], seconds: float = LIMIT) -> T:
    """Wait until the condition gives something, and give that."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    raise TimeoutError(f"not within {seconds} seconds")


def servers(emulator: Emulator) -> set[int]:
    """The model servers of an emulator."""
    listed = subprocess.run(["ps", "-ww", "-eo", "pid,ppid,args"], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 2) for line in listed.splitlines()[1:]]
    return {int(row[0]) for row in rows if int(row[1]) == emulator.process.pid and "guarded.py" in row[2]}


class Emulator:
    """Starts on entry, ends on exit; clients speak to it over HTTP."""

    program: str = _START

    def __init__(self, directory: Path, **environment: str) -> None:
        self._directory = directory
        self._environment = environment
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self._clients: dict[str, Any] = {}

    def __enter__(self) -> Self:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | {
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "AUTH": "true",
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "LOG_LEVEL": "WARNING",
            "LOCAL_AWS_SEED": "1",
            "LOCAL_AWS_DIRECTORY": str(self._directory),
            **self._environment,
        }
        self._log = (self._directory / "emulator.log").open("wb")
        python = os.environ.get("LOCAL_AWS_PYTHON", sys.executable)
        command = [python, "-c", self.program]
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,  # its end tells the emulator that the tests are gone, however they went
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )
        for _ in range(900):
            try:
                urllib.request.urlopen(f"{self.url}/_ministack/health", timeout=1).close()
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.1)
            else:
                return self
        self.process.kill()
        raise RuntimeError((self._directory / "emulator.log").read_text())

    def __exit__(self, *_: object) -> None:
        for client in self._clients.values():
            client.close()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdin is not None:
            self.process.stdin.close()
        self._log.close()

    def client(self, service: str, credentials: Mapping[str, str] | None = None) -> Any:  # noqa: ANN401 - boto3 has no types
        """A boto3 client of the account's root, or of somebody else."""
        if credentials is None and service in self._clients:
            return self._clients[service]
        client = _SESSION.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            config=Config(retries={"total_max_attempts": 1}, max_pool_connections=50),
            **(credentials or {"aws_access_key_id": "test", "aws_secret_access_key": "test"}),
        )
        self._clients[service if credentials is None else f"{service}-{len(self._clients)}"] = client
        return client

    def role(self, name: str, *statements: Mapping[str, Any], trust: Mapping[str, Any] = _TRUST) -> str:
        """An execution role with these rights; gives its ARN."""
        iam = self.client("iam")
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
        if statements:
            policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
            iam.put_role_policy(RoleName=name, PolicyName="policy", PolicyDocument=policy)
        return arn

    def user(self, name: str, *statements: Mapping[str, Any]) -> dict[str, str]:
        """The credentials of a new user with these rights."""
        iam = self.client("iam")
        iam.create_user(UserName=name)
        if statements:
            policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
            iam.put_user_policy(UserName=name, PolicyName="policy", PolicyDocument=policy)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}

    def put_model(self, key: str, files: Mapping[str, bytes] | None = None) -> str:
        """Upload an archive; gives its URL."""
        s3 = self.client("s3")
        if BUCKET not in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]:
            s3.create_bucket(Bucket=BUCKET)
        s3.put_object(
            Bucket=BUCKET, Key=key, Body=archive({"code/inference.py": INFERENCE} if files is None else files)
        )
        return f"s3://{BUCKET}/{key}"

    def model(self, name: str, role: str, url: str, **environment: str) -> None:
        """A model of one container."""
        container = {"Image": "image:1", "ModelDataUrl": url, "Environment": environment}
        self.client("sagemaker").create_model(ModelName=name, ExecutionRoleArn=role, PrimaryContainer=container)

    def config(
        self,
        name: str,
        *variants: Mapping[str, Any],
        shadows: Sequence[Mapping[str, Any]] = (),
        **members: Any,  # noqa: ANN401 - as boto3
    ) -> None:
        """An endpoint configuration; each variant needs a name and a model only."""
        for member, given in (("ProductionVariants", variants), ("ShadowProductionVariants", shadows)):
            if given:
                members[member] = [complete(one) for one in given]
        self.client("sagemaker").create_endpoint_config(EndpointConfigName=name, **members)

    def settle(self, endpoint: str, seconds: float = LIMIT) -> dict[str, Any]:
        """Wait until the endpoint's status is final; gives its description."""
        sagemaker = self.client("sagemaker")
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found: dict[str, Any] = sagemaker.describe_endpoint(EndpointName=endpoint)
            if found["EndpointStatus"] in {"InService", "Failed"}:
                return found
            time.sleep(0.05)
        raise TimeoutError(f"endpoint {endpoint} is still {found['EndpointStatus']}")

    @contextmanager
    def serving(self, name: str, *variants: Mapping[str, Any], **members: Any) -> Iterator[str]:  # noqa: ANN401 - as boto3
        """An endpoint in service with a configuration of the same name, until both are gone."""
        sagemaker = self.client("sagemaker")
        self.config(name, *variants, **members)
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
        try:
            described = self.settle(name)
            assert described["EndpointStatus"] == "InService", described["FailureReason"]
            yield name
        finally:
            if self._exists(name):
                self.remove(name)
            sagemaker.delete_endpoint_config(EndpointConfigName=name)

    def remove(self, endpoint: str) -> None:
        """Delete an endpoint, once it is settled, and wait until it is gone."""
        sagemaker = self.client("sagemaker")
        self.settle(endpoint)
        sagemaker.delete_endpoint(EndpointName=endpoint)
        until(lambda: not self._exists(endpoint))

    def _exists(self, endpoint: str) -> bool:
        found = self.client("sagemaker").list_endpoints(NameContains=endpoint, MaxResults=100)["Endpoints"]
        return endpoint in [item["EndpointName"] for item in found]

    def invoke(self, endpoint: str, body: object = None, **members: str) -> dict[str, Any]:
        """InvokeEndpoint with JSON."""
        answer = self.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=endpoint, ContentType="application/json", Body=json.dumps(body or {}), **members
        )
        return {**answer, "Body": json.loads(answer["Body"].read())}
