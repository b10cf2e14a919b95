from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from aws_cdk import App, Stack
from aws_cdk.assertions import Annotations, Match

from ml_constructs.front_ends.functions._code import function_code
from ml_constructs.network.inference_network import InferenceNetwork
from tests.constructs.front_ends.functions.functions import (
    RUNTIME_CODE,
    actions_and_conditions,
    build,
    function_of,
    versions,
)
from tests.constructs.front_ends.helpers import (
    assert_acyclic,
    findings,
    literal_partitions,
    resources,
)


def test_snapshots_are_of_published_versions(stack: Stack) -> None:
    build(stack, snap_start=True)
    assert function_of(stack)["SnapStart"] == {"ApplyOn": "PublishedVersions"}
    assert Annotations.from_stack(stack).find_warning("*", Match.any_value()) == []


def test_a_change_of_snapshots_publishes_a_version() -> None:
    assert versions() != versions(snap_start=True)


def test_streaming_runs_a_loop_of_its_own(stack: Stack) -> None:
    front_end = build(stack, streaming=True)
    assert front_end.streaming is True
    properties = function_of(stack)
    wrapper = properties["Environment"]["Variables"]["AWS_LAMBDA_EXEC_WRAPPER"]
    script = RUNTIME_CODE / Path(wrapper).relative_to("/var/task")
    assert script.stat().st_mode & 0o555 == 0o555
    assert properties["Handler"] == "invoke_endpoint.handler.handle"  # what answers where wrappers are not known
    assert set(actions_and_conditions(stack)) == {
        "sagemaker:InvokeEndpoint",
        "sagemaker:InvokeEndpointWithResponseStream",
    }
    assert findings(stack) == {"NIST.800.53.R5-LambdaInsideVPC"}
    assert literal_partitions(stack) == []


def test_the_network_admits_a_streaming_function(stack: Stack) -> None:
    build(stack, streaming=True, network=InferenceNetwork(stack, "Network"))
    found = json.dumps([each["Properties"] for each in resources(stack, "AWS::EC2::VPCEndpoint").values()])
    assert "sagemaker:InvokeEndpointWithResponseStream" in found
    assert_acyclic(stack)


def test_a_container_may_be_chosen_while_streaming(stack: Stack) -> None:
    build(stack, streaming=True, target_containers=["a"])
    conditions = actions_and_conditions(stack)
    assert len(conditions) == 2
    assert set(map(str, conditions.values())) == {"{'StringLike': {'sagemaker:TargetContainerHostname': ['a']}}"}


def test_a_script_keeps_its_permission_to_run_in_the_asset(tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path), builtin_cloud_formation_validation=False)
    build(Stack(app, "Stack"), streaming=True)
    app.synth()
    (script,) = tmp_path.glob("asset.*/stream_endpoint/bootstrap")
    assert script.stat().st_mode & 0o555 == 0o555


def test_a_script_that_lost_its_permission_to_run_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "site-packages" / "ml_constructs"
    shutil.copytree(RUNTIME_CODE / "stream_endpoint", root / "_lambda" / "stream_endpoint")
    function_code("stream_endpoint", library=root)
    (root / "_lambda" / "stream_endpoint" / "bootstrap").chmod(0o644)
    with pytest.raises(PermissionError, match=r"bootstrap must be executable for everyone"):
        function_code("stream_endpoint", library=root)
