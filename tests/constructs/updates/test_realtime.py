"""The production pattern, network and capture and scaling included, from one deployment to the next."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Stack

from ml_constructs.encryption import EncryptionKey
from ml_constructs.endpoint_config.data_capture import DataCapture
from ml_constructs.endpoints.endpoint import Endpoint
from ml_constructs.models.container import Container
from ml_constructs.models.model import Model
from ml_constructs.models.model_data import ModelData
from ml_constructs.network.inference_network import InferenceNetwork
from tests.constructs.builders import XGBOOST, creation_order, fresh, synthesised, variant, write_files
from tests.constructs.updates.plan import Step, plan, reached

IMMUTABLE = {"AWS::SageMaker::Model", "AWS::SageMaker::EndpointConfig"}
MOVED = {"replaced": {"SageMaker::EndpointConfig": 1}, "updated": {"SageMaker::Endpoint": 1}}
Template = dict[str, Any]


def pattern(  # the arguments are what the tests change
    directory: Path, *, weight: float = 9, scaled: bool = True, sampling: int = 100, environment: str = "a"
) -> Template:
    app, stack = fresh()
    network = InferenceNetwork(stack, "Network")

    def model(name: str, variable: str = "a") -> Model:
        data = ModelData.from_directory(directory / name.lower())
        container = Container(image=XGBOOST, model_data=data, environment={"A": variable})
        return Model(stack, name, containers=[container], network=network)

    variants = [
        variant(model("Champion", environment), "champion", weight=weight),
        variant(model("Challenger"), "challenger"),
    ]
    endpoint = Endpoint(
        stack,
        "Endpoint",
        variants=variants,
        encryption_key=EncryptionKey(stack, "Key"),
        data_capture=DataCapture(sampling_percentage=sampling),
    )
    if scaled:
        for name in endpoint.variant_names:
            scaling = endpoint.auto_scale(name, max_capacity=6)
            scaling.on_invocations(600)
            scaling.on_cpu(70)
    app.synth()
    return synthesised(stack)


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return write_files(tmp_path, {"champion/model": "1", "challenger/model": "2"})


def test_the_same_source_is_the_same_template(models: Path) -> None:
    assert pattern(models) == pattern(models)


def test_other_model_data(models: Path) -> None:
    before = pattern(models)
    write_files(models, {"champion/model": "3"})
    found = plan(before, pattern(models))
    # A new policy beside the old one, which CloudFormation deletes after the endpoint has moved.
    assert found.summary() == {
        **MOVED,
        "replaced": {"SageMaker::EndpointConfig": 1, "SageMaker::Model": 1},
        "created": {"IAM::ManagedPolicy": 1},
        "deleted": {"IAM::ManagedPolicy": 1},
    }
    (policy,), (model,) = found.ids("created"), found.ids("replaced", "SageMaker::Model")
    assert policy.startswith("ChampionArtefacts")
    assert found.surely(Step("create", policy), Step("create", model))


def weights(models: Path) -> Template:
    return pattern(models, weight=1)


def sampling(models: Path) -> Template:
    return pattern(models, sampling=10)


@pytest.mark.parametrize("other", [weights, sampling])
def test_other_weights_and_other_capture(models: Path, other: Callable[[Path], Template]) -> None:
    assert plan(pattern(models), other(models)).summary() == MOVED


def test_another_environment_keeps_the_policies(models: Path) -> None:
    found = plan(pattern(models), pattern(models, environment="b"))
    assert found.summary() == {**MOVED, "replaced": {"SageMaker::EndpointConfig": 1, "SageMaker::Model": 1}}


def test_scaling_that_is_added_keeps_capacity_from_then_on(models: Path) -> None:
    found = plan(pattern(models, scaled=False), pattern(models))
    assert found.summary() == {
        "created": {"ApplicationAutoScaling::ScalableTarget": 2, "ApplicationAutoScaling::ScalingPolicy": 4},
        "updated": {"SageMaker::Endpoint": 1},
    }
    (endpoint,) = found.ids("updated")
    before = found.before["Resources"][endpoint]["Properties"]
    after = found.after["Resources"][endpoint]["Properties"]
    assert "RetainAllVariantProperties" not in before
    assert "ExcludeRetainedVariantProperties" not in before
    assert after == {
        **before,
        "RetainAllVariantProperties": True,
        "ExcludeRetainedVariantProperties": [
            {"VariantPropertyType": "DesiredWeight"},
            {"VariantPropertyType": "DataCaptureConfig"},
        ],
    }


def test_immutable_resources_have_no_names(models: Path) -> None:
    for each in pattern(models)["Resources"].values():
        if each["Type"] in IMMUTABLE:
            assert not {"ModelName", "EndpointConfigName"} & set(each["Properties"])


def test_creation_order(models: Path) -> None:
    """Deletion is the reverse: scaling, endpoint, configuration, models, policies, then roles and keys."""
    template = pattern(models)
    order = creation_order(template)
    kinds = [template["Resources"][key]["Type"] for key in order]

    def last(kind: str, prefix: str = "") -> int:
        return max(at for at, key in enumerate(order) if kinds[at] == kind and key.startswith(prefix))

    def first(kind: str) -> int:
        return kinds.index(kind)

    assert last("AWS::IAM::ManagedPolicy", "Ch") < first("AWS::SageMaker::EndpointConfig")
    assert last("AWS::SageMaker::Model") < first("AWS::SageMaker::EndpointConfig")
    assert last("AWS::SageMaker::EndpointConfig") < first("AWS::SageMaker::Endpoint")
    for earlier in ("AWS::IAM::ManagedPolicy", "AWS::IAM::Role", "AWS::CloudWatch::Alarm", "AWS::Logs::LogGroup"):
        assert last(earlier, "" if earlier != "AWS::IAM::ManagedPolicy" else "Endpoint") < first(
            "AWS::SageMaker::Endpoint"
        )
    assert last("AWS::SageMaker::Endpoint") < first("AWS::ApplicationAutoScaling::ScalableTarget")


def test_the_endpoint_depends_on_everything_it_needs_to_go(models: Path) -> None:
    """What an endpoint needs while it is deleted must outlive it, so it must be reachable from the endpoint."""
    template = pattern(models)
    resources = template["Resources"]
    (endpoint,) = (key for key, each in resources.items() if each["Type"] == "AWS::SageMaker::Endpoint")
    needed = reached(template, endpoint)
    roles = {key for key, each in resources.items() if each["Type"] == "AWS::IAM::Role" and key.startswith("Ch")}
    policies = {
        key
        for key, each in resources.items()
        if each["Type"] == "AWS::IAM::ManagedPolicy" and not key.startswith("Network")
    }
    assert len(roles) == 2
    assert len(policies) == 6
    assert roles | policies <= needed


def test_stateful_resources_keep_their_logical_ids(models: Path) -> None:
    stateful = {"AWS::KMS::Key", "AWS::S3::Bucket", "AWS::Logs::LogGroup", "AWS::SageMaker::Endpoint"}
    found = {key for key, each in pattern(models)["Resources"].items() if each["Type"] in stateful}
    assert found == {
        "EndpointCapture838527DE",
        "EndpointEEF1FD8F",
        "EndpointLogs88A66289",
        "Key961B73FD",
        "NetworkFlowLogGroup4F8CEEEF",
        "NetworkKey1D162FA0",
    }


def test_a_stack_of_another_name_is_another_endpoint() -> None:
    app, _ = fresh()
    stacks = [Stack(app, construct_id) for construct_id in ("Blue", "Green")]
    names = {Endpoint(stack, "Endpoint", variants=[variant()]).endpoint_name for stack in stacks}
    assert len(names) == 2
