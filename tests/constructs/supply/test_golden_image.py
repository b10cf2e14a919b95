"""A golden image is patched, tested, encrypted and found; its recipe never changes under its name."""

from __future__ import annotations

import fnmatch
from typing import Any

import botocore.session  # type: ignore[import-untyped]
import pytest
from aws_cdk import App, Environment, Size, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns

from ml_constructs.supply.golden_image import MAX_COMPONENTS, VOLUME_GIB, GoldenImage
from ml_constructs.supply.image_component import ImageComponent
from tests.constructs.builders import (
    creation_order,
    number,
    only,
    properties,
    resources,
    statements,
    strings,
    synthesised,
    text,
)
from tests.constructs.supply_builders import KEY, OTHER, findings, strict

IB = "AWS::ImageBuilder"
PIPELINE, RECIPE, INFRASTRUCTURE = f"{IB}::ImagePipeline", f"{IB}::ImageRecipe", f"{IB}::InfrastructureConfiguration"
DISTRIBUTION = f"{IB}::DistributionConfiguration"
SERVICE = botocore.session.get_session().get_service_model("imagebuilder")
TOOLS = ImageComponent.from_commands("tools", build=["dnf install -y jq"])


def vpc(stack: Stack) -> ec2.IVpc:
    return ec2.Vpc.from_vpc_attributes(
        stack,
        "Vpc",
        vpc_id="vpc-0123456789abcdef0",
        availability_zones=["eu-west-1a", "eu-west-1b"],
        private_subnet_ids=["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
        isolated_subnet_ids=["subnet-0123456789abcdef2", "subnet-0123456789abcdef3"],
    )


def image(stack: Stack, **options: Any) -> GoldenImage:  # noqa: ANN401
    return GoldenImage(stack, "Hosts", vpc=vpc(stack), **{"image_name": "hosts", **options})


def recipe_of(**options: Any) -> str:  # noqa: ANN401
    stack = Stack(App(builtin_cloud_formation_validation=False), "Stack")
    image(stack, **options)
    return str(properties(stack, RECIPE)["Name"])


def key_statements(stack: Stack) -> list[dict[str, Any]]:
    return list(properties(stack, "AWS::KMS::Key")["KeyPolicy"]["Statement"])


def components(stack: Stack) -> list[str]:
    arns = [each["ComponentArn"] for each in properties(stack, RECIPE)["Components"]]
    return [arn["Fn::Join"][1][-1].split("/")[1] if "Fn::Join" in arn else arn["Fn::GetAtt"][0] for arn in arns]


def test_is_patched_first_and_tested_last(stack: Stack) -> None:
    image(stack, components=[TOOLS])
    (tools,) = resources(stack, f"{IB}::Component")
    assert components(stack) == ["update-linux", tools, "simple-boot-test-linux"]
    assert properties(stack, PIPELINE)["ImageTestsConfiguration"] == {"ImageTestsEnabled": True}


def test_begins_with_the_image_that_batch_runs(stack: Stack) -> None:
    image(stack)
    parameter = "/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id"
    assert properties(stack, RECIPE)["ParentImage"] == f"ssm:{parameter}"


def test_volumes_are_encrypted(stack: Stack) -> None:
    image(stack)
    (key,) = resources(stack, "AWS::KMS::Key")
    assert properties(stack, RECIPE)["BlockDeviceMappings"] == [
        {
            "DeviceName": "/dev/xvda",
            "Ebs": {
                "DeleteOnTermination": True,
                "Encrypted": True,
                "KmsKeyId": {"Fn::GetAtt": [key, "Arn"]},
                "VolumeSize": 30,
                "VolumeType": "gp3",
            },
        }
    ]


def test_instances_ask_for_metadata_with_tokens_in_a_private_subnet(stack: Stack) -> None:
    image(stack)
    said = properties(stack, INFRASTRUCTURE)
    assert said["InstanceMetadataOptions"] == {"HttpPutResponseHopLimit": 1, "HttpTokens": "required"}
    assert said["SubnetId"] == "subnet-0123456789abcdef0"
    assert said["TerminateInstanceOnFailure"] is True
    assert "KeyPair" not in said
    group = properties(stack, "AWS::EC2::SecurityGroup")
    assert "SecurityGroupIngress" not in group
    assert [(each["FromPort"], each["ToPort"]) for each in group["SecurityGroupEgress"]] == [(443, 443)]


def test_takes_other_subnets(stack: Stack) -> None:
    image(stack, subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED))
    assert properties(stack, INFRASTRUCTURE)["SubnetId"] == "subnet-0123456789abcdef2"


