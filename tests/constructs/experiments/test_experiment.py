"""An experiment is one production and one challenger for a time, and what AWS would do in vain is another one."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import botocore.session  # type: ignore[import-untyped]
import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from ml_constructs.endpoint_config.data_capture import DataCapture
from ml_constructs.endpoints.endpoint import Endpoint
from ml_constructs.experiments.experiment import CONCLUSIONS, SAMPLING_PERCENT, InferenceExperiment
from ml_constructs.experiments.variant import ExperimentVariant
from ml_constructs.models.model import IModel, Model
from tests.constructs.builders import (
    IMPORTED,
    creation_order,
    model,
    only,
    properties,
    resources,
    statements,
    stored,
    synthesised,
    text,
    variant,
)
from tests.constructs.supply_builders import KEY, findings, strict

EXPERIMENT, POLICY = "AWS::SageMaker::InferenceExperiment", "AWS::IAM::ManagedPolicy"
SERVICE = botocore.session.get_session().get_service_model("sagemaker")
START = datetime(2030, 1, 1, tzinfo=UTC)


def challenger(served: IModel = IMPORTED, **options: Any) -> ExperimentVariant:  # noqa: ANN401
    return ExperimentVariant(**{"name": "new", "model": served, "instance_type": "ml.m5.large", **options})


def endpoint(stack: Stack, **options: Any) -> Endpoint:  # noqa: ANN401
    return Endpoint(stack, "Endpoint", **{"endpoint_name": "Live", "variants": [variant()], **options})


def experiment(stack: Stack, **options: Any) -> InferenceExperiment:  # noqa: ANN401
    given = options.pop("endpoint", None) or endpoint(stack)
    return InferenceExperiment(stack, "Test", endpoint=given, **{"challenger": challenger(), **options})


def said(stack: Stack) -> dict[str, Any]:
    return properties(stack, EXPERIMENT)


def name_of(**options: Any) -> str:  # noqa: ANN401
    """The name of an experiment in a fresh app, of a challenger that is made there."""
    stack = Stack(App(builtin_cloud_formation_validation=False), "Stack")
    data = stored(stack, options.pop("key", "models/v1/model.tar.gz"), options.pop("version", "v1"))
    tried = challenger(model(stack, "Challenger", data=data), **options.pop("tried", {}))
    experiment(stack, challenger=tried, **options)
    return str(said(stack)["Name"])


# What it is.


def test_tries_a_challenger_beside_the_variant_of_an_endpoint(stack: Stack) -> None:
    made = experiment(stack, challenger=challenger(Model.from_model_name("other"), instance_count=3))
    assert said(stack) == {
        "EndpointName": "Live",
        "KmsKey": {"Fn::GetAtt": [next(iter(resources(stack, "AWS::KMS::Key"))), "Arn"]},
        "ModelVariants": [
            {
                "InfrastructureConfig": {
                    "InfrastructureType": "RealTimeInference",
                    "RealTimeInferenceConfig": {"InstanceCount": count, "InstanceType": "ml.m5.large"},
                },
                "ModelName": name,
                "VariantName": which,
            }
            for which, name, count in (("only", "some-model", 2), ("new", "other", 3))
        ],
        "Name": made.experiment_name,
        "RoleArn": {"Fn::GetAtt": [next(key for key in resources(stack, "AWS::IAM::Role") if "Test" in key), "Arn"]},
        "ShadowModeConfig": {
            "ShadowModelVariants": [{"SamplingPercentage": 100, "ShadowModelVariantName": "new"}],
            "SourceModelVariantName": "only",
        },
        "Type": "ShadowMode",
    }


def test_takes_production_and_all_else(stack: Stack) -> None:
    imported = Endpoint.from_endpoint_name(stack, "Endpoint", "live", variant_names=["champion"])
    experiment(
        stack,
        endpoint=imported,
        production=challenger(name="champion", instance_type="ml.c5.large", instance_count=4),
        sampling_percentage=25,
        description="Is it faster?",
        experiment_name="a" * 120,
        encryption_key=kms.Key.from_key_arn(stack, "Key", KEY),
    )
    assert said(stack)["ModelVariants"][0]["VariantName"] == "champion"
    assert said(stack)["ShadowModeConfig"]["ShadowModelVariants"][0]["SamplingPercentage"] == 25
    assert said(stack)["Description"] == "Is it faster?"
    assert said(stack)["Name"] == "a" * 120
    assert said(stack)["KmsKey"] == KEY


def test_limits_are_those_of_the_service() -> None:
    assert SERVICE.shape_for("InferenceExperimentName").metadata["max"] == 120
    assert SERVICE.shape_for("Percentage").metadata["max"] == SAMPLING_PERCENT[1]
    assert SERVICE.shape_for("InferenceExperimentDescription").metadata["max"] == 1024
    assert SERVICE.shape_for("ShadowModelVariantConfigList").metadata == {"min": 1, "max": 1}
    assert SERVICE.shape_for("ModelVariantConfigList").metadata["max"] == 2


# When.


def test_begins_and_ends_when_it_is_told(stack: Stack) -> None:
    berlin = timezone(timedelta(hours=2))
    experiment(stack, starts=START, ends=datetime(2030, 1, 8, 12, 30, tzinfo=berlin))
    assert said(stack)["Schedule"] == {"StartTime": "2030-01-01T00:00:00Z", "EndTime": "2030-01-08T10:30:00Z"}


def test_begins_at_once_by_default(stack: Stack) -> None:
    experiment(stack)
    assert "Schedule" not in said(stack)


@pytest.mark.parametrize("length", [timedelta(hours=1), timedelta(days=30)])
def test_lasts_up_to_its_edges(stack: Stack, length: timedelta) -> None:
    experiment(stack, starts=START, ends=START + length)
    assert "EndTime" in said(stack)["Schedule"]


@pytest.mark.parametrize(
    "length", [timedelta(0), timedelta(minutes=59, seconds=59), timedelta(days=30, seconds=1), timedelta(days=-1)]
)
def test_refuses_to_last_beyond_its_edges(stack: Stack, length: timedelta) -> None:
    with pytest.raises(ValueError, match="ends must be between 1 hour and 30 days after starts, got"):
        experiment(stack, starts=START, ends=START + length)


def test_times_may_be_tokens(stack: Stack) -> None:
    experiment(stack, starts=text(stack, "Start"), ends=text(stack, "End"))
    assert said(stack)["Schedule"] == {"StartTime": {"Ref": "Start"}, "EndTime": {"Ref": "End"}}


def test_refuses_a_time_that_depends_on_where_it_is_built(stack: Stack) -> None:
    with pytest.raises(ValueError, match=r"ends must have a time zone, .*, got datetime"):
        experiment(stack, ends=datetime(2030, 1, 1))  # noqa: DTZ001 - the point
    with pytest.raises(TypeError, match="starts must be a datetime with a time zone, got '2030"):
        experiment(Stack(App(), "Other"), starts="2030-01-01T00:00:00Z")


# What CloudFormation does.


def test_what_it_would_ignore_is_another_experiment() -> None:
    """While an experiment runs it ignores these, and all when it is over; another name is another experiment."""
    first = name_of()
    bucket = DataCapture(bucket=s3.Bucket.from_bucket_name(Stack(App(), "Elsewhere"), "Bucket", "data"))
    others = [
        name_of(key="models/v2/model.tar.gz", version="v2"),
        name_of(tried={"instance_type": "ml.m5.xlarge"}),
        name_of(tried={"instance_count": 2}),
        name_of(tried={"name": "newer"}),
        name_of(capture=bucket),
    ]
    assert first == name_of()
    assert len({first, *others}) == 6
    assert all(re.fullmatch(r"stack-test-[0-9a-f]{8}-[0-9a-f]{8}", name) for name in (first, *others))


def test_what_it_changes_in_place_is_the_same_experiment() -> None:
    first = name_of()
    assert first == name_of(sampling_percentage=50)
    assert first == name_of(description="Longer", ends=START)
    for conclusion in CONCLUSIONS:
        assert first == name_of(conclusion=conclusion)


@pytest.mark.parametrize(
    ("conclusion", "state", "left"),
    [
        ("keep-production", "Completed", ["only"]),
        ("promote-challenger", "Completed", ["new"]),
        ("keep-both", "Completed", ["only", "new"]),
        ("cancel", "Cancelled", ["only"]),
    ],
)
def test_is_concluded(stack: Stack, conclusion: str, state: str, left: list[str]) -> None:
    """The handler removes a variant that is not named, and promotes the challenger if production is not."""
    experiment(stack, conclusion=conclusion, reason="It is clear")
    assert said(stack)["DesiredState"] == state
    assert said(stack)["StatusReason"] == "It is clear"
    assert [each["VariantName"] for each in said(stack)["ModelVariants"]] == left


def test_is_made_after_and_deleted_before_what_it_needs(stack: Stack) -> None:
    served, tried = model(stack, "Served"), model(stack, "Tried", data=stored(stack))
    live = endpoint(stack, variants=[variant(served)])
    experiment(stack, endpoint=live, challenger=challenger(tried))
    order = creation_order(synthesised(stack))
    (last,) = resources(stack, EXPERIMENT)
    (of,) = resources(stack, "AWS::SageMaker::Endpoint")
    (policy,) = (key for key in resources(stack, POLICY) if key.startswith("TestPolicy"))
    assert all(order.index(before) < order.index(last) for before in (of, policy))
    assert order[-1] == last or order.index(last) > order.index(of)


# Who may.


def test_its_role_may_change_this_endpoint_alone(stack: Stack) -> None:
    experiment(stack)
    (policy,) = (value for key, value in resources(stack, POLICY).items() if key.startswith("TestPolicy"))
    allowed = {action: each["Resource"] for each in statements(policy) for action in each["Action"]}
    assert [each["Fn::Join"][1][-1] for each in allowed["sagemaker:DescribeEndpoint"]] == [":endpoint/live"]
    updated = [
        each["Resource"][0]["Fn::Join"][1][-1]
        for each in statements(policy)
        if "sagemaker:UpdateEndpoint" in each["Action"]
    ]
    assert updated == [":endpoint/live", ":endpoint-config/*"]
    assert [each["Fn::Join"][1][-1] for each in allowed["sagemaker:DescribeModel"]] == [":model/some-model"] * 2
    assert {action.split(":")[0] for action in allowed} == {"sagemaker", "kms"}
    trust = next(value for key, value in resources(stack, "AWS::IAM::Role").items() if "Test" in key)
    (assumed,) = trust["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert assumed["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}


def test_takes_a_role(stack: Stack) -> None:
    role = iam.Role.from_role_arn(stack, "Role", "arn:aws:iam::111122223333:role/tester", mutable=False)
    experiment(stack, role=role)
    assert said(stack)["RoleArn"] == "arn:aws:iam::111122223333:role/tester"


def test_captures_all_requests_and_answers(stack: Stack) -> None:
    bucket = s3.Bucket(stack, "Bucket", encryption_key=kms.Key.from_key_arn(stack, "Key", KEY))
    served, tried = model(stack, "Served"), model(stack, "Tried")
    live = endpoint(stack, variants=[variant(served)])
    experiment(stack, endpoint=live, challenger=challenger(tried), capture=DataCapture(bucket=bucket, prefix="trial"))
    assert said(stack)["DataStorageConfig"] == {
        "ContentType": {"CsvContentTypes": ["text/csv"], "JsonContentTypes": ["application/json"]},
        "Destination": {
            "Fn::Join": ["", ["s3://", {"Ref": next(iter(resources(stack, "AWS::S3::Bucket")))}, "/trial"]]
        },
        "KmsKey": KEY,
    }
    writers = [
        each["Resource"]
        for policy in resources(stack, POLICY).values()
        for each in statements(policy)
        if "s3:PutObject" in each["Action"]
    ]
    assert len(writers) == 2
    assert all(where["Fn::Join"][1][-1] == "/trial/Live/*" for (where,) in writers)


def logs_of(stack: Stack) -> dict[str, Any]:
    """Where each role may write logs, by the name of the policy."""
    return {
        key: each["Resource"]
        for key, policy in resources(stack, POLICY).items()
        for each in statements(policy)
        if "logs:PutLogEvents" in each["Action"]
    }


def test_the_challenger_writes_to_the_log_group_of_the_endpoint(stack: Stack) -> None:
    live = endpoint(stack, variants=[variant(model(stack, "Served"))])
    experiment(stack, endpoint=live, challenger=challenger(model(stack, "Tried")))
    production, tried = sorted(logs_of(stack).items())
    assert (production[0].startswith("Endpoint"), tried[0].startswith("TestChallenger")) == (True, True)
    assert tried[1] == production[1]
    written = resources(stack, POLICY)[tried[0]]
    assert [each["Action"] for each in statements(written)][1:] == [["cloudwatch:PutMetricData"]]
    assert written["Properties"]["Roles"][0]["Ref"].startswith("TriedRole")
    assert tried[0] in only(stack, EXPERIMENT)["DependsOn"]


def test_the_challenger_writes_to_the_log_group_of_an_imported_endpoint() -> None:
    app, stack = strict()
    live = Endpoint.from_endpoint_name(stack, "Endpoint", "Live", variant_names=["only"])
    production = challenger(name="only")
    experiment(stack, endpoint=live, production=production, challenger=challenger(model(stack, "Tried")))
    ((_, (streams,)),) = logs_of(stack).items()
    assert streams["Fn::Join"][1][-1] == ":log-group:/aws/sagemaker/Endpoints/Live:*"
    assert findings(app, stack, below="Strict/Test") == []


def test_cloudformation_and_the_rules_have_nothing_to_say() -> None:
    app, stack = strict()
    experiment(stack, starts=START, ends=START + timedelta(days=7), description="Is it faster?")
    app.synth()
    assert findings(app, stack, below="Strict/Test") == []
    assert only(stack, EXPERIMENT)["Properties"]["Type"] == "ShadowMode"
