"""The clients that people have: unchanged programs, told nothing but an endpoint URL and credentials."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest

from tests.end_to_end.deployment import Deployment
from tests.end_to_end.light import SERVES
from tests.local_aws.launcher import interpreter

CLIENTS: Final = Path(__file__).with_name("clients")
BUCKET: Final = "amzn-s3-demo-bucket"
LIMIT: Final = 600  # seconds, most of which the AWS CLI's waiters may take: they ask every 30
EVERY_SERVICE: Final = ("AWS_ENDPOINT_URL",)
THESE_SERVICES: Final = ("AWS_ENDPOINT_URL_SAGEMAKER", "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME")
PYTHON: Final = [sys.executable, "-W", "ignore"]  # the SDK's sources warn


@pytest.fixture(scope="module")
def model_data(account: Deployment) -> str:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        member = tarfile.TarInfo("code/inference.py")
        member.size = len(SERVES)
        tar.addfile(member, io.BytesIO(SERVES.encode()))
    s3 = account.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="model.tar.gz", Body=content.getvalue())
    return f"s3://{BUCKET}/model.tar.gz"


@pytest.fixture(scope="module")
def role(account: Deployment) -> str:
    iam = account.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    rights = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/*"}
    arn: str = iam.create_role(RoleName="model", AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName="model", PolicyName="artefact", PolicyDocument=policy(rights))
    return arn


@pytest.fixture
def arguments(account: Deployment, model_data: str, role: str) -> Iterator[list[str]]:
    """What a client is told; afterwards it has removed all that it made."""
    yield ["tabular", model_data, role]
    sagemaker = account.client("sagemaker")
    assert account.models() == set()
    assert sagemaker.list_endpoint_configs()["EndpointConfigs"] == []
    assert sagemaker.list_endpoints()["Endpoints"] == []


def policy(statement: Mapping[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.mark.parametrize(
    ("client", "urls"),
    [
        pytest.param([*PYTHON, "with_boto3.py"], EVERY_SERVICE, id="boto3"),
        pytest.param([*PYTHON, "with_boto3.py"], THESE_SERVICES, id="boto3, with a URL for each service"),
        pytest.param([*PYTHON, "with_sagemaker_sdk.py"], EVERY_SERVICE, id="SageMaker SDK"),
        pytest.param(["bash", "with_aws_cli.sh"], EVERY_SERVICE, id="AWS CLI"),
    ],
)
def test_a_client_serves_and_removes_a_model(
    account: Deployment, arguments: list[str], client: list[str], urls: tuple[str, ...], tmp_path: Path
) -> None:
    environment = account.cloud.environment
    url = environment.pop("AWS_ENDPOINT_URL")
    environment |= dict.fromkeys(urls, url)
    environment["PATH"] = f"{interpreter().parent}{os.pathsep}{environment['PATH']}"  # the AWS CLI lives there
    *program, file = client
    done = subprocess.run(
        [*program, str(CLIENTS / file), *arguments],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}\nsee also {account.cloud.log}"
    assert json.loads((tmp_path / "answer.json").read_text()) == {"version": 1, "sum": 6}