def test_builds_every_week(stack: Stack) -> None:
    image(stack)
    assert properties(stack, PIPELINE)["Schedule"] == {
        "PipelineExecutionStartCondition": "EXPRESSION_MATCH_ONLY",
        "ScheduleExpression": "cron(0 2 ? * sun *)",
        "Timezone": "UTC",
    }


def test_builds_when_it_is_told(stack: Stack) -> None:
    image(stack, schedule="rate(30 days)", time_zone="Europe/Berlin", only_when_updated=True, scan=True, update=False)
    schedule = properties(stack, PIPELINE)["Schedule"]
    assert schedule["Timezone"] == "Europe/Berlin"
    assert schedule["PipelineExecutionStartCondition"] == "EXPRESSION_MATCH_AND_DEPENDENCY_UPDATES_AVAILABLE"
    assert properties(stack, PIPELINE)["ImageScanningConfiguration"] == {"ImageScanningEnabled": True}
    assert components(stack) == ["simple-boot-test-linux"]


def test_builds_on_demand_alone(stack: Stack) -> None:
    made = image(stack, schedule=None)
    assert "Schedule" not in properties(stack, PIPELINE)
    (pipeline,) = resources(stack, PIPELINE)
    assert stack.resolve(made.pipeline_arn) == {"Fn::GetAtt": [pipeline, "Arn"]}


def test_says_where_the_newest_image_is(stack: Stack) -> None:
    """Below /imagebuilder/, where the service-linked role may write."""
    made = image(stack)
    role = iam.Role(stack, "Reader", assumed_by=iam.ServicePrincipal("batch.amazonaws.com"))
    made.grant_read(role)
    (here,) = properties(stack, DISTRIBUTION)["Distributions"]
    assert here["Region"] == {"Ref": "AWS::Region"}
    assert here["SsmParameterConfigurations"] == [{"DataType": "aws:ec2:image", "ParameterName": "/imagebuilder/hosts"}]
    assert here["AmiDistributionConfiguration"] == {"Name": "hosts-{{ imagebuilder:buildDate }}"}
    (statement,) = only(stack, "AWS::IAM::Policy")["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Resource"]["Fn::Join"][1][-1] == ":parameter/imagebuilder/hosts"


def test_is_copied_and_shared(stack: Stack) -> None:
    image(stack, copies={"eu-west-3": KEY.replace("eu-west-1", "eu-west-3")}, share_with=[OTHER])
    here, there = properties(stack, DISTRIBUTION)["Distributions"]
    assert there["Region"] == "eu-west-3"
    assert there["AmiDistributionConfiguration"]["KmsKeyId"] == KEY.replace("eu-west-1", "eu-west-3")
    for each in (here, there):
        assert each["AmiDistributionConfiguration"]["LaunchPermissionConfiguration"] == {"UserIds": [OTHER]}
    shared = [each for each in key_statements(stack) if f":iam::{OTHER}:root" in str(each["Principal"])]
    assert [each["Action"] for each in shared][-1] == "kms:CreateGrant"


