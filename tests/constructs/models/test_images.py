from __future__ import annotations

import importlib.resources
import json
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, CfnOutput, CfnParameter, NestedStack, Stack
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk.assertions import Template
from constructs import Construct

from ml_constructs.models import _image_table
from ml_constructs.models._image_sources import BoundImage
from ml_constructs.models.images import ContainerImage

DIGEST = "sha256:" + "0123456789abcdef" * 4
REGION = {"Ref": "AWS::Region"}


def pytorch(version: str = "2.6.0", processor: str = "cpu") -> ContainerImage:
    return ContainerImage.from_framework("pytorch", version=version, processor=processor)


def bind_in(app: App, region: str, image: ContainerImage) -> BoundImage:
    stack = Stack(app, "Concrete", env={"region": region})
    bound = image.bind(stack)
    assert "Mappings" not in Template.from_stack(stack).to_json()
    return bound


def repository_in(stack: Stack, arn: str) -> ecr.IRepository:
    return ecr.Repository.from_repository_attributes(
        stack, "Repository", repository_arn=arn, repository_name="team/model"
    )


def rendered(stack: Stack, *values: str) -> list[Any]:
    for number, value in enumerate(values):
        CfnOutput(stack, f"Value{number}", value=value)
    outputs = Template.from_stack(stack).to_json()["Outputs"]
    return [outputs[f"Value{number}"]["Value"] for number in range(len(values))]


# --- published by AWS, in a concrete region


@pytest.mark.parametrize(
    ("region", "uri"),
    [
        ("us-east-1", "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-inference:2.6.0-cpu-py312"),
        ("cn-north-1", "727897471807.dkr.ecr.cn-north-1.amazonaws.com.cn/pytorch-inference:2.6.0-cpu-py312"),
        ("us-gov-west-1", "442386744353.dkr.ecr.us-gov-west-1.amazonaws.com/pytorch-inference:2.6.0-cpu-py312"),
    ],
)
def test_uri_is_literal_in_a_concrete_region(app: App, region: str, uri: str) -> None:
    assert bind_in(app, region, pytorch()).uri == uri


def test_uri_is_literal_in_an_isolated_region(app: App) -> None:
    image = ContainerImage.from_framework("xgboost", version="1.7-1")
    assert bind_in(app, "us-iso-east-1", image).uri.endswith(
        ".dkr.ecr.us-iso-east-1.c2s.ic.gov/sagemaker-xgboost:1.7-1"
    )


@pytest.mark.parametrize("region", ["us-east-1", "cn-north-1", "us-gov-west-1"])
def test_repository_is_the_one_to_pull_from(app: App, region: str) -> None:
    stack = Stack(app, "Concrete", env={"region": region})
    bound = pytorch().bind(stack)
    [arn] = [stack.resolve(repository) for repository in bound.repositories]
    account = bound.uri.split(".")[0]
    assert arn["Fn::Join"][1] == [
        "arn:",
        {"Ref": "AWS::Partition"},
        f":ecr:{region}:{account}:repository/pytorch-inference",
    ]


def test_fails_in_a_region_without_the_image(app: App) -> None:
    with pytest.raises(ValueError, match=r"'us-iso-east-1'; available in af-south-1, .*us-west-2"):
        bind_in(app, "us-iso-east-1", pytorch())


# --- published by AWS, in a region known at deployment


def test_registry_comes_from_a_mapping_in_an_agnostic_stack(stack: Stack) -> None:
    bound = pytorch().bind(stack)
    uri, arn = rendered(stack, bound.uri, bound.repositories[0])
    [(mapping_id, mapping)] = Template.from_stack(stack).to_json()["Mappings"].items()
    account = {"Fn::FindInMap": [mapping_id, REGION, "account"]}
    assert uri["Fn::Join"][1] == [
        account,
        ".dkr.ecr.",
        REGION,
        ".",
        {"Ref": "AWS::URLSuffix"},
        "/pytorch-inference:2.6.0-cpu-py312",
    ]
    assert arn["Fn::Join"][1] == [
        "arn:",
        {"Ref": "AWS::Partition"},
        ":ecr:",
        REGION,
        ":",
        account,
        ":repository/pytorch-inference",
    ]
    assert mapping["us-east-1"] == {"account": "763104351884"}
    assert mapping["cn-north-1"] == {"account": "727897471807"}
    assert mapping["us-gov-west-1"] == {"account": "442386744353"}


