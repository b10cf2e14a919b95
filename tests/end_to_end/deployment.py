"""A local cloud with the CDK command line beside it, and callers with credentials of their own."""

from __future__ import annotations

import json
import re
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import boto3  # type: ignore[import-untyped]  # ships no types
from botocore.auth import SigV4Auth  # type: ignore[import-untyped]  # ships no types
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]  # ships no types
from botocore.config import Config  # type: ignore[import-untyped]  # ships no types
from botocore.credentials import Credentials  # type: ignore[import-untyped]  # ships no types

from tests.local_aws.launcher import ACCOUNT, REGION, ROOT, Cloud

CDK: Final = ROOT / "node_modules" / ".bin" / "cdk"
BIN: Final = ROOT / ".venv" / "bin"
ROOT_USER: Final = Credentials("test", "test")
_LIMIT: Final = 900  # seconds for one command; a few on an idle machine
_API_LIMIT: Final = 120  # the API itself gives up after 29
_CONNECTIONS: Final = 50


@dataclass(frozen=True)
class Answer:
    """What the API answered."""

    status: int
    headers: dict[str, str]
    body: Any

    @property
    def variant(self) -> str | None:
        """The variant that served the request."""
        return self.headers.get("x-amzn-invoked-production-variant")


@dataclass
class Deployment:
    """The stacks on one local cloud."""

    cloud: Cloud
    seconds: dict[str, list[float]] = field(default_factory=dict)
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def cdk(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the pinned command line against the local cloud, and against nothing else.

        Raises:
            AssertionError: the command failed, and `check` is set.
        """
        environment = self.cloud.environment
        environment["PATH"] = f"{BIN}:{environment['PATH']}"
        file = self.cloud.run / "cdk.log"
        started = time.monotonic()
        with file.open("a+") as log:  # written while it runs: a command that hangs is seen, too
            log.write(f"$ cdk {' '.join(arguments)}\n")
            log.flush()
            begin = log.tell()
            done = subprocess.run(
                [str(CDK), *arguments, "--no-notices", "--no-color"],
                cwd=self.cloud.run,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                timeout=_LIMIT,
                check=False,
            )
            log.seek(begin)
            output = log.read()
        self.seconds.setdefault(arguments[0], []).append(time.monotonic() - started)
        if check and done.returncode:
            raise AssertionError(f"cdk {arguments[0]} failed, see {file} and {self.cloud.log}:\n{output[-4000:]}")
        return subprocess.CompletedProcess(done.args, done.returncode, output, "")

    def bootstrap(self) -> None:
        """`cdk bootstrap`."""
        self.cdk("bootstrap", f"aws://{ACCOUNT}/{REGION}")

    def deploy(self, stack: str, assembly: Path, *, check: bool = True) -> subprocess.CompletedProcess[str]:
        """`cdk deploy` from an assembly."""
        file = self.cloud.run / "outputs.json"
        options = ("--require-approval", "never", "--progress", "events", "--outputs-file", str(file))
        done = self.cdk("deploy", stack, "--app", str(assembly), *options, check=check)
        if done.returncode == 0:
            self.outputs |= json.loads(file.read_text())
        return done

    def destroy(self, stack: str, assembly: Path) -> None:
        """`cdk destroy`."""
        self.cdk("destroy", stack, "--app", str(assembly), "--force")

    def client(self, service: str, credentials: Credentials = ROOT_USER) -> Any:  # noqa: ANN401 - boto3 has no types
        """A boto3 client of the local cloud, which threads may share."""
        with self._lock:  # sessions are not for several threads
            key = (service, credentials.access_key)
            if key not in self._clients:
                self._clients[key] = boto3.session.Session().client(
                    service,
                    endpoint_url=self.cloud.url,
                    region_name=REGION,
                    aws_access_key_id=credentials.access_key,
                    aws_secret_access_key=credentials.secret_key,
                    config=Config(
                        retries={"total_max_attempts": 1},
                        proxies={},
                        read_timeout=_LIMIT,
                        max_pool_connections=_CONNECTIONS,
                    ),
                )
            return self._clients[key]

    def close(self) -> None:
        """Close the clients' connections."""
        with self._lock:
            while self._clients:
                self._clients.popitem()[1].close()

    def user(self, name: str, *statements: dict[str, Any]) -> Credentials:
        """A new IAM user who may do what the statements allow, and nothing else."""
        iam = self.client("iam")
        iam.create_user(UserName=name)
        if statements:
            document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
            iam.put_user_policy(UserName=name, PolicyName="rights", PolicyDocument=document)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return Credentials(key["AccessKeyId"], key["SecretAccessKey"])

    @property
    def api(self) -> str:
        """The id of the realtime stack's API."""
        (url,) = self.outputs["Realtime"].values()
        found = re.match(r"https://([^.]+)\.execute-api\.", url)
        assert found is not None
        return found.group(1)

    def post(
        self,
        body: object,
        credentials: Credentials | None,
        headers: dict[str, str] | None = None,
        path: str = "/invocations",
    ) -> Answer:
        """A POST to the API of the realtime stack, signed if there are credentials."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {"Content-Type": "application/json"} | (headers or {})
        return self.send(self.api, "POST", path, body=data, credentials=credentials, headers=named)

    def send(
        self,
        api: str,
        method: str,
        path: str,
        *,
        body: bytes | None,
        credentials: Credentials | None,
        headers: Mapping[str, str],
    ) -> Answer:
        """A request to an API, signed if there are credentials."""
        url = f"{self.cloud.url}/_aws/execute-api/{api}/live{path}"
        request = AWSRequest(method, url, data=body, headers=dict(headers))
        if credentials is not None:
            SigV4Auth(credentials, "execute-api", REGION).add_auth(request)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        sent = urllib.request.Request(url, body, dict(request.headers), method=method)
        try:
            with opener.open(sent, timeout=_API_LIMIT) as answer:
                return _answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return _answer(error.code, error.headers, error.read())

    def endpoint(self) -> dict[str, Any]:
        """The account's only endpoint."""
        sagemaker = self.client("sagemaker")
        (summary,) = sagemaker.list_endpoints()["Endpoints"]
        found: dict[str, Any] = sagemaker.describe_endpoint(EndpointName=summary["EndpointName"])
        return found

    def models(self) -> set[str]:
        """The names of all models."""
        return {model["ModelName"] for model in self.client("sagemaker").list_models()["Models"]}

    def invoke(self, endpoint: str, body: object, **options: str) -> tuple[str, Any]:
        """InvokeEndpoint with JSON; gives the variant and its answer."""
        answer = self.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=endpoint, ContentType="application/json", Body=json.dumps(body), **options
        )
        return answer["InvokedProductionVariant"], json.loads(answer["Body"].read())

    def status(self, stack: str) -> str:
        """The status that CloudFormation gives a stack."""
        status: str = self.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
        return status


def weights(endpoint: dict[str, Any]) -> dict[str, float]:
    """The share of each variant, from the endpoint's description."""
    return {variant["VariantName"]: variant["CurrentWeight"] for variant in endpoint["ProductionVariants"]}


def _answer(status: int, headers: Any, body: bytes) -> Answer:  # noqa: ANN401 - a message of the standard library
    text = body.decode()
    return Answer(status, {name.lower(): value for name, value in headers.items()}, json.loads(text) if text else None)