def test_what_starts_hosts_may_use_the_key(stack: Stack) -> None:
    """Neither Auto Scaling nor AWS Batch starts a host from an image whose key does not admit their role."""
    image(stack)
    use, grant = (each for each in key_statements(stack) if "AutoScaling" in str(each))
    for each in (use, grant):
        assert each["Principal"] == {"AWS": "*"}
        assert each["Condition"]["StringEquals"] == {"kms:CallerAccount": {"Ref": "AWS::AccountId"}}
        arns = each["Condition"]["ArnEquals"]["aws:PrincipalArn"]
        assert [arn["Fn::Join"][1][-1].rsplit("/", 1)[1] for arn in arns] == [
            "AWSServiceRoleForAutoScaling",
            "AWSServiceRoleForEC2Fleet",
            "AWSServiceRoleForEC2Spot",
            "AWSServiceRoleForEC2SpotFleet",
        ]
    assert grant["Condition"]["Bool"] == {"kms:GrantIsForAWSResource": "true"}


def test_notifies_an_encrypted_topic(stack: Stack) -> None:
    image(stack)
    (topic,), (key,) = resources(stack, "AWS::SNS::Topic"), resources(stack, "AWS::KMS::Key")
    assert properties(stack, INFRASTRUCTURE)["SnsTopicArn"] == {"Ref": topic}
    assert properties(stack, "AWS::SNS::Topic")["KmsMasterKeyId"] == {"Fn::GetAtt": [key, "Arn"]}
    (builder,) = (each for each in key_statements(stack) if "AWSServiceRoleForImageBuilder" in str(each))
    assert builder["Action"] == ["kms:Decrypt", "kms:GenerateDataKey*"]


def test_no_key_policy_names_a_role_that_may_not_exist(stack: Stack) -> None:
    """KMS refuses such a policy, and a service-linked role exists only once its service was used."""
    image(stack)
    assert not any("aws-service-role" in str(each["Principal"]) for each in key_statements(stack))


def test_takes_a_topic_and_a_key(stack: Stack) -> None:
    topic = sns.Topic.from_topic_arn(stack, "Topic", "arn:aws:sns:eu-west-1:111122223333:images")
    image(stack, topic=topic, encryption_key=kms.Key.from_key_arn(stack, "Key", KEY))
    assert properties(stack, INFRASTRUCTURE)["SnsTopicArn"] == "arn:aws:sns:eu-west-1:111122223333:images"
    assert not resources(stack, "AWS::KMS::Key")
    assert not resources(stack, "AWS::SNS::Topic")


def test_logs_are_encrypted_and_end(stack: Stack) -> None:
    image(stack)
    groups = resources(stack, "AWS::Logs::LogGroup")
    assert {each["Properties"]["LogGroupName"] for each in groups.values()} == {
        "/aws/imagebuilder/hosts",
        "/aws/imagebuilder/pipeline/hosts",
    }
    assert all("KmsKeyId" in each["Properties"] for each in groups.values())
    assert all(each["Properties"]["RetentionInDays"] == 365 for each in groups.values())
    named = properties(stack, PIPELINE)["LoggingConfiguration"]
    assert {named["ImageLogGroupName"]["Ref"], named["PipelineLogGroupName"]["Ref"]} == set(groups)


