from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker

from ml_constructs.models.container import Container
from ml_constructs.models.model import Model
from ml_constructs.models.model_data_source import ModelDataSource
from ml_constructs.models.packaged_container import PackagedContainer
from tests.constructs.builders import XGBOOST, only, properties, resources, statements, stored, text

NAME = "arn:aws:sagemaker:eu-west-1:444455556666:model-package/churn"
VERSION = f"{NAME}/3"
PRODUCT = "arn:aws:sagemaker:eu-west-1:865070037744:model-package/product-0a1b2c"


@dataclass(frozen=True)
class Registered:
    model_package_arn: str


def container(stack: Stack) -> dict[str, Any]:
    return dict(properties(stack, "AWS::SageMaker::Model")["PrimaryContainer"])


@pytest.mark.parametrize(
    "package",
    [
        VERSION,
        f"{NAME}/123456789",
        VERSION.replace("churn", "c" * 63),
        VERSION.replace("aws:", "aws-us-gov:").replace("eu-west-1", "us-gov-west-1"),
        Registered(VERSION),
    ],
)
def test_accepts_a_version(stack: Stack, package: str | Registered) -> None:
    Model(stack, "Model", containers=[PackagedContainer(package=package, images=[XGBOOST])])
    arn = package if isinstance(package, str) else package.model_package_arn
    assert container(stack) == {"ModelPackageName": arn}


@pytest.mark.parametrize(
    "package",
    [
        "",
        NAME,
        PRODUCT,
        f"{NAME}/",
        f"{NAME}/latest",
        f"{NAME}/1234567890",
        VERSION.replace("churn", "c" * 64),
        VERSION.replace("churn", "-churn"),
        VERSION.replace("model-package", "model-package-group"),
        VERSION.replace("eu-west-1", "e" * 200),
        "churn/3",
    ],
)
def test_refuses_what_is_no_version(package: str) -> None:
    with pytest.raises(ValueError, match="package must be the ARN of a model package, model-package/name/version, got"):
        PackagedContainer(package=package, images=[XGBOOST])


def test_a_package_may_be_a_token(app: App, stack: Stack) -> None:
    parameter = CfnParameter(stack, "Approved")
    concrete = Stack(app, "Concrete", env={"region": "eu-west-1"})
    for here, package in ((stack, parameter.value_as_string), (stack, Registered(text(stack))), (concrete, VERSION)):
        identity = "Model" if here is concrete else f"Model{isinstance(package, str)}"
        Model(here, identity, containers=[PackagedContainer(package=package, images=[XGBOOST])])
    assert len(resources(stack, "AWS::SageMaker::Model")) == 2


def test_another_region_is_refused(app: App) -> None:
    there = Stack(app, "There", env={"region": "us-east-1"})
    with pytest.raises(ValueError, match=f"package must be in the region of its model, us-east-1, got {VERSION}"):
        Model(there, "Model", containers=[PackagedContainer(package=VERSION, images=[XGBOOST])])


def test_a_package_of_this_app_is_made_first(stack: Stack) -> None:
    @dataclass(frozen=True)
    class Here:
        resource: sagemaker.CfnModelPackage

        @property
        def model_package_arn(self) -> str:
            return self.resource.attr_model_package_arn

    package = sagemaker.CfnModelPackage(stack, "Package")
    Model(stack, "Model", containers=[PackagedContainer(package=Here(package), images=[XGBOOST])])
    assert container(stack) == {"ModelPackageName": {"Fn::GetAtt": ["Package", "ModelPackageArn"]}}


def test_settings_beside_the_packages_own(stack: Stack) -> None:
    packaged = PackagedContainer(
        package=VERSION, images=[XGBOOST], environment={"A": "bc"}, hostname="churn", specification="neo"
    )
    assert packaged.environment_bytes == 3
    Model(stack, "Model", containers=[packaged])
    assert container(stack) == {
        "ModelPackageName": VERSION,
        "InferenceSpecificationName": "neo",
        "ContainerHostname": "churn",
        "Environment": {"A": "bc"},
    }


def test_the_role_reads_what_is_named(stack: Stack) -> None:
    bucket = stored(stack)._bucket
    assert bucket is not None
    files = ModelDataSource.from_prefix(bucket, "llm/v1", version="v1")
    packaged = PackagedContainer(package=VERSION, images=[XGBOOST], model_data=[stored(stack), files])
    model = Model(stack, "Model", containers=[packaged])
    assert [statement["Action"] for statement in statements(only(stack, "AWS::IAM::ManagedPolicy"))] == [
        ["ecr:GetAuthorizationToken"],
        ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
        ["s3:GetObject"],
        ["s3:ListBucket"],
    ]
    assert model.data_source
    assert len(model.data_buckets) == 2
    assert set(container(stack)) == {"ModelPackageName"}


def test_another_version_is_another_policy() -> None:
    def policies(package: str) -> set[str]:
        stack = Stack(App(builtin_cloud_formation_validation=False), "Stack")
        Model(stack, "Model", containers=[PackagedContainer(package=package, images=[XGBOOST])])
        return set(resources(stack, "AWS::IAM::ManagedPolicy"))

    assert not policies(VERSION) & policies(f"{NAME}/4")


def test_the_models_own_role_must_know_what_to_pull(stack: Stack) -> None:
    packaged = PackagedContainer(package=VERSION)
    with pytest.raises(ValueError, match=r"images of a PackagedContainer must name what it runs, .* got none"):
        Model(stack, "Model", containers=[packaged])
    role = iam.Role.from_role_arn(stack, "Role", "arn:aws:iam::111122223333:role/given", mutable=False)
    Model(stack, "Model", containers=[packaged], role=role)
    assert not resources(stack, "AWS::IAM::ManagedPolicy")


def test_a_product_of_aws_marketplace(stack: Stack) -> None:
    model = Model(stack, "Model", containers=[PackagedContainer(package=PRODUCT, marketplace=True)])
    assert model.marketplace
    assert model.network_isolation
    assert container(stack) == {"ModelPackageName": PRODUCT}
    assert not resources(stack, "AWS::IAM::ManagedPolicy")


def test_a_product_of_aws_marketplace_is_isolated(stack: Stack) -> None:
    with pytest.raises(ValueError, match="network_isolation must not be False for a product of AWS Marketplace, got F"):
        Model(
            stack,
            "Model",
            containers=[PackagedContainer(package=PRODUCT, marketplace=True)],
            network_isolation=False,
        )


def test_in_a_pipeline(stack: Stack) -> None:
    packaged = PackagedContainer(package=VERSION, images=[XGBOOST])
    Model(stack, "Model", containers=[Container(image=XGBOOST), packaged])
    rendered = properties(stack, "AWS::SageMaker::Model")["Containers"]
    assert [set(each) for each in rendered] == [{"Image"}, {"ModelPackageName"}]


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("package", None),
        ("package", 5),
        ("images", "x"),
        ("images", [None]),
        ("model_data", [5]),
        ("model_data", {}),
        ("specification", 5),
        ("environment", []),
        ("hostname", 5),
        ("marketplace", None),
    ],
)
def test_refuses_other_types(argument: str, value: Any) -> None:  # noqa: ANN401
    with pytest.raises(TypeError, match=f"{argument} must be"):
        PackagedContainer(**{"package": VERSION, argument: value})
