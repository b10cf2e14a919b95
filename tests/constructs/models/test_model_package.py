"""A version that the app defines says what it consists of, and stays when the next one is registered."""

from __future__ import annotations

from typing import Any

import botocore.session  # type: ignore[import-untyped]
import pytest
from aws_cdk import App, RemovalPolicy, Stack, Tags
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from ml_constructs.models.container import Container
from ml_constructs.models.images import ContainerImage
from ml_constructs.models.model import Model
from ml_constructs.models.model_data_source import ModelDataSource
from ml_constructs.models.model_package import APPROVALS, CONTAINERS, METADATA, ModelPackage
from ml_constructs.models.multi_model_data import MultiModelData
from ml_constructs.models.packaged_container import PackagedContainer
from ml_constructs.models.private_registry import PrivateRegistry
from ml_constructs.models.registry import ModelPackageGroup
from tests.constructs.builders import XGBOOST, only, properties, resources, stored, text
from tests.constructs.supply_builders import KEY, findings, strict

PACKAGE = "AWS::SageMaker::ModelPackage"
SERVICE = botocore.session.get_session().get_service_model("sagemaker")


def package(stack: Stack, **options: Any) -> ModelPackage:  # noqa: ANN401
    given: dict[str, Any] = {
        "containers": [Container(image=XGBOOST, model_data=stored(stack))],
        "content_types": ["text/csv"],
        "response_types": ["text/csv"],
    }
    if "group" not in options:
        given["group"] = ModelPackageGroup(stack, "Group", group_name="churn")
    return ModelPackage(stack, "Package", **{**given, **options})


def bucket(stack: Stack) -> s3.IBucket:
    return s3.Bucket.from_bucket_name(stack, "Data", "example-data")


def test_registers_a_version_that_waits_for_approval(stack: Stack) -> None:
    package(stack)
    resource = only(stack, PACKAGE)
    (group,) = resources(stack, "AWS::SageMaker::ModelPackageGroup")
    specification = resource["Properties"].pop("InferenceSpecification")
    assert resource["Properties"] == {
        "ModelApprovalStatus": "PendingManualApproval",
        "ModelPackageGroupName": "churn",
    }
    assert specification["Containers"][0]["ModelDataUrl"] == "s3://example-models/models/v1/model.tar.gz"
    assert "sagemaker-xgboost:3.0-5" in str(specification["Containers"][0]["Image"])
    assert specification["SupportedContentTypes"] == specification["SupportedResponseMIMETypes"] == ["text/csv"]
    assert resource["DependsOn"] == [group]


def test_versions_before_stay(stack: Stack) -> None:
    package(stack)
    assert only(stack, PACKAGE)["UpdateReplacePolicy"] == "Retain"
    assert only(stack, PACKAGE)["DeletionPolicy"] == "RetainExceptOnCreate"


def test_versions_may_be_destroyed(stack: Stack) -> None:
    package(stack, removal_policy=RemovalPolicy.DESTROY)
    assert only(stack, PACKAGE)["DeletionPolicy"] == "Delete"


def test_says_all_that_there_is_to_say(stack: Stack) -> None:
    package(
        stack,
        instance_types=["ml.m5.large"],
        transform_instance_types=["ml.m5.xlarge"],
        approval="Approved",
        approval_description="Better than the last",
        description="d" * 1024,
        metadata={"n" * 128: "v" * 256},
        encryption_key=kms.Key.from_key_arn(stack, "Key", KEY),
    )
    said = properties(stack, PACKAGE)
    assert said["ModelApprovalStatus"] == "Approved"
    assert said["ApprovalDescription"] == "Better than the last"
    assert said["CustomerMetadataProperties"] == {"n" * 128: "v" * 256}
    assert said["SecurityConfig"] == {"KmsKeyId": KEY}
    assert said["InferenceSpecification"]["SupportedRealtimeInferenceInstanceTypes"] == ["ml.m5.large"]
    assert said["InferenceSpecification"]["SupportedTransformInstanceTypes"] == ["ml.m5.xlarge"]


def test_has_no_tags_even_if_the_app_has(app: App, stack: Stack) -> None:
    """CreateModelPackage refuses them for a version of a group."""
    package(stack)
    Tags.of(app).add("team", "ml")
    assert "Tags" not in properties(stack, PACKAGE)
    assert "Tags" in properties(stack, "AWS::SageMaker::ModelPackageGroup")


def test_files_without_an_archive(stack: Stack) -> None:
    source = ModelDataSource.from_prefix(bucket(stack), "llm/v1/", version="v1", accept_eula=True)
    package(stack, containers=[Container(image=XGBOOST, model_data=source, environment={"A": "b"}, hostname="one")])
    (container,) = properties(stack, PACKAGE)["InferenceSpecification"]["Containers"]
    assert container["ModelDataSource"] == {
        "S3DataSource": {
            "S3Uri": "s3://example-data/llm/v1/",
            "S3DataType": "S3Prefix",
            "CompressionType": "None",
            "ModelAccessConfig": {"AcceptEula": True},
        }
    }
    assert container["Environment"] == {"A": "b"}
    assert container["ContainerHostname"] == "one"


def test_is_served_with_what_it_consists_of(stack: Stack) -> None:
    registered = package(stack, approval="Approved")
    served = PackagedContainer(package=registered, images=registered.images, model_data=registered.model_data)
    Model(stack, "Model", containers=[served])
    (logical_id,) = resources(stack, PACKAGE)
    container = properties(stack, "AWS::SageMaker::Model")["PrimaryContainer"]
    assert container["ModelPackageName"] == {"Fn::GetAtt": [logical_id, "ModelPackageArn"]}
    assert [each.bucket_name for each in registered.data_buckets] == ["example-models"]


