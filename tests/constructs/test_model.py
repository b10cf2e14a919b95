from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, NestedStack, Stack
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from ml_constructs.encryption import EncryptionKey
from ml_constructs.images import ContainerImage
from ml_constructs.model import MAX_ENVIRONMENT_ENTRY, MAX_ENVIRONMENT_TOTAL, Container, Model
from ml_constructs.model_data import ModelData
from ml_constructs.network import InferenceNetwork
from ml_constructs.permissions import Permission
from ml_constructs.storage import ArtifactBucket
from tests.constructs.builders import (
    XGBOOST,
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


def environment(**variables: str) -> dict[str, str]:
    return dict(Container(image=XGBOOST, environment=variables).environment)


@pytest.mark.parametrize("hostname", ["a", "0-a", "a" * 63])
def test_accepts_hostnames(hostname: str) -> None:
    assert Container(image=XGBOOST, hostname=hostname).hostname == hostname


@pytest.mark.parametrize("hostname", ["", "-a", "a-", "a.b", "a" * 64, "a" + "-" * 62 + "b"])
def test_refuses_hostnames(hostname: str) -> None:
    with pytest.raises(ValueError, match=f"hostname must be at most 63 letters, .*, got '{hostname}'"):
        Container(image=XGBOOST, hostname=hostname)


@pytest.mark.parametrize("name", ["", "1A", "A-B", "A B", "A.B", "Ä", "A٣"])
def test_refuses_names_of_environment_variables(name: str) -> None:
    with pytest.raises(ValueError, match=f"environment must be named with letters, .*, got '{name}'"):
        Container(image=XGBOOST, environment={name: "x"})


def test_takes_a_hundred_environment_variables() -> None:
    hundred = {f"N{index}": "" for index in range(100)}
    assert len(environment(**hundred)) == 100
    with pytest.raises(ValueError, match="environment must have between 0 and 100 members, got 101"):
        environment(**hundred, One="")


def test_environment_entries_at_and_beyond_the_edge() -> None:
    edge = MAX_ENVIRONMENT_ENTRY
    environment(**{"N" * edge: "v" * edge})
    environment(N="ä" * (edge // 2))
    for name, value in (("N" * (edge + 1), ""), ("N", "v" * (edge + 1)), ("N", "ä" * (edge // 2) + "v")):
        with pytest.raises(ValueError, match="environment must have .* at most 1,024 bytes, got 1,025 bytes in 'N+'"):  # noqa: RUF043
            environment(**{name: value})


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


@pytest.mark.parametrize("count", [0, 2])
def test_takes_one_container(stack: Stack, count: int) -> None:
    with pytest.raises(ValueError, match=f"containers must have exactly 1 member, got {count}"):
        Model(stack, "Model", containers=[Container(image=XGBOOST)] * count)


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
