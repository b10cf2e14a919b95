"""Artefacts that cannot be had or unpacked: the endpoint fails with AWS's words, what serves goes on serving."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.local_aws.sagemaker_harness import BUCKET, READ, Emulator, archive, refusal, servers, until, variant

EXTRACT = (
    'Failed to extract model data archive for container "container_1" from URL "s3://models/{}". Please ensure that'
)
DOWNLOAD = 'Failed to download model data for container "container_1" from URL: "s3://models/{}". Please ensure that'


@pytest.fixture(scope="module")
def served(cloud: Emulator) -> Iterator[Emulator]:
    with cloud.serving("steady", variant("A", "champion")):
        yield cloud


def role(cloud: Emulator) -> str:
    arn: str = cloud.client("iam").get_role(RoleName="execution")["Role"]["Arn"]
    return arn


def failure(cloud: Emulator, name: str) -> str:
    """Why an endpoint of this model fails; it serves nobody, and it can be deleted."""
    sagemaker = cloud.client("sagemaker")
    cloud.config(name, variant("A", name))
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    described = cloud.settle(name)
    assert described["EndpointStatus"] == "Failed"
    assert "not found" in refusal(lambda: cloud.invoke(name))["Error"]["Message"]
    cloud.remove(name)
    return str(described["FailureReason"])


ARCHIVES = {
    "text": b"this is no archive",
    "cut": archive({"code/inference.py": os.urandom(5000)})[:3000],
    "escaping": archive({"../../../../../../../tmp/escaped-from-the-archive": b"x"}),
    "bomb": archive({"zeros": bytes(2_000_000)}),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_an_archive_that_is_not_sound_fails_the_endpoint(served: Emulator, name: str) -> None:
    served.client("s3").put_object(Bucket=BUCKET, Key=f"{name}.tar.gz", Body=ARCHIVES[name])
    served.model(name, role(served), f"s3://{BUCKET}/{name}.tar.gz")
    assert failure(served, name).startswith(EXTRACT.format(f"{name}.tar.gz"))


def test_an_artefact_that_is_gone_fails_the_endpoint(served: Emulator) -> None:
    served.model("gone", role(served), served.put_model("gone.tar.gz"))
    served.client("s3").delete_object(Bucket=BUCKET, Key="gone.tar.gz")
    assert failure(served, "gone").startswith(DOWNLOAD.format("gone.tar.gz"))


def test_a_grant_that_was_taken_away_fails_the_endpoint(served: Emulator) -> None:
    served.model("revoked", served.role("revoked", READ), "s3://models/model.tar.gz")
    served.client("iam").delete_role_policy(RoleName="revoked", PolicyName="policy")
    assert failure(served, "revoked").startswith(DOWNLOAD.format("model.tar.gz"))


def test_an_artefact_without_a_program_does_not_pass_the_health_check(served: Emulator) -> None:
    served.model("empty", role(served), served.put_model("empty.tar.gz", {"README": b"nothing to run"}))
    assert failure(served, "empty") == (
        "The primary container for production variant A did not pass the ping health check. "
        "Please check CloudWatch logs for this endpoint."
    )


def test_a_bad_update_leaves_the_old_fleet_and_the_next_good_one_works(served: Emulator) -> None:
    """What failed above has left nothing behind, either."""
    sagemaker = served.client("sagemaker")
    served.client("s3").put_object(Bucket=BUCKET, Key="bad.tar.gz", Body=b"this is no archive")
    served.model("bad", role(served), f"s3://{BUCKET}/bad.tar.gz")
    served.config("bad", variant("A", "bad"))
    served.config("good", variant("A", "challenger"))
    before = served.invoke("steady")["Body"]
    sagemaker.update_endpoint(EndpointName="steady", EndpointConfigName="bad")
    described = served.settle("steady")
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", "steady")
    assert described["FailureReason"].startswith(EXTRACT.format("bad.tar.gz"))
    assert served.invoke("steady")["Body"]["pid"] == before["pid"]
    sagemaker.update_endpoint(EndpointName="steady", EndpointConfigName="good")
    described = served.settle("steady")
    assert described["EndpointConfigName"] == "good"
    assert "FailureReason" not in described
    assert served.invoke("steady")["Body"]["tag"] == "challenger"
    until(lambda: before["pid"] not in servers(served))