def test_belongs_to_an_imported_group(stack: Stack) -> None:
    package(stack, group=ModelPackageGroup.from_group_name(stack, "churn"))
    assert "DependsOn" not in only(stack, PACKAGE)


def test_limits_are_those_of_the_service() -> None:
    assert SERVICE.shape_for("ModelPackageContainerDefinitionList").metadata == {
        "min": CONTAINERS[0],
        "max": CONTAINERS[1],
    }
    assert SERVICE.shape_for("CustomerMetadataMap").metadata["max"] == METADATA[1]
    assert set(SERVICE.shape_for("ModelApprovalStatus").enum) == set(APPROVALS)
    assert SERVICE.shape_for("ContentType").metadata["max"] == 256
    assert SERVICE.shape_for("ResponseMIMEType").metadata["max"] == 1024


LIMITS: list[tuple[str, Any, Any, str]] = [
    (
        "containers",
        [Container(image=XGBOOST, hostname=f"c{n}") for n in range(15)],
        [Container(image=XGBOOST, hostname=f"c{n}") for n in range(16)],
        "between 1 and 15 members, got 16",
    ),
    ("content_types", ["t" * 256], ["t" * 257], "between 1 and 256 characters each, got 257"),
    ("response_types", [f"t/{'t' * 1022}"], [f"t/{'t' * 1023}"], "between 1 and 1,024 characters each, got 1,025"),
    ("response_types", ["text/csv; a=b"], ["text"], "MIME types such as text/csv, got 'text'"),
    ("description", "Für alle 🐕", "a\nb", r"no line breaks or other control characters, got 'a\\nb'"),
    ("containers", [Container(image=XGBOOST)], [Container(image=XGBOOST)] * 2, "different from .*, got two alike"),
    ("description", "d" * 1024, "d" * 1025, "at most 1,024 characters, got 1,025"),
    ("approval_description", "d" * 1024, "d" * 1025, "at most 1,024 characters, got 1,025"),
    ("approval_description", "a\tb", "a\nb", r"one line, got 'a\\nb'"),
    (
        "metadata",
        {str(n): "v" for n in range(50)},
        {str(n): "v" for n in range(51)},
        "between 0 and 50 members, got 51",
    ),
    ("metadata", {"a": "v" * 256}, {"a": "v" * 257}, "between 1 and 256 characters each, got 257"),
    ("metadata", {"Größe_1": "a b+c=d:e/f@g-h."}, {"a": "b!"}, r"letters, numbers, spaces and any of .*, got 'b!'"),
    ("metadata", {"n" * 128: "v"}, {"n" * 129: "v"}, "between 1 and 128 characters each, got 129"),
    ("approval", "Rejected", "approved", "one of PendingManualApproval, Approved, Rejected, got 'approved'"),
    ("instance_types", ["ml.m5.large"], ["m5.large"], "an ML instance type such as ml.m5.large, got 'm5.large'"),
]


@pytest.mark.parametrize(("argument", "edge", "beyond", "problem"), LIMITS)
def test_at_and_beyond_the_edge(stack: Stack, argument: str, edge: Any, beyond: Any, problem: str) -> None:  # noqa: ANN401
    package(stack, **{argument: edge})
    with pytest.raises(ValueError, match=f"^{argument} must .*{problem}"):
        package(Stack(App(), "Beyond"), **{argument: beyond})


def test_no_metadata_is_none_at_all(stack: Stack) -> None:
    package(stack, metadata={})
    assert "CustomerMetadataProperties" not in properties(stack, PACKAGE)


def test_tokens_pass(stack: Stack) -> None:
    token = text(stack)
    package(stack, approval=token, description=token, approval_description=token, content_types=[token])
    said = properties(stack, PACKAGE)
    assert said["ModelApprovalStatus"] == said["ModelPackageDescription"] == {"Ref": "Text"}
    assert said["InferenceSpecification"]["SupportedContentTypes"] == [{"Ref": "Text"}]


def test_refuses_what_a_version_cannot_name(stack: Stack) -> None:
    many = Container(image=XGBOOST, model_data=MultiModelData.from_bucket(bucket(stack), "models/"))
    registry = PrivateRegistry(image="registry.example.com/model", connections=ec2.Peer.any_ipv4())
    private = Container(image=ContainerImage.from_private_registry(registry, tag="v1"))
    hub = "arn:aws:sagemaker:eu-west-1:111122223333:hub-content/hub/ModelReference/model/1.0.0"
    data = ModelDataSource.from_jumpstart("model/v1.0.0/", hub_content_arn=hub)
    for container, what in (
        (many, "MultiModelData"),
        (private, "a private registry"),
        (Container(image=XGBOOST, model_data=data), "hub content"),
    ):
        with pytest.raises(ValueError, match=f"containers must not have {what} in a model package .*, got one"):
            package(Stack(App(), "Refused"), containers=[container])


def test_names_all_containers_or_none(stack: Stack) -> None:
    containers = [Container(image=XGBOOST, hostname="one"), Container(image=XGBOOST)]
    with pytest.raises(ValueError, match="containers must all have a hostname or none, got 1 of 2 with one"):
        package(stack, containers=containers)


def test_cloudformation_and_the_rules_have_nothing_to_say() -> None:
    app, stack = strict()
    package(stack, instance_types=["ml.m5.large"], metadata={"team": "growth"}, approval="Approved")
    app.synth()
    assert findings(app, stack, below="Strict") == []