def test_images_of_one_registry_share_a_mapping(stack: Stack) -> None:
    for image in (pytorch(), pytorch(), pytorch("2.6"), pytorch(processor="gpu")):
        image.bind(stack)
    assert len(Template.from_stack(stack).to_json()["Mappings"]) == 1


def test_images_of_two_registries_live_in_one_stack(stack: Stack) -> None:
    pytorch().bind(stack)
    ContainerImage.from_framework("knn", version="1").bind(stack)
    assert len(Template.from_stack(stack).to_json()["Mappings"]) == 2


def test_mapping_is_named_alike_everywhere(app: App) -> None:
    stacks = [Stack(app, "One"), Stack(app, "Two"), NestedStack(Stack(app, "Three"), "Nested")]
    image = pytorch()
    for each in stacks:
        image.bind(each)
    names = [list(Template.from_stack(each).to_json()["Mappings"]) for each in stacks]
    assert names[0] == names[1] == names[2]


def test_image_of_a_region_given_as_a_parameter_uses_the_mapping(app: App) -> None:
    parameters = Stack(app, "Parameters")
    region = CfnParameter(parameters, "Region").value_as_string
    stack = Stack(app, "Token", env={"region": region})
    pytorch().bind(stack)
    assert len(Template.from_stack(stack).to_json()["Mappings"]) == 1


# --- choice of a published image


@pytest.mark.parametrize(
    ("instance_type", "repository", "tag"),
    [
        ("ml.m5.large", "pytorch-inference", "2.6.0-cpu-py312"),
        ("ml.g5.xlarge", "pytorch-inference", "2.6.0-gpu-py312"),
        ("ml.p4d.24xlarge", "pytorch-inference", "2.6.0-gpu-py312"),
        ("ml.p6-b200.48xlarge", "pytorch-inference", "2.6.0-gpu-py312"),
        ("ml.c7g.large", "pytorch-inference-arm64", "2.6.0-cpu-py312-ubuntu22.04-sagemaker"),
        ("ml.r8g.large", "pytorch-inference-arm64", "2.6.0-cpu-py312-ubuntu22.04-sagemaker"),
    ],
)
def test_instance_type_chooses_the_image(stack: Stack, instance_type: str, repository: str, tag: str) -> None:
    image = ContainerImage.from_framework("pytorch", version="2.6.0", instance_type=instance_type)
    assert image.bind(stack).uri.endswith(f"/{repository}:{tag}")


@pytest.mark.parametrize(
    ("instance_type", "tag"),
    [
        ("ml.g5.xlarge", "1.6-gpu-py3"),
        ("ml.p4d.24xlarge", "1.6-gpu-py3-cu110-ubuntu18.04-v3"),
    ],
)
def test_family_with_an_image_of_its_own(stack: Stack, instance_type: str, tag: str) -> None:
    image = ContainerImage.from_framework("pytorch", version="1.6", instance_type=instance_type, python_version="py3")
    assert image.bind(stack).uri.endswith(f"/pytorch-inference:{tag}")


def test_graviton_is_chosen_only_by_asking(stack: Stack) -> None:
    default = ContainerImage.from_framework("xgboost", version="1.5-1")
    graviton = ContainerImage.from_framework("xgboost", version="1.5-1", processor="arm64")
    assert default.bind(stack).uri.endswith("/sagemaker-xgboost:1.5-1")
    assert graviton.bind(stack).uri.endswith("/sagemaker-xgboost:1.5-1-arm64")


