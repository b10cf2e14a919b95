from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, CfnParameter, NestedStack, Stack
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from cdk_nag import AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks
from constructs import Construct

from ml_constructs.encryption import EncryptionKey
from ml_constructs.models._containers import MAX_ENVIRONMENT_TOTAL
from ml_constructs.models.container import Container
from ml_constructs.models.images import ContainerImage
from ml_constructs.models.model import Model
from ml_constructs.models.model_data import ModelData
from ml_constructs.models.model_data_source import ModelDataSource
from ml_constructs.models.multi_model_data import MultiModelData
from ml_constructs.network.inference_network import InferenceNetwork
from ml_constructs.permissions import Permission
from ml_constructs.storage import ArtifactBucket, LogBucket
from tests.constructs.builders import (
    XGBOOST,
    AnyData,
    Resource,
    creation_order,
    model,
    only,
    properties,
    resources,
    statements,
    stored,
    strings,
    synthesised,
    text,
    warnings,
    write_files,
)

MODEL = "AWS::SageMaker::Model"
POLICY = "AWS::IAM::ManagedPolicy"
ROLE = "AWS::IAM::Role"
PARTITION = {"Ref": "AWS::Partition"}
REGION = {"Ref": "AWS::Region"}
ACCOUNT = {"Ref": "AWS::AccountId"}
READ = Permission(actions=["s3:GetObject"], resources=["arn:aws:s3:::example-models/other"])


def join(*parts: object) -> dict[str, Any]:
    return {"Fn::Join": ["", list(parts)]}


def policy(stack: Stack, name: str) -> Resource:
    """The managed policy whose logical id contains a name."""
    (found,) = (value for key, value in resources(stack, POLICY).items() if name in key)
    return found


