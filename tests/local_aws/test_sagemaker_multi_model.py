"""Many models behind one container: loaded when they are asked for, unloaded to make room."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.local_aws.sagemaker_harness import ACCOUNT, READ, REGION, Emulator, refusal, servers, until, variant
from tests.local_aws.sagemaker_metrics import INSTANCES, names, statistic

# The same process serves them all: it counts how often each was loaded, and has room for so many.
MODEL = """
import json, os, sys, time, weakref
class Model: pass
def model_fn(model_dir):
    if "{tag}" == "broken": raise RuntimeError("these weights are no weights")
    while "{tag}" == "slow" and not os.path.exists(os.environ["GATE"]): time.sleep(0.02)
    alive = sys.__dict__.setdefault("alive", weakref.WeakSet())
    if len(alive) >= int(os.environ.get("ROOM", "100")): raise MemoryError("no room for {tag}")
    loads = sys.__dict__.setdefault("loads", {{}})
    loads["{tag}"] = loads.get("{tag}", 0) + 1
    model = Model()
    alive.add(model)
    return model
def input_fn(body, content_type): return body
def predict_fn(body, model):
    if "fail" in body: raise ValueError("{tag} does not like this")
    loaded = len(sys.__dict__["alive"])
    return {{"tag": "{tag}", "loads": sys.__dict__["loads"]["{tag}"], "alive": loaded, "pid": os.getpid(), "got": body}}