def test_build_instances_may_do_what_a_build_takes(stack: Stack) -> None:
    image(stack, components=[TOOLS])
    allowed = {
        action: each["Resource"]
        for each in statements(only(stack, "AWS::IAM::ManagedPolicy"))
        for action in each["Action"]
    }
    assert not any(fnmatch.fnmatch("ssm:GetParameter", action) for action in allowed)
    assert len(allowed["imagebuilder:GetComponent"]) == 3
    buckets = [each["Fn::Join"][1] for each in allowed["s3:GetObject"]]
    assert all("ec2imagebuilder-" in str(each) and "-prod/*" in str(each) for each in buckets)
    (trust,) = properties(stack, "AWS::IAM::Role")["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "ec2.amazonaws.com"}
    assert "ManagedPolicyArns" not in properties(stack, "AWS::IAM::Role")


# What CloudFormation does.


def test_other_content_is_another_recipe() -> None:
    """Image Builder refuses a second recipe of one name and version, and CloudFormation makes the new one first."""
    first = recipe_of()
    others = [
        recipe_of(components=[TOOLS]),
        recipe_of(components=[ImageComponent.from_commands("tools", build=["true"])]),
        recipe_of(volume_size=Size.gibibytes(31)),
        recipe_of(parent_image="ami-0123456789abcdef0"),
        recipe_of(root_device="/dev/sda1"),
        recipe_of(update=False),
    ]
    assert first == recipe_of() == recipe_of(schedule=None, share_with=[OTHER])
    assert len({first, *others}) == 7
    assert len(first) <= 128


def test_other_commands_are_another_component_and_recipe() -> None:
    def names(command: str) -> tuple[str, str]:
        stack = Stack(App(builtin_cloud_formation_validation=False), "Stack")
        image(stack, components=[ImageComponent.from_commands("tools", build=[command])])
        return properties(stack, f"{IB}::Component")["Name"], properties(stack, RECIPE)["Name"]

    (component, recipe), (other_component, other_recipe) = names("true"), names("false")
    assert component != other_component
    assert recipe != other_recipe


def test_an_instance_can_report_from_the_beginning(stack: Stack) -> None:
    image(stack)
    order = creation_order(synthesised(stack))
    (policy,), (infrastructure,) = resources(stack, "AWS::IAM::ManagedPolicy"), resources(stack, INFRASTRUCTURE)
    assert order.index(policy) < order.index(infrastructure)


# Limits.


def test_limits_are_those_of_the_service() -> None:
    assert SERVICE.shape_for("EbsVolumeSizeInteger").metadata == {"min": VOLUME_GIB[0], "max": VOLUME_GIB[1]}


def many(count: int) -> list[ImageComponent]:
    return [ImageComponent.from_commands(f"c{index}", build=["true"]) for index in range(count)]


def test_components_up_to_the_edge(stack: Stack) -> None:
    image(stack, components=many(MAX_COMPONENTS - 2))
    assert len(properties(stack, RECIPE)["Components"]) == 20
    other = Stack(App(builtin_cloud_formation_validation=False), "Other")
    image(other, components=many(MAX_COMPONENTS - 1), update=False)
    assert len(properties(other, RECIPE)["Components"]) == 20


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"components": many(19)}, "components must have between 0 and 18 members, got 19"),
    ({"components": [TOOLS, TOOLS]}, "components must have names of their own, got update-linux, tools, tools"),
    ({"volume_size": Size.gibibytes(16_001)}, "volume_size must be between 1 and 16,000 GiB, got 16001"),
    ({"volume_size": Size.mebibytes(1536)}, "volume_size must be a whole number between 1 and 16,000, got 1.5"),
    ({"parent_image": "amazon-linux"}, "parent_image must be ami-.*, got 'amazon-linux'"),
    ({"root_device": "xvda"}, "root_device must be a device such as /dev/xvda, got 'xvda'"),
    ({"schedule": "0 2 ? * sun *"}, "schedule must be cron.*, got '0 2"),
    ({"schedule": "cron(0 2 *)"}, "schedule must be cron.*, got 'cron"),
    ({"time_zone": "+02:00"}, r"time_zone must be a time zone such as Europe/Berlin, got '\+02:00'"),
    ({"image_name": "a" * 51}, "image_name must be 2 to 50 lower-case letters.*, got 'aaa"),
    ({"image_name": "a"}, "image_name must be 2 to 50 lower-case letters.*, got 'a'"),
    ({"instance_types": []}, "instance_types must have between 1 and 1,000 members, got 0"),
    ({"instance_types": ["large"]}, "instance_types must be EC2 instance types such as m6i.large, got 'large'"),
    ({"share_with": ["1"]}, "share_with must be account ids of 12 digits, got '1'"),
    ({"copies": {"here": KEY}}, "copies must be regions, .*, got 'here'"),
    ({"copies": {"eu-west-3": "key"}}, r"copies\['eu-west-3'\] must be the ARN of a KMS key, got 'key'"),
]


@pytest.mark.parametrize(("options", "problem"), REFUSED)
def test_refuses_what_is_out_of_range(stack: Stack, options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=f"^{problem}"):
        image(stack, **options)