@pytest.mark.parametrize("instance_type", ["ml.inf2.xlarge", "ml.trn1.2xlarge"])
def test_hugging_face_on_neuron(stack: Stack, instance_type: str) -> None:
    image = ContainerImage.from_framework(
        "huggingface", version="4.51.3", base_framework="pytorch2.7.1", instance_type=instance_type
    )
    assert image.bind(stack).uri.endswith(
        "/huggingface-pytorch-inference-neuronx:2.7.1-transformers4.51.3-neuronx-py310-sdk2.24.1-ubuntu22.04"
    )


def test_alias_of_a_version_keeps_its_own_tag(stack: Stack) -> None:
    assert pytorch("2.6").bind(stack).uri.endswith("/pytorch-inference:2.6-cpu-py312")


def test_accepts_latest_where_aws_publishes_nothing_else(stack: Stack) -> None:
    image = ContainerImage.from_framework("image-classification-neo", version="latest")
    assert image.bind(stack).uri.endswith("/image-classification-neo:latest")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "pytroch", "version": "2.6"}, "name must be .*got 'pytroch'; nearest: pytorch"),
        ({"name": "?", "version": "2.6"}, "name must be .*known: autogluon, .*xgboost-neo"),
        ({"name": "pytorch", "version": "2.61"}, "version must be .*got '2.61'; nearest: 2.6, .*newest: 2.6.0"),
        ({"name": "xgboost", "version": "latest"}, "version must be .*got 'latest'; known: .*newest: 3.2-0"),
        ({"name": "pytorch", "version": "2.6"}, "processor must be given .*one of arm64, cpu, gpu, or instance_type"),
        ({"name": "pytorch", "version": "2.6", "processor": "tpu"}, "one of arm64, cpu, gpu .*got 'tpu'"),
        ({"name": "pytorch", "version": "2.6", "processor": "p2"}, "one of arm64, cpu, gpu .*got 'p2'"),
        ({"name": "knn", "version": "1", "processor": "cpu"}, "processor must be left out .*got 'cpu'"),
        ({"name": "knn", "version": "1", "processor": ""}, "processor must be left out .*got ''"),
        ({"name": "knn", "version": "1", "python_version": "py3"}, "python_version must be left out .*'py3'"),
        ({"name": "knn", "version": "1", "instance_type": "ml.m7g.large"}, "got 'ml.m7g.large'; .*any but Graviton"),
        ({"name": "pytorch", "version": "2.6", "instance_type": "m5.large"}, "look like ml.m5.large, got 'm5.large'"),
        ({"name": "pytorch", "version": "2.6", "instance_type": "ml.inf2.xlarge"}, "processors: arm64, cpu, gpu"),
        ({"name": "pytorch", "version": "2.6", "instance_type": "ml.p2.xlarge"}, "got 'ml.p2.xlarge'"),
        ({"name": "sklearn", "version": "1.2-1", "instance_type": "ml.c7g.large"}, "got 'ml.c7g.large'"),
        ({"name": "llama-cpp-arm64", "version": "1", "instance_type": "ml.m5.large"}, "its processors: arm64"),
        ({"name": "chainer", "version": "5.0.0", "processor": "cpu"}, "python_version must be given .*py2, py3"),
        (
            {"name": "huggingface", "version": "4.51.3", "processor": "gpu"},
            "base_framework must be given .*pytorch2.6, pytorch2.6.0",
        ),
        (
            {"name": "pytorch", "version": "2.6", "processor": "cpu", "instance_type": "ml.m5.large"},
            "only one of instance_type and processor .*'ml.m5.large', 'cpu'",
        ),
    ],
)
def test_fails_unless_one_image_matches(arguments: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ContainerImage.from_framework(arguments.pop("name"), version=arguments.pop("version"), **arguments)


@pytest.mark.parametrize("argument", ["name", "version", "instance_type", "processor", "python_version"])
def test_fails_if_the_choice_is_a_token(stack: Stack, argument: str) -> None:
    token = CfnParameter(stack, "Parameter").value_as_string
    arguments = {"name": "pytorch", "version": "2.6", argument: token}
    with pytest.raises(ValueError, match=f"{argument} must be known at synthesis to choose an image, got a token"):
        ContainerImage.from_framework(arguments.pop("name"), version=arguments.pop("version"), **arguments)


def test_network_isolation_is_off_only_where_aws_documents_it(stack: Stack) -> None:
    chainer = ContainerImage.from_framework("chainer", version="5.0.0", processor="cpu", python_version="py3")
    sklearn = ContainerImage.from_framework("sklearn", version="1.2-1")
    assert not chainer.bind(stack).network_isolation
    assert sklearn.bind(stack).network_isolation
    assert pytorch().bind(stack).network_isolation


# --- in a repository


def test_digest_names_the_image(stack: Stack) -> None:
    arn = "arn:aws:ecr:eu-west-1:111122223333:repository/team/model"
    bound = ContainerImage.from_ecr(repository_in(stack, arn), digest=DIGEST).bind(stack)
    [uri] = rendered(stack, bound.uri)
    assert uri["Fn::Join"][1][-1] == f"/team/model@{DIGEST}"
    assert uri["Fn::Join"][1][0].startswith("111122223333.dkr.ecr.eu-west-1.")
    assert bound == BoundImage(uri=bound.uri, repositories=(arn,), network_isolation=True)


def test_tag_names_the_image(stack: Stack) -> None:
    repository = repository_in(stack, "arn:aws-cn:ecr:cn-north-1:111122223333:repository/team/model")
    [uri] = rendered(stack, ContainerImage.from_ecr(repository, tag="v1.2.3").bind(stack).uri)
    assert uri["Fn::Join"][1][-1] == "/team/model:v1.2.3"


def test_repository_of_the_stack_itself(stack: Stack) -> None:
    repository = ecr.Repository(stack, "Repository")
    bound = ContainerImage.from_ecr(repository, digest=DIGEST).bind(stack)
    uri, arn = rendered(stack, bound.uri, bound.repositories[0])
    logical_id = stack.get_logical_id(repository.node.default_child)  # type: ignore[arg-type]  # an L2's own child
    assert {"Ref": logical_id} in uri["Fn::Join"][1]
    assert arn == {"Fn::GetAtt": [logical_id, "Arn"]}


def test_digest_and_tag_may_be_tokens(stack: Stack) -> None:
    token = CfnParameter(stack, "Parameter").value_as_string
    repository = repository_in(stack, "arn:aws:ecr:eu-west-1:111122223333:repository/team/model")
    by_digest = ContainerImage.from_ecr(repository, digest=token).bind(stack).uri
    by_tag = ContainerImage.from_ecr(repository, tag=token).bind(stack).uri
    for uri in rendered(stack, by_digest, by_tag):
        assert {"Ref": "Parameter"} in uri["Fn::Join"][1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "exactly one of digest and tag .*digest=None and tag=None"),
        ({"digest": DIGEST, "tag": "v1"}, "exactly one of digest and tag .*tag='v1'"),
        ({"digest": DIGEST[:-1]}, "digest must be sha256:"),
        ({"digest": f"{DIGEST}0"}, "digest must be sha256:"),
        ({"digest": DIGEST.upper()}, "digest must be sha256:"),
        ({"digest": ""}, "digest must be sha256:"),
        ({"tag": "latest"}, "tag must name one image for good, got 'latest'"),
        ({"tag": ""}, "tag must be 1 to 128"),
        ({"tag": "a" * 129}, "tag must be 1 to 128"),
        ({"tag": ".v1"}, "tag must be 1 to 128"),
        ({"tag": "v1 "}, "tag must be 1 to 128"),
    ],
)
def test_fails_unless_the_image_is_named_for_good(stack: Stack, arguments: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ContainerImage.from_ecr(ecr.Repository(stack, "Repository"), **arguments)


@pytest.mark.parametrize("tag", ["v", "_", "latest-1", "a" * 128])
def test_accepts_tags_up_to_the_limit(stack: Stack, tag: str) -> None:
    repository = ecr.Repository(stack, "Repository", image_tag_mutability=ecr.TagMutability.IMMUTABLE)
    assert tag in str(rendered(stack, ContainerImage.from_ecr(repository, tag=tag).bind(stack).uri))


@pytest.mark.parametrize("setting", [None, ecr.TagMutability.MUTABLE])
def test_fails_if_the_tags_of_a_repository_can_move(stack: Stack, setting: ecr.TagMutability | None) -> None:
    repository = ecr.Repository(stack, "Repository", image_tag_mutability=setting)
    with pytest.raises(
        ValueError, match="tag must be in a repository with immutable tags, got 'v1' in Stack/Repository"
    ):
        ContainerImage.from_ecr(repository, tag="v1").bind(stack)
    assert ContainerImage.from_ecr(repository, digest=DIGEST).bind(stack).uri


def test_the_tags_of_a_repository_may_move_as_is_decided_at_deployment(stack: Stack) -> None:
    repository = ecr.Repository(stack, "Repository")
    resource = repository.node.default_child
    assert isinstance(resource, ecr.CfnRepository)
    resource.image_tag_mutability = CfnParameter(stack, "Setting").value_as_string
    assert ContainerImage.from_ecr(repository, tag="v1").bind(stack).uri


def test_fails_if_an_imported_repository_is_in_another_region(app: App) -> None:
    stack = Stack(app, "Concrete", env={"region": "us-east-1"})
    repository = repository_in(stack, f"arn:{stack.partition}:ecr:eu-west-1:111122223333:repository/team/model")
    with pytest.raises(
        ValueError, match="repository must be in the region of its model, us-east-1, got one in eu-west-1"
    ):
        ContainerImage.from_ecr(repository, digest=DIGEST).bind(stack)


def test_fails_if_the_repository_of_another_stack_is_in_another_region(app: App) -> None:
    repository = ecr.Repository(Stack(app, "Images", env={"region": "eu-west-1"}), "Repository")
    stack = Stack(app, "Concrete", env={"region": "us-east-1"})
    with pytest.raises(ValueError, match="model, us-east-1, got one in eu-west-1"):
        ContainerImage.from_ecr(repository, digest=DIGEST).bind(stack)


@pytest.mark.parametrize("region", ["us-east-1", None])
def test_accepts_a_repository_of_another_account(app: App, region: str | None) -> None:
    stack = Stack(app, "Models", env={"region": region} if region else None)
    arn = "arn:aws:ecr:us-east-1:111122223333:repository/team/model"
    assert ContainerImage.from_ecr(repository_in(stack, arn), digest=DIGEST).bind(stack).repositories == (arn,)


# --- built from a directory


@pytest.fixture
def directory(tmp_path: Path) -> str:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n", encoding="utf-8")
    (tmp_path / "Other.Dockerfile").write_text("FROM scratch AS serve\n", encoding="utf-8")
    return str(tmp_path)


def test_asset_is_pulled_from_the_bootstrap_repository(stack: Stack, directory: str) -> None:
    bound = ContainerImage.from_asset(directory).bind(stack)
    uri, arn = rendered(stack, bound.uri, bound.repositories[0])
    assert "container-assets" in str(uri)
    assert ":repository/" in str(arn)
    assert bound.network_isolation


def test_assets_share_a_scope(stack: Stack, directory: str) -> None:
    default = ContainerImage.from_asset(directory)
    other = ContainerImage.from_asset(directory, file="Other.Dockerfile", target="serve", build_args={"A": "1"})
    uris = rendered(stack, *(image.bind(stack).uri for image in (default, other, default)))
    assert uris[0] == uris[2] != uris[1]


def test_asset_is_built_as_told(app: App, stack: Stack, directory: str) -> None:
    ContainerImage.from_asset(directory).bind(Construct(stack, "Default"))
    arm = ecr_assets.Platform.LINUX_ARM64
    ContainerImage.from_asset(
        directory, file="Other.Dockerfile", target="serve", build_args={"B": "2", "A": "1"}, platform=arm
    ).bind(Construct(stack, "Other"))
    manifest = json.loads((Path(app.synth().directory) / "Stack.assets.json").read_text())
    sources = [each["source"] for each in manifest["dockerImages"].values()]
    for source in sources:
        assert source.pop("directory").startswith("asset.")
    assert sorted(sources, key=len) == [
        {"dockerFile": "Dockerfile", "platform": "linux/amd64"},
        {
            "dockerFile": "Other.Dockerfile",
            "dockerBuildTarget": "serve",
            "dockerBuildArgs": {"A": "1", "B": "2"},
            "platform": "linux/arm64",
        },
    ]


def test_platform_is_part_of_the_image(stack: Stack, directory: str) -> None:
    default = ContainerImage.from_asset(directory)
    amd = ContainerImage.from_asset(directory, platform=ecr_assets.Platform.LINUX_AMD64)
    arm = ContainerImage.from_asset(directory, platform=ecr_assets.Platform.LINUX_ARM64)
    assert default == amd != arm
    uris = rendered(stack, *(image.bind(stack).uri for image in (amd, arm)))
    assert uris[0] != uris[1]


def test_fails_without_a_directory(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"directory must be an existing directory, got .*missing"):
        ContainerImage.from_asset(str(tmp_path / "missing"))


def test_fails_without_a_dockerfile(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"file must be a Dockerfile in .*got 'Dockerfile'"):
        ContainerImage.from_asset(str(tmp_path))


# --- what is known of them


@pytest.mark.parametrize(
    ("image", "name", "arm64"),
    [
        (ContainerImage.from_framework("xgboost", version="3.0-5"), "xgboost", False),
        (ContainerImage.from_framework("xgboost", version="1.5-1", processor="arm64"), "xgboost", True),
        (ContainerImage.from_framework("llama-cpp-arm64", version="1.0.1"), "llama-cpp-arm64", True),
        (ContainerImage.from_framework("knn", version="1"), "knn", False),
    ],
)
def test_framework_and_architecture_of_images_of_aws(
    stack: Stack, image: ContainerImage, name: str, *, arm64: bool
) -> None:
    bound = image.bind(stack)
    assert (bound.framework, bound.arm64) == (name, arm64)


@pytest.mark.parametrize(
    ("platform", "arm64"),
    [
        (None, False),
        (ecr_assets.Platform.LINUX_ARM64, True),
        (ecr_assets.Platform.custom("linux/s390x"), None),
    ],
)
def test_architecture_of_what_is_built(
    stack: Stack, directory: str, platform: ecr_assets.Platform | None, *, arm64: bool | None
) -> None:
    bound = ContainerImage.from_asset(directory, platform=platform).bind(stack)
    assert (bound.framework, bound.arm64) == (None, arm64)


def test_a_registry_is_named_once(stack: Stack) -> None:
    """Else policies would name the same repository again and again."""
    first, second = (ContainerImage.from_framework("xgboost", version="3.0-5").bind(stack) for _ in range(2))
    assert first == second


# --- values


def test_images_are_equal_by_source(stack: Stack, directory: str) -> None:
    repository = ecr.Repository(stack, "Repository")
    same = [
        (pytorch(), ContainerImage.from_framework("pytorch", version="2.6.0", instance_type="ml.m5.large")),
        (ContainerImage.from_ecr(repository, tag="v1"), ContainerImage.from_ecr(repository, tag="v1")),
        (
            ContainerImage.from_asset(directory, build_args={"A": "1", "B": "2"}),
            ContainerImage.from_asset(directory, build_args={"B": "2", "A": "1"}),
        ),
    ]
    for one, other in same:
        assert one == other
        assert hash(one) == hash(other)
    assert len({image for pair in same for image in pair}) == len(same)
    assert pytorch() != pytorch(processor="gpu")


def test_images_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        pytorch()._source = None  # type: ignore[misc, assignment]  # what the test is about


def test_table_is_read_only_when_asked(stack: Stack) -> None:
    _image_table._table.cache_clear()
    ContainerImage.from_ecr(ecr.Repository(stack, "Repository"), digest=DIGEST).bind(stack)
    assert _image_table._table.cache_info().currsize == 0


def test_table_is_compact() -> None:
    table = importlib.resources.files("ml_constructs.models") / "_images.json"
    assert len(table.read_bytes()) < 60_000