def a_role(scope: Construct) -> iam.Role:
    return iam.Role(scope, "Given", assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"))


# Containers.


def test_environments_of_a_model_at_and_beyond_the_edge(stack: Stack) -> None:
    full = {f"N{index:03}": "v" * (1024 - 4) for index in range(MAX_ENVIRONMENT_TOTAL // 1024)}
    Model(stack, "Full", containers=[Container(image=XGBOOST, environment=full)])
    with pytest.raises(ValueError, match="environments of at most 32,768 bytes together, got 32,769"):
        Model(stack, "Over", containers=[Container(image=XGBOOST, environment={**full, "X": ""})])
    assert stack.node.try_find_child("Over") is None


def test_environments_take_tokens(stack: Stack) -> None:
    token = text(stack)
    container = Container(image=XGBOOST, environment={"A": token * 200, "B": "b"}, hostname=token)
    assert container.environment_bytes == 3
    Model(stack, "Model", containers=[container])
    rendered = properties(stack, MODEL)["PrimaryContainer"]
    assert rendered["Environment"]["B"] == "b"
    assert rendered["ContainerHostname"] == {"Ref": "Text"}


# The model.


def test_default_is_isolated_and_unnamed(stack: Stack) -> None:
    model(stack)
    rendered = properties(stack, MODEL)
    assert rendered["EnableNetworkIsolation"] is True
    assert rendered["PrimaryContainer"]["ModelDataUrl"] == "s3://example-models/models/v1/model.tar.gz"
    assert set(rendered) == {"EnableNetworkIsolation", "ExecutionRoleArn", "PrimaryContainer"}


def test_a_container_needs_no_data_and_no_environment(stack: Stack) -> None:
    Model(stack, "Model", containers=[Container(image=XGBOOST)])
    assert set(properties(stack, MODEL)["PrimaryContainer"]) == {"Image"}


@pytest.mark.parametrize("count", [0, 16])
def test_takes_no_other_number_of_containers(stack: Stack, count: int) -> None:
    with pytest.raises(ValueError, match=f"containers must have between 1 and 15 members, got {count}"):
        Model(stack, "Model", containers=[Container(image=XGBOOST)] * count)


def test_takes_no_list_that_is_known_only_at_deployment(stack: Stack) -> None:
    late: Any = CfnParameter(stack, "Late", type="CommaDelimitedList").value_as_list
    with pytest.raises(TypeError, match="containers must be known at synth, got a token"):
        Model(stack, "Model", containers=late)


def test_isolation_follows_the_image(stack: Stack) -> None:
    image = ContainerImage.from_framework("chainer", version="5.0.0", processor="cpu", python_version="py3")
    Model(stack, "Default", containers=[Container(image=image)])
    (warning,) = warnings(stack)
    assert "network isolation is off" in warning
    Model(stack, "Accepted", containers=[Container(image=image)], network_isolation=False)
    Model(stack, "Tried", containers=[Container(image=image)], network_isolation=True)
    assert len(warnings(stack)) == 1
    isolated = [each["Properties"]["EnableNetworkIsolation"] for each in resources(stack, MODEL).values()]
    assert sorted(isolated) == [False, False, True]


def test_two_images_of_aws_in_one_stack(app: App, stack: Stack) -> None:
    Model(stack, "One", containers=[Container(image=XGBOOST)])
    Model(stack, "Two", containers=[Container(image=XGBOOST)])
    torch = ContainerImage.from_framework("pytorch", version="2.6.0", processor="cpu")
    Model(stack, "Three", containers=[Container(image=torch)])
    app.synth()
    images = [json.dumps(each["Properties"]["PrimaryContainer"]["Image"]) for each in resources(stack, MODEL).values()]
    assert len(set(images)) == 2


def test_the_data_bucket_is_known(stack: Stack) -> None:
    assert [bucket.bucket_name for bucket in model(stack).data_buckets] == ["example-models"]
    assert Model(stack, "Bare", containers=[Container(image=XGBOOST)]).data_buckets == ()


# The execution role.


def test_only_sagemaker_of_this_account_assumes_the_role(stack: Stack) -> None:
    model(stack)
    assert properties(stack, ROLE)["AssumeRolePolicyDocument"]["Statement"] == [
        {
            "Action": "sts:AssumeRole",
            "Effect": "Allow",
            "Principal": {"Service": "sagemaker.amazonaws.com"},
            "Condition": {
                "StringEquals": {"aws:SourceAccount": ACCOUNT},
                "ArnLike": {
                    "aws:SourceArn": join("arn:", PARTITION, ":sagemaker:", REGION, ":", ACCOUNT, ":*"),
                },
            },
        }
    ]
    assert "ManagedPolicyArns" not in properties(stack, ROLE)
    assert "Policies" not in properties(stack, ROLE)


def test_the_role_reads_exactly_the_artefacts(stack: Stack) -> None:
    digest = "sha256:" + "0" * 64
    repository = ecr.Repository.from_repository_name(stack, "Repository", "team/model")
    image = ContainerImage.from_ecr(repository, digest=digest)
    Model(stack, "Model", containers=[Container(image=image, model_data=stored(stack))])
    assert statements(only(stack, POLICY)) == [
        {"Effect": "Allow", "Action": ["ecr:GetAuthorizationToken"], "Resource": ["*"]},
        {
            "Effect": "Allow",
            "Action": ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            "Resource": [join("arn:", PARTITION, ":ecr:", REGION, ":", ACCOUNT, ":repository/team/model")],
        },
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject"],
            "Resource": [join("arn:", PARTITION, ":s3:::example-models/models/v1/model.tar.gz")],
        },
    ]


def test_the_role_manages_exactly_the_models_network_interfaces(stack: Stack) -> None:
    model(stack, network=InferenceNetwork(stack, "Network"))
    (group_id,) = (key for key in resources(stack, "AWS::EC2::SecurityGroup") if key.startswith("Model"))

    def arn(resource: str, *end: object) -> dict[str, Any]:
        return join("arn:", PARTITION, ":ec2:", REGION, ":", ACCOUNT, f":{resource}", *end)

    assert statements(policy(stack, "NetworkInterfaces")) == [
        {
            "Effect": "Allow",
            "Action": [
                "ec2:CreateNetworkInterface",
                "ec2:CreateNetworkInterfacePermission",
                "ec2:DeleteNetworkInterface",
            ],
            "Resource": [
                arn("network-interface/*"),
                arn("security-group/", {"Fn::GetAtt": [group_id, "GroupId"]}),
                *(arn("subnet/", {"Ref": subnet}) for subnet in resources(stack, "AWS::EC2::Subnet")),
            ],
        },
        {
            "Effect": "Allow",
            "Action": [
                "ec2:DeleteNetworkInterfacePermission",
                "ec2:DescribeDhcpOptions",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSubnets",
                "ec2:DescribeVpcs",
            ],
            "Resource": ["*"],
        },
    ]


def test_the_model_waits_for_its_policies(stack: Stack) -> None:
    model(stack, network=InferenceNetwork(stack, "Network"))
    policies = {key for key in resources(stack, POLICY) if "Model" in key}
    assert len(policies) == 2
    assert policies < set(only(stack, MODEL)["DependsOn"])


def test_the_model_waits_for_the_way_to_its_artefacts(stack: Stack) -> None:
    model(stack, network=InferenceNetwork(stack, "Network"))
    policies = {key for key in resources(stack, POLICY) if "Model" in key}
    routes = set(resources(stack, "AWS::EC2::SubnetRouteTableAssociation"))
    (gateway,) = [
        key
        for key, each in resources(stack, "AWS::EC2::VPCEndpoint").items()
        if each["Properties"]["VpcEndpointType"] == "Gateway"
    ]
    assert len(routes) == 2
    assert set(only(stack, MODEL)["DependsOn"]) == policies | routes | {gateway}


def test_the_model_waits_for_no_s3_endpoint_of_another_owner(stack: Stack) -> None:
    model(stack, network=InferenceNetwork(stack, "Network", s3_endpoint=False))
    kinds = {key.partition("VpcIsolated")[0] for key in only(stack, MODEL)["DependsOn"] if "Model" not in key}
    assert kinds == {"Network"}
    assert not set(resources(stack, "AWS::EC2::VPCEndpoint")) & set(only(stack, MODEL)["DependsOn"])


def test_every_wildcard_is_documented(stack: Stack) -> None:
    model(stack, network=InferenceNetwork(stack, "Network"))
    wild = {
        (action, json.dumps(resource))
        for key, each in resources(stack, POLICY).items()
        if key.startswith("Model")
        for statement in statements(each)
        for action in statement["Action"]
        for resource in statement["Resource"]
        if "*" in json.dumps(resource)
    }
    assert {action for action, resource in wild if resource == '"*"'} == {
        "ecr:GetAuthorizationToken",
        "ec2:DeleteNetworkInterfacePermission",
        "ec2:DescribeDhcpOptions",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcs",
    }
    assert {action for action, resource in wild if resource != '"*"'} == {
        "ec2:CreateNetworkInterface",
        "ec2:CreateNetworkInterfacePermission",
        "ec2:DeleteNetworkInterface",
    }


def test_other_data_is_another_policy_and_other_environment_is_not(tmp_path: Path) -> None:
    def ids(content: str, value: str) -> tuple[set[str], set[str]]:
        app = App(builtin_cloud_formation_validation=False)
        stack = Stack(app, "Stack")
        data = ModelData.from_directory(write_files(tmp_path, {"model": content}))
        Model(stack, "Model", containers=[Container(image=XGBOOST, model_data=data, environment={"A": value})])
        return set(resources(stack, POLICY)), set(resources(stack, ROLE)) | set(resources(stack, MODEL))

    (first, fixed), (again, _), (second, fixed_too) = ids("1", "a"), ids("1", "b"), ids("2", "a")
    assert first == again
    assert not first & second
    assert fixed == fixed_too


def test_a_given_role_gets_statements(app: App, stack: Stack) -> None:
    role = a_role(stack)
    assert model(stack, role=role).role is role
    app.synth()
    assert not resources(stack, POLICY)
    (inline,) = resources(stack, "AWS::IAM::Policy")
    assert inline in only(stack, MODEL)["DependsOn"]
    (key,) = resources(stack, ROLE)
    assert properties(stack, MODEL)["ExecutionRoleArn"] == {"Fn::GetAtt": [key, "Arn"]}


def test_an_immutable_role_gets_nothing(app: App, stack: Stack) -> None:
    model(stack, role=a_role(stack).without_policy_updates())
    app.synth()
    assert not resources(stack, POLICY)
    assert not resources(stack, "AWS::IAM::Policy")
    assert "DependsOn" not in only(stack, MODEL)


@pytest.mark.parametrize(("mutable", "count"), [(True, 1), (False, 0)])
def test_an_imported_role_gets_statements_if_its_owner_lets_it(
    app: App, stack: Stack, *, mutable: bool, count: int
) -> None:
    arn = "arn:aws:iam::111122223333:role/given"
    for number, home in enumerate((stack, Stack(app, "Home"))):
        role = iam.Role.from_role_arn(home, f"Role{number}", arn, mutable=mutable)
        model(stack, f"Model{number}", role=role)
    app.synth()
    assert len(resources(stack, "AWS::IAM::Policy")) == 2 * count
    assert not resources(stack, POLICY)
    assert {each["Properties"]["ExecutionRoleArn"] for each in resources(stack, MODEL).values()} == {arn}


def test_a_role_of_another_stack_makes_no_cycle(app: App, stack: Stack) -> None:
    home = Stack(app, "Home")
    bucket = ArtifactBucket(stack, "Models", encryption_key=EncryptionKey(stack, "Key"))
    data = ModelData.from_bucket(bucket, "v1/model.tar.gz", version="v1")
    model(stack, role=a_role(home), data=data)
    app.synth()
    assert len(resources(stack, POLICY)) == 1
    assert not resources(home, "AWS::IAM::Policy")
    creation_order(synthesised(stack))


# In a network.


def test_in_a_network(stack: Stack) -> None:
    network = InferenceNetwork(stack, "Network")
    model(stack, network=network)
    (group_id,) = (key for key in resources(stack, "AWS::EC2::SecurityGroup") if key.startswith("Model"))
    assert properties(stack, MODEL)["VpcConfig"] == {
        "SecurityGroupIds": [{"Fn::GetAtt": [group_id, "GroupId"]}],
        "Subnets": [{"Ref": subnet} for subnet in resources(stack, "AWS::EC2::Subnet")],
    }
    group = resources(stack, "AWS::EC2::SecurityGroup")[group_id]["Properties"]
    assert "SecurityGroupIngress" not in group
    assert not [key for key in resources(stack, "AWS::EC2::SecurityGroupIngress") if key.startswith("Model")]


def opened(stack: Stack) -> list[Any]:
    """What the S3 endpoint of a network admits."""
    gateways = [
        each["Properties"]
        for each in resources(stack, "AWS::EC2::VPCEndpoint").values()
        if each["Properties"]["VpcEndpointType"] == "Gateway"
    ]
    allowed = (each for each in gateways[0]["PolicyDocument"]["Statement"] if each["Effect"] == "Allow")
    return [(each["Action"], each["Resource"]) for each in allowed]


def test_the_network_lets_the_model_read_its_bucket(stack: Stack) -> None:
    model(stack, network=InferenceNetwork(stack, "Network"))
    assert opened(stack) == [("s3:GetObject", join("arn:", PARTITION, ":s3:::example-models/*"))]


def test_the_network_lets_through_every_resource_that_a_role_is_allowed(stack: Stack) -> None:
    served = model(stack, network=InferenceNetwork(stack, "Network"))
    both = ["arn:aws:s3:::one/out/*", "arn:aws:s3:::two/out/*"]
    served.allow(stack, "More", [Permission(actions=["s3:PutObject"], resources=both)])
    assert opened(stack)[1] == ("s3:PutObject", both)


def test_a_network_of_another_stack_makes_no_cycle(app: App, stack: Stack) -> None:
    home = Stack(app, "Home")
    network = InferenceNetwork(home, "Network")
    bucket = ArtifactBucket(stack, "Models", encryption_key=EncryptionKey(stack, "Key"))
    data = ModelData.from_bucket(bucket, "v1/model.tar.gz", version="v1")
    served = model(stack, network=network, data=data)
    served.allow(stack, "More", [Permission(actions=["s3:PutObject"], resources=[f"{bucket.bucket_arn}/out/*"])])
    app.synth()
    assert opened(home) == [
        ("s3:GetObject", join("arn:", PARTITION, ":s3:::*/*")),
        ("s3:PutObject", join("arn:", PARTITION, ":s3:::*/out/*")),
    ]


def test_a_bucket_beside_the_network_is_named_exactly(app: App, stack: Stack) -> None:
    home = Stack(app, "Home")
    bucket = ArtifactBucket(home, "Models", encryption_key=EncryptionKey(home, "Key"))
    data = ModelData.from_bucket(bucket, "v1/model.tar.gz", version="v1")
    model(stack, network=InferenceNetwork(home, "Network"), data=data)
    app.synth()
    (key,) = resources(home, "AWS::S3::Bucket")
    assert opened(home) == [("s3:GetObject", join({"Fn::GetAtt": [key, "Arn"]}, "/*"))]


def test_descriptions_are_legal_on_long_and_foreign_paths(app: App, stack: Stack) -> None:
    scope: Construct = stack
    for index in range(20):
        scope = Construct(scope, f"{'x' * 100}Modèle模型{index}")
    model(scope, "M模" * 500, network=InferenceNetwork(stack, "Network"))
    app.synth()
    (role,) = (each for key, each in resources(stack, ROLE).items() if "Network" not in key)
    description = role["Properties"]["Description"]
    assert len(description) <= 1000
    assert description.isascii()
    for group in resources(stack, "AWS::EC2::SecurityGroup").values():
        assert len(group["Properties"]["GroupDescription"]) <= 255
        assert group["Properties"]["GroupDescription"].isascii()


# Further permissions, and imported models.


def test_allows_more_in_the_scope_of_who_asks(stack: Stack) -> None:
    served = model(stack)
    elsewhere = NestedStack(stack, "Nested")
    assert served.allow(elsewhere, "More", [READ]) is not None
    assert statements(only(elsewhere, POLICY)) == [
        {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::example-models/other"]}
    ]
    assert len(resources(stack, POLICY)) == 1


def test_an_imported_model_without_role_is_left_alone(app: App, stack: Stack) -> None:
    imported = Model.from_model_name("some-model")
    assert imported.model_name == "some-model"
    assert imported.allow(stack, "More", [READ]) is None
    assert not app.synth().get_stack_by_name("Stack").template.get("Resources")


def test_an_imported_model_with_a_role(stack: Stack) -> None:
    imported = Model.from_model_name("some-model", role=a_role(stack))
    assert imported.allow(stack, "More", [READ]) is not None
    assert len(resources(stack, "AWS::IAM::Policy")) == 1


@pytest.mark.parametrize("region", [None, "us-gov-west-1", "cn-north-1"])
def test_in_every_partition(app: App, region: str | None, tmp_path: Path) -> None:
    there = Stack(app, "There", env=None if region is None else {"account": "111122223333", "region": region})
    data = ModelData.from_directory(write_files(tmp_path, {"model": "x"}))
    model(there, data=data, network=InferenceNetwork(there, "Network"))
    assert not [value for value in strings(synthesised(there)) if "arn:aws:" in value]


def test_a_bucket_made_here_and_its_key(stack: Stack) -> None:
    key = EncryptionKey(stack, "Key")
    bucket: s3.IBucket = ArtifactBucket(stack, "Models", encryption_key=key)
    model(stack, data=ModelData.from_bucket(bucket, "v1/model.tar.gz", version="v1"))
    actions = [statement["Action"] for statement in statements(only(stack, POLICY))]
    assert actions[2:] == [["s3:GetObject"], ["kms:Decrypt"]]
    creation_order(synthesised(stack))


# Several containers.


def containers(count: int, **options: Any) -> list[Container]:  # noqa: ANN401
    return [Container(image=XGBOOST, **options) for _ in range(count)]


def named(*hostnames: str | None) -> list[Container]:
    return [Container(image=XGBOOST, hostname=hostname) for hostname in hostnames]


@pytest.mark.parametrize("count", [2, 15])
def test_several_containers_are_a_pipeline(stack: Stack, count: int) -> None:
    served = Model(stack, "Model", containers=containers(count))
    rendered = properties(stack, MODEL)
    assert [set(each) for each in rendered["Containers"]] == [{"Image"}] * count
    assert rendered["InferenceExecutionConfig"] == {"Mode": "Serial"}
    assert "PrimaryContainer" not in rendered
    assert len(served.containers) == count
    assert not served.direct_invocation


@pytest.mark.parametrize("region", [None, "eu-west-1", "cn-north-1"])
def test_several_images_of_aws_in_one_model(app: App, region: str | None) -> None:
    """Constructs of others make one mapping for each, under one id, or a role that cannot pull them."""
    stack = Stack(app, "There", env=None if region is None else {"account": "111122223333", "region": region})
    scaler = ContainerImage.from_framework("sklearn", version="1.2-1", processor="cpu")
    torch = ContainerImage.from_framework("pytorch", version="2.6.0", processor="cpu")
    Model(stack, "Model", containers=[Container(image=image) for image in (scaler, XGBOOST, torch)])
    app.synth()
    pull = statements(only(stack, POLICY))[1]
    names = ("sagemaker-scikit-learn", "sagemaker-xgboost", "pytorch-inference")
    assert [json.dumps(each).rstrip('"]})').rpartition("/")[2] for each in pull["Resource"]] == list(names)
    uris = [json.dumps(each["Image"]) for each in properties(stack, MODEL)["Containers"]]
    assert all(f"/{name}:" in uri for name, uri in zip(names, uris, strict=True))


def test_each_container_by_itself(stack: Stack) -> None:
    served = Model(stack, "Model", containers=named("one", "two"), direct_invocation=True)
    rendered = properties(stack, MODEL)
    assert [each["ContainerHostname"] for each in rendered["Containers"]] == ["one", "two"]
    assert rendered["InferenceExecutionConfig"] == {"Mode": "Direct"}
    assert served.direct_invocation


@pytest.mark.parametrize(
    ("made", "direct", "message"),
    [
        (named("one"), True, "direct_invocation must be False for a model of one container, got True"),
        (named("one", None), True, "containers must each have a hostname for direct_invocation, got 1 of 2"),
        (named(None, None), True, "containers must each have a hostname for direct_invocation, got 0 of 2"),
        (named("one", None, "three"), False, "containers must have a hostname all or none, got 2 of 3"),
        (named("one", "two", "one"), False, "containers must have unique hostnames, got one more than once"),
        (named("one", "one"), True, "containers must have unique hostnames, got one more than once"),
    ],
)
def test_refuses_containers_together(stack: Stack, made: list[Container], *, direct: bool, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Model(stack, "Model", containers=made, direct_invocation=direct)
    assert stack.node.try_find_child("Model") is None


def test_hostnames_may_be_tokens(stack: Stack) -> None:
    Model(stack, "Model", containers=named(text(stack), text(stack, "Other")), direct_invocation=True)
    rendered = properties(stack, MODEL)["Containers"]
    assert [each["ContainerHostname"] for each in rendered] == [{"Ref": "Text"}, {"Ref": "Other"}]


def test_a_pipeline_loads_many_models_in_one_container(stack: Stack) -> None:
    bucket = s3.Bucket.from_bucket_name(stack, "Many", "example-tenants")
    many = Container(image=XGBOOST, model_data=MultiModelData.from_bucket(bucket, "tenants"))
    assert Model(stack, "Once", containers=[many, Container(image=XGBOOST)]).multi_model
    with pytest.raises(
        ValueError, match="containers of a pipeline must have MultiModelData at most once, got it 2 times"
    ):
        Model(stack, "Twice", containers=[many, many])
    both = [replace(many, hostname=name) for name in ("one", "two")]
    assert Model(stack, "Direct", containers=both, direct_invocation=True).multi_model


def test_says_what_others_must_know(stack: Stack) -> None:
    bucket = s3.Bucket.from_bucket_name(stack, "Files", "example-files")
    plain = model(stack)
    assert not plain.multi_model
    assert not plain.data_source
    assert not plain.marketplace
    assert not plain.private_registry
    assert plain.network_isolation
    assert plain.network is None
    copied = Container(image=XGBOOST, model_data=ModelDataSource.from_prefix(bucket, "v1", version="v1"))
    network = InferenceNetwork(stack, "Network")
    files = Model(stack, "Copied", containers=[copied], network=network, network_isolation=False)
    assert files.data_source
    assert files.network is network
    assert not files.network_isolation


def test_containers_with_assets_have_ids_of_their_own(app: App, stack: Stack, tmp_path: Path) -> None:
    built = write_files(tmp_path / "image", {"Dockerfile": "FROM scratch"})
    packed = [
        ModelData.from_directory(write_files(tmp_path / name, {"model": name})) for name in ("one", "two", "three")
    ]
    image = ContainerImage.from_asset(str(built))
    Model(stack, "Model", containers=[Container(image=image, model_data=data) for data in packed])
    app.synth()
    urls = [json.dumps(each["ModelDataUrl"]) for each in properties(stack, MODEL)["Containers"]]
    assert len(set(urls)) == 3


def test_a_pipeline_of_many_artefacts_fits_into_one_policy(stack: Stack) -> None:
    bucket = ArtifactBucket(stack, "Models", encryption_key=EncryptionKey(stack, "Key"))
    data = [ModelData.from_bucket(bucket, f"{name:02}/v1/model.tar.gz", version="v1") for name in range(15)]
    Model(stack, "Model", containers=[Container(image=XGBOOST, model_data=each) for each in data])
    pull, read, decrypt = statements(only(stack, POLICY))[1:]
    assert len(pull["Resource"]) == 1
    assert len(read["Resource"]) == 15
    assert len(decrypt["Resource"]) == 1
    assert len(decrypt["Condition"]["ArnEquals"]["kms:EncryptionContext:aws:s3:arn"]) == 16


def test_longer_ones_have_several_policies(stack: Stack) -> None:
    """6,144 characters are what a managed policy holds."""
    buckets = [
        ArtifactBucket(stack, f"Models{number}", encryption_key=EncryptionKey(stack, f"Key{number}"))
        for number in range(15)
    ]
    data = [ModelData.from_bucket(bucket, f"{'k' * 100}/v1/model.tar.gz", version="v1") for bucket in buckets]
    Model(stack, "Model", containers=[Container(image=XGBOOST, model_data=each) for each in data])
    policies = resources(stack, POLICY)
    assert len(policies) > 1
    for each in policies.values():
        assert len(json.dumps(each["Properties"]["PolicyDocument"], separators=(",", ":"))) < 6144
    assert set(policies) == set(only(stack, MODEL)["DependsOn"])


def test_the_network_lets_the_model_find_what_it_reads(app: App, stack: Stack) -> None:
    home = Stack(app, "Home")
    bucket = ArtifactBucket(stack, "Models", encryption_key=EncryptionKey(stack, "Key"))
    for scope, name in ((stack, "Beside"), (home, "Apart")):
        network = InferenceNetwork(scope, name)
        model(stack, f"{name}Model", network=network, data=MultiModelData.from_bucket(bucket, "tenants"))
    app.synth()
    (key,) = resources(stack, "AWS::S3::Bucket")
    arn = {"Fn::GetAtt": [key, "Arn"]}
    assert opened(stack) == [("s3:GetObject", join(arn, "/*")), ("s3:ListBucket", arn)]
    everywhere = join("arn:", PARTITION, ":s3:::*")
    assert opened(home) == [("s3:GetObject", join("arn:", PARTITION, ":s3:::*/*")), ("s3:ListBucket", everywhere)]


# Warnings.


def test_warns_of_images_that_aws_does_not_list_for_many_models(stack: Stack) -> None:
    bucket = s3.Bucket.from_bucket_name(stack, "Many", "example-tenants")
    many = MultiModelData.from_bucket(bucket, "tenants")
    listed = Container(image=XGBOOST, model_data=many)
    repository = ecr.Repository.from_repository_name(stack, "Repository", "team/model")
    own = Container(image=ContainerImage.from_ecr(repository, tag="v1"), model_data=many)
    Model(stack, "Listed", containers=[listed])
    Model(stack, "Own", containers=[own])
    assert warnings(stack) == []
    other = ContainerImage.from_framework("huggingface-llm", version="3.3.6")
    Model(stack, "Other", containers=[Container(image=other, model_data=many)])
    (warning,) = warnings(stack)
    assert "AWS does not list huggingface-llm among its images for multi-model endpoints" in warning


def test_warns_of_own_images_beside_those_of_aws(stack: Stack) -> None:
    repository = ecr.Repository.from_repository_name(stack, "Repository", "team/model")
    own = Container(image=ContainerImage.from_ecr(repository, tag="v1"))
    Model(stack, "Own", containers=[own, own])
    Model(stack, "Aws", containers=containers(2))
    assert warnings(stack) == []
    Model(stack, "Both", containers=[own, Container(image=XGBOOST)])
    (warning,) = warnings(stack)
    assert "must let sagemaker.amazonaws.com pull" in warning


# Instance types.


@pytest.mark.parametrize(
    ("image", "accepted", "refused"),
    [
        (
            XGBOOST,
            ["ml.m5.large", "ml.g5.xlarge", "ml.g4dn.xlarge", "ml.inf2.xlarge"],
            ["ml.m6g.large", "ml.c7g.large"],
        ),
        (
            ContainerImage.from_framework("xgboost", version="1.5-1", processor="arm64"),
            ["ml.m6g.large", "ml.r8g.xlarge", "ml.c6gn.large"],
            ["ml.m5.large", "ml.g5.xlarge"],
        ),
    ],
)
def test_images_run_on_their_architecture(
    stack: Stack, image: ContainerImage, accepted: list[str], refused: list[str]
) -> None:
    served = Model(stack, "Model", containers=[Container(image=image)])
    for instance_type in (*accepted, text(stack)):
        served.check_instance_type(instance_type)
    for instance_type in refused:
        with pytest.raises(ValueError, match=f"instance_type must be one for the image .*, got {instance_type}"):
            served.check_instance_type(instance_type)


def test_images_of_unknown_architecture_run_anywhere(stack: Stack) -> None:
    repository = ecr.Repository.from_repository_name(stack, "Repository", "team/model")
    served = Model(stack, "Model", containers=[Container(image=ContainerImage.from_ecr(repository, tag="v1"))])
    for instance_type in ("ml.m5.large", "ml.m6g.large"):
        served.check_instance_type(instance_type)


def test_many_models_run_where_aws_supports_them(stack: Stack) -> None:
    served = model(stack, data=MultiModelData.from_bucket(s3.Bucket.from_bucket_name(stack, "Many", "example"), "t"))
    for instance_type in ("ml.m5.large", "ml.c5d.xlarge", "ml.g4dn.16xlarge", "ml.g5.xlarge", text(stack)):
        served.check_instance_type(instance_type)
    for instance_type in ("ml.g4dn.12xlarge", "ml.g6.xlarge", "ml.p4d.24xlarge", "ml.inf2.xlarge", "ml.trn1.2xlarge"):
        with pytest.raises(
            ValueError, match=f"instance_type must be one that AWS supports for .*, got {instance_type}"
        ):
            served.check_instance_type(instance_type)


# Rules.


def test_no_rule_finds_anything(app: App) -> None:
    stack = Stack(app, "Everything")
    bucket = ArtifactBucket(
        stack, "Models", encryption_key=EncryptionKey(stack, "Key"), access_logs=LogBucket(stack, "Logs")
    )
    network = InferenceNetwork(stack, "Network")
    data: list[AnyData] = [
        MultiModelData.from_bucket(bucket, "tenants"),
        ModelDataSource.from_prefix(bucket, "llm/v1", version="v1"),
        ModelDataSource.from_jumpstart("llm/v1/", gated=True, accept_eula=True),
        ModelData.from_bucket(bucket, "v1/model.tar.gz", version="v1"),
    ]
    made = [Container(image=XGBOOST, model_data=each, hostname=f"c{number}") for number, each in enumerate(data)]
    Model(stack, "Pipeline", containers=made, network=network)
    Model(stack, "Direct", containers=made, direct_invocation=True)
    for rules in (AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks):
        assert [each.rule_name for each in rules(app).validate_scope(stack).violations] == []


def test_cloudformation_takes_the_templates() -> None:
    app = App()  # which validates what it synthesises
    stack = Stack(app, "Everything")
    bucket = s3.Bucket.from_bucket_name(stack, "Bucket", "example-models")
    every: list[AnyData] = [
        MultiModelData.from_bucket(bucket, "tenants", cache=False),
        ModelDataSource.from_prefix(bucket, "llm/v1", version="v1", accept_eula=True),
        ModelDataSource.from_object(bucket, "v1/model.bin", version="v1"),
        ModelDataSource.from_jumpstart("llm/v1/", hub_content_arn="arn:aws:sagemaker:eu-west-1:aws:hub-content/h/m/1"),
    ]
    for number, data in enumerate(every):
        Model(stack, f"Model{number}", containers=[Container(image=XGBOOST, model_data=data)])
    Model(stack, "Direct", containers=named("one", "two"), direct_invocation=True)
    app.synth()