@pytest.mark.parametrize(
    "parent",
    [
        "ami-01234567",
        "ssm:/aws/service/ecs/optimized-ami/amazon-linux-2023/gpu/recommended/image_id",
        "arn:aws:imagebuilder:eu-west-1:aws:image/amazon-linux-2023-x86/x.x.x",
        "prod-abcdefghijklm",
    ],
)
def test_begins_with_any_image(stack: Stack, parent: str) -> None:
    image(stack, parent_image=parent, volume_size=Size.gibibytes(16_000), image_name="a" * 50)
    assert properties(stack, RECIPE)["ParentImage"] == parent


def test_tokens_pass(stack: Stack) -> None:
    token = text(stack)
    image(
        stack,
        parent_image=token,
        schedule=token,
        time_zone=token,
        instance_types=[token],
        share_with=[token],
        volume_size=Size.gibibytes(number(stack)),
    )
    assert properties(stack, RECIPE)["ParentImage"] == {"Ref": "Text"}
    assert properties(stack, RECIPE)["BlockDeviceMappings"][0]["Ebs"]["VolumeSize"] == {"Ref": "Number"}
    assert properties(stack, PIPELINE)["Schedule"]["ScheduleExpression"] == {"Ref": "Text"}


def test_is_named_by_its_path(stack: Stack) -> None:
    made = GoldenImage(stack, "Hosts", vpc=vpc(stack))
    assert made.image_name.startswith("stack-hosts-")
    assert made.parameter_name == f"/imagebuilder/{made.image_name}"


@pytest.mark.parametrize("region", ["eu-west-1", "cn-north-1", "us-gov-west-1"])
def test_works_in_every_partition(app: App, region: str) -> None:
    stack = Stack(app, "Stack", env=Environment(account="111122223333", region=region))
    image(stack)
    template = synthesised(stack)
    arn = template["Resources"][next(iter(resources(stack, RECIPE)))]["Properties"]["Components"][0]["ComponentArn"]
    assert arn["Fn::Join"][1] == [
        "arn:",
        {"Ref": "AWS::Partition"},
        f":imagebuilder:{region}:aws:component/update-linux/x.x.x",
    ]
    assert not any(each.startswith("arn:aws:") for each in strings(template))


def test_cloudformation_and_the_rules_have_nothing_to_say() -> None:
    app, stack = strict()
    image(stack, components=[TOOLS], share_with=[OTHER])
    app.synth()
    assert findings(app, stack, below="Strict") == []


@pytest.mark.parametrize("instance_type", ["m7g.large", "c7gn.large", "t4g.small", "a1.large", "im4gn.large"])
def test_graviton_does_not_build_the_default_parent(instance_type: str) -> None:
    stack = Stack(App(), "Stack")
    with pytest.raises(ValueError, match=f"^instance_types must be .* of parent_image, .*, got '{instance_type}'"):
        image(stack, instance_types=["m6i.large", instance_type])
    arm = "ssm:/aws/service/ecs/optimized-ami/amazon-linux-2023/arm64/recommended/image_id"
    image(Stack(App(), "Arm"), instance_types=[instance_type], parent_image=arm)


@pytest.mark.parametrize("instance_type", ["m6i.large", "g4dn.xlarge", "g5.xlarge", "p4de.24xlarge", "trn1.2xlarge"])
def test_other_processors_build_the_default_parent(instance_type: str) -> None:
    image(Stack(App(), "Stack"), instance_types=[instance_type])


def test_a_network_without_a_way_out_must_name_its_subnets() -> None:
    stack = Stack(App(), "Stack")
    isolated = ec2.SubnetConfiguration(name="alone", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
    network = ec2.Vpc(stack, "Isolated", subnet_configuration=[isolated])
    with pytest.raises(ValueError, match=r"^subnets must name some of the VPC; .* got .*'Private'"):
        GoldenImage(stack, "Hosts", vpc=network)
    nowhere = ec2.SubnetSelection(availability_zones=["eu-west-1z"], subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS)
    with pytest.raises(ValueError, match=r"^subnets must name some of the VPC; .* got none"):
        image(Stack(App(), "Other"), subnets=nowhere)