def output_fn(prediction, accept): return json.dumps(prediction), "application/json"
"""
LIST = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::models"}
PREFIX = "s3://models/tenants/"
KEPT = 5  # the service's default


def put(cloud: Emulator, *tags: str, prefix: str = "tenants/") -> None:
    for tag in tags:
        cloud.put_model(f"{prefix}{tag}.tar.gz", {"code/inference.py": MODEL.format(tag=tag.split("/")[-1]).encode()})


def container(url: str = PREFIX, *, cache: str = "Enabled", **environment: str) -> dict[str, Any]:
    return {
        "Image": "image:1",
        "Mode": "MultiModel",
        "ModelDataUrl": url,
        "MultiModelConfig": {"ModelCacheSetting": cache},
        "Environment": environment,
    }


def make(cloud: Emulator, name: str, **arguments: str) -> None:
    role = cloud.client("iam").get_role(RoleName="tenant")["Role"]["Arn"]
    cloud.client("sagemaker").create_model(
        ModelName=name, ExecutionRoleArn=role, PrimaryContainer=container(**arguments)
    )


@pytest.fixture(scope="module")
def tenants(cloud: Emulator) -> Emulator:
    secret = {"Effect": "Deny", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::models/tenants/secret*"}
    cloud.role("tenant", READ, LIST, secret)
    put(cloud, "a", "b", "eu/c", "broken", "secret", *map(str, range(KEPT + 1)))
    cloud.client("s3").put_object(Bucket="models", Key="tenants/corrupt.tar.gz", Body=b"this is no archive")
    return cloud


@pytest.fixture(scope="module")
def served(tenants: Emulator) -> Iterator[Emulator]:
    make(tenants, "many")
    with tenants.serving("many", variant("A", "many")):
        yield tenants


def ask(cloud: Emulator, endpoint: str, target: str, body: str = "x") -> dict[str, Any]:
    answer = cloud.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=endpoint, TargetModel=target, ContentType="text/csv", Body=body
    )
    found: dict[str, Any] = json.loads(answer["Body"].read())
    return found


def test_a_model_is_loaded_once_and_answers_by_its_name(served: Emulator) -> None:
    for target, tag in (("a.tar.gz", "a"), ("b.tar.gz", "b"), ("eu/c.tar.gz", "c"), ("a.tar.gz", "a")):
        answer = ask(served, "many", target)
        assert (answer["tag"], answer["loads"], answer["got"]) == (tag, 1, "x")


def test_requests_at_the_same_time_load_a_model_once(tenants: Emulator) -> None:
    make(tenants, "rushed")
    with tenants.serving("rushed", variant("A", "rushed")), ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: ask(tenants, "rushed", "a.tar.gz"), range(12)))
    assert {answer["loads"] for answer in answers} == {1}


def test_a_model_that_is_added_later_needs_no_deployment(served: Emulator) -> None:
    put(served, "late")
    assert ask(served, "many", "late.tar.gz")["tag"] == "late"


@pytest.mark.parametrize("target", ["none.tar.gz", "secret.tar.gz", "corrupt.tar.gz"])
def test_a_model_that_is_missing_forbidden_or_corrupt_is_not_downloaded(served: Emulator, target: str) -> None:
    error = refusal(lambda: ask(served, "many", target))["Error"]
    assert error["Code"] == "ValidationError"
    assert error["Message"] == (
        f"Failed to download model data(bucket: models, key: tenants/{target}). Please ensure that there is an object "
        "located at the URL and that the role passed to CreateModel has permissions to download the model."
    )
    assert ask(served, "many", "a.tar.gz")["tag"] == "a"


@pytest.mark.parametrize(
    "target", ["../model.tar.gz", "eu/../../model.tar.gz", "/a.tar.gz", "./a.tar.gz", "eu//c.tar.gz", "..\\a", "eu/"]
)
def test_a_target_that_leads_elsewhere_is_refused(served: Emulator, target: str) -> None:
    error = refusal(lambda: ask(served, "many", target))["Error"]
    assert error["Code"] == "ValidationError"
    assert "is not a path below the ModelDataUrl" in error["Message"]


def test_a_request_without_a_target_is_refused(served: Emulator) -> None:
    error = refusal(lambda: served.invoke("many"))["Error"]
    assert error["Code"] == "ValidationError"
    assert error["Message"] == "Endpoint many is a multi-model endpoint and requires target model header."


def test_a_model_that_does_not_load_or_fails_is_an_error_of_the_model(served: Emulator) -> None:
    response = refusal(lambda: ask(served, "many", "broken.tar.gz"))
    assert (response["Error"]["Code"], response["OriginalStatusCode"]) == ("ModelError", 500)
    assert "these weights are no weights" in response["OriginalMessage"]
    response = refusal(lambda: ask(served, "many", "a.tar.gz", "fail"))
    assert response["OriginalMessage"].startswith("a does not like this")


def test_what_was_used_last_stays(tenants: Emulator) -> None:
    make(tenants, "full")
    with tenants.serving("full", variant("A", "full")) as endpoint:
        for number in range(KEPT):
            ask(tenants, endpoint, f"{number}.tar.gz")
        ask(tenants, endpoint, "0.tar.gz")  # so that 1 is the oldest
        assert ask(tenants, endpoint, f"{KEPT}.tar.gz")["alive"] == KEPT
        assert ask(tenants, endpoint, "0.tar.gz")["loads"] == 1
        assert ask(tenants, endpoint, "1.tar.gz")["loads"] == 2
        until(lambda: statistic(tenants, "ModelUnloadingTime", endpoint, "A", kind="SampleCount") == 2)


def test_a_container_without_room_gets_some(tenants: Emulator) -> None:
    make(tenants, "narrow", ROOM="2")
    with tenants.serving("narrow", variant("A", "narrow")) as endpoint:
        for tag in ("0", "1", "2", "3", "0"):
            answer = ask(tenants, endpoint, f"{tag}.tar.gz")
            assert answer["tag"] == tag
            assert answer["alive"] <= 2
        assert answer["loads"] == 2


def test_a_model_that_finds_no_room_at_all_is_an_error_of_the_model(tenants: Emulator) -> None:
    make(tenants, "roomless", ROOM="0")
    with tenants.serving("roomless", variant("A", "roomless")) as endpoint:
        response = refusal(lambda: ask(tenants, endpoint, "0.tar.gz"))
    assert response["OriginalStatusCode"] == 507
    assert response["OriginalMessage"].startswith("no room for 0")


def test_without_a_cache_each_request_loads(tenants: Emulator) -> None:
    make(tenants, "forgetful", cache="Disabled")
    with tenants.serving("forgetful", variant("A", "forgetful")) as endpoint:
        for expected in (1, 2, 3):
            answer = ask(tenants, endpoint, "a.tar.gz")
            assert (answer["loads"], answer["alive"]) == (expected, 1)
        until(lambda: statistic(tenants, "ModelCacheHit", endpoint, "A", kind="SampleCount") == 3)
        assert statistic(tenants, "ModelCacheHit", endpoint, "A") == 0
        # The files stayed.
        assert statistic(tenants, "ModelDownloadingTime", endpoint, "A", kind="SampleCount") == 1


def test_a_request_goes_to_the_instance_that_has_its_model(tenants: Emulator) -> None:
    make(tenants, "pair")
    with tenants.serving("pair", variant("A", "pair", InitialInstanceCount=2)) as endpoint:
        (pid,) = {ask(tenants, endpoint, "a.tar.gz")["pid"] for _ in range(10)}
        os.kill(pid, signal.SIGKILL)
        until(lambda: pid not in servers(tenants))
        answer = until(lambda: _answer(tenants, endpoint))
        assert (answer["pid"] != pid, answer["loads"]) == (True, 1)


def _answer(cloud: Emulator, endpoint: str) -> dict[str, Any] | None:
    """What a model says, unless the instance that has it has just died."""
    try:
        return ask(cloud, endpoint, "a.tar.gz")
    except cloud.client("sagemaker-runtime").exceptions.ModelError:
        return None


def test_loading_is_measured(served: Emulator) -> None:
    ask(served, "many", "b.tar.gz")
    wanted = {"ModelLoadingWaitTime", "ModelDownloadingTime", "ModelLoadingTime", "ModelCacheHit"}
    until(lambda: wanted <= names(served, "many", "A"))
    until(lambda: "LoadedModelCount" in names(served, "many", "A", INSTANCES))
    assert (statistic(served, "ModelDownloadingTime", "many", "A") or 0) > 0
    until(lambda: (statistic(served, "ModelCacheHit", "many", "A") or 0) >= 1)


def test_a_policy_can_name_models(served: Emulator) -> None:
    allowed: dict[str, Any] = {
        "Effect": "Allow",
        "Action": "sagemaker:InvokeEndpoint",
        "Resource": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint/many",
        "Condition": {"StringLike": {"sagemaker:TargetModel": ["eu/*"]}},
    }
    caller = served.client("sagemaker-runtime", served.user("european", allowed))
    arguments = {"EndpointName": "many", "Body": "x", "ContentType": "text/csv"}
    caller.invoke_endpoint(**arguments, TargetModel="eu/c.tar.gz")
    error = refusal(lambda: caller.invoke_endpoint(**arguments, TargetModel="a.tar.gz"))["Error"]
    assert error["Code"] == "AccessDeniedException"


def test_one_container_of_a_pipeline_may_have_many_models(tenants: Emulator) -> None:
    put(tenants, "first", prefix="pipeline/")
    role = tenants.client("iam").get_role(RoleName="tenant")["Role"]["Arn"]
    first = {"Image": "image:1", "ModelDataUrl": "s3://models/pipeline/first.tar.gz"}
    sagemaker = tenants.client("sagemaker")
    sagemaker.create_model(ModelName="piped", ExecutionRoleArn=role, Containers=[first, container()])
    with tenants.serving("piped", variant("A", "piped")) as endpoint:
        answer = ask(tenants, endpoint, "eu/c.tar.gz")
    assert (answer["tag"], json.loads(answer["got"])["tag"]) == ("c", "first")
    twice = [container(), container()]
    error = refusal(lambda: sagemaker.create_model(ModelName="two", ExecutionRoleArn=role, Containers=twice))["Error"]
    assert error["Message"] == "A model can have only one container in MultiModel mode."


def test_nothing_is_left_of_an_endpoint(tenants: Emulator, cloud_directory: Path) -> None:
    instances = cloud_directory / "sagemaker" / "instances"
    make(tenants, "many-gone")
    before = sorted(instances.iterdir())
    with tenants.serving("many-gone", variant("A", "many-gone")) as endpoint:
        ask(tenants, endpoint, "a.tar.gz")
        assert len(list(instances.glob("many-gone-*/**/inference.py"))) == 1
    assert sorted(instances.iterdir()) == before


def test_the_place_of_the_models_must_hold_some_and_be_readable(tenants: Emulator) -> None:
    sagemaker = tenants.client("sagemaker")
    blind = tenants.role("blind", READ)
    role = tenants.client("iam").get_role(RoleName="tenant")["Role"]["Arn"]
    source = {"S3DataSource": {"S3Uri": PREFIX, "S3DataType": "S3Prefix", "CompressionType": "None"}}
    for given, by, expected in (
        (container(), blind, 'please ensure that the role has "s3:ListBucket" permission'),
        (container("s3://models/nobody/"), role, "Could not find model data at s3://models/nobody/."),
        ({"Image": "image:1", "Mode": "MultiModel"}, role, "ModelDataUrl is required for containers in MultiModel"),
        (
            {"Image": "image:1", "Mode": "MultiModel", "ModelDataSource": source},
            role,
            "ModelDataSource and AdditionalModelDataSources are not supported",
        ),
    ):
        arguments = {"ModelName": "unsound", "ExecutionRoleArn": by, "PrimaryContainer": given}
        error = refusal(partial(sagemaker.create_model, **arguments))["Error"]
        assert error["Code"] == "ValidationException"
        assert expected in error["Message"]


def test_a_model_that_takes_long_to_load_is_not_ready_and_goes_on_loading(tmp_path: Path) -> None:
    with Emulator(tmp_path, LOCAL_AWS_MODEL_TIMEOUT_SECONDS="1") as cloud:
        cloud.role("tenant", READ, LIST)
        put(cloud, "slow")
        make(cloud, "patient", GATE=str(tmp_path / "gate"))
        with cloud.serving("patient", variant("A", "patient")) as endpoint:
            response = refusal(lambda: ask(cloud, endpoint, "slow.tar.gz"))
            assert response["Error"]["Code"] == "ModelNotReadyException"
            assert response["ResponseMetadata"]["HTTPStatusCode"] == 429
            (tmp_path / "gate").touch()
            not_ready = cloud.client("sagemaker-runtime").exceptions.ModelNotReadyException

            def answer() -> dict[str, Any] | None:
                try:
                    return ask(cloud, endpoint, "slow.tar.gz")
                except not_ready:
                    return None

            assert until(answer)["loads"] == 1
