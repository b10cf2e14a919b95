from __future__ import annotations

import pytest
from aws_cdk import App, Aws, CfnParameter, Fn, NestedStack, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from cdk_nag import AwsSolutionsChecks

from ml_constructs.permissions import Permission, allow, allow_exactly
from tests.constructs.builders import creation_order, only, properties, resources, statements, synthesised

POLICY = "AWS::IAM::ManagedPolicy"


def a_role(stack: Stack) -> iam.Role:
    return iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"))


def test_a_permission_is_a_statement(stack: Stack) -> None:
    permission = Permission(
        actions=["s3:GetObject"],
        resources=["arn:aws:s3:::example-models/a"],
        conditions={"StringEquals": {"aws:SourceAccount": "111122223333"}},
    )
    expected = {
        "Effect": "Allow",
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::example-models/a",
        "Condition": {"StringEquals": {"aws:SourceAccount": "111122223333"}},
    }
    assert stack.resolve(permission.statement().to_statement_json()) == expected
    assert permission.document() == {**expected, "Action": ["s3:GetObject"], "Resource": [expected["Resource"]]}


def test_allow_attaches_a_managed_policy(stack: Stack) -> None:
    role = a_role(stack)
    allow(stack, "Policy", role, [Permission(actions=["s3:GetObject"], resources=["arn:aws:s3:::example-models/a"])])
    assert properties(stack, POLICY)["Roles"] == [stack.resolve(role.role_name)]
    assert not resources(stack, "AWS::IAM::Policy")


def test_allow_exactly_attaches_a_managed_policy_of_these_statements_alone(app: App, stack: Stack) -> None:
    role = a_role(stack)
    permissions = [
        Permission(actions=["s3:GetObject"], resources=["arn:aws:s3:::example-models/*"], wildcard="Chosen by S3."),
        Permission(actions=["s3:ListBucket"], resources=["arn:aws:s3:::example-models"]),
    ]
    allow_exactly(stack, "Policy", role.role_name, permissions)
    found = properties(stack, POLICY)
    assert found["Roles"] == [stack.resolve(role.role_name)]
    assert found["PolicyDocument"] == {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::example-models/*"]},
            {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": ["arn:aws:s3:::example-models"]},
        ],
    }
    assert findings(app, stack) == []


def test_the_policy_lives_where_it_is_needed(app: App, stack: Stack) -> None:
    home = Stack(app, "Home")
    bucket = s3.Bucket(stack, "Bucket")
    permission = Permission(actions=["s3:GetObject"], resources=[bucket.arn_for_objects("a")])
    allow(stack, "Policy", a_role(home), [permission])
    app.synth()
    assert len(statements(only(stack, POLICY))) == 1
    assert not resources(home, POLICY)
    creation_order(synthesised(stack))


def findings(app: App, stack: Stack) -> list[str]:
    return [each.rule_name for each in AwsSolutionsChecks(app).validate_scope(stack).violations]


def test_a_wildcard_without_a_reason_is_a_finding(app: App, stack: Stack) -> None:
    allow(stack, "Policy", a_role(stack), [Permission(actions=["s3:GetObject"], resources=["*"])])
    assert findings(app, stack) == ["AwsSolutions-IAM5[Resource::*]"]


WILDCARDS = ["star", "pseudo", "attribute", "reference", "sub", "select", "several", "import"]


@pytest.mark.parametrize("kind", WILDCARDS)
def test_a_reason_acknowledges_its_wildcard_and_no_other(app: App, stack: Stack, kind: str) -> None:
    bucket = s3.CfnBucket(stack, "Bucket")
    wild = {
        "star": ["*"],
        "pseudo": [f"arn:{Aws.PARTITION}:ec2:{Aws.REGION}:{Aws.ACCOUNT_ID}:network-interface/*"],
        "attribute": [f"{bucket.attr_arn}/capture/*"],
        "reference": [f"arn:{Aws.PARTITION}:s3:::{CfnParameter(stack, 'Name').value_as_string}/*"],
        "sub": [Fn.sub("arn:${AWS::Partition}:s3:::example-${AWS::Region}/*")],
        "select": [f"{Fn.select(0, Fn.split('/', CfnParameter(stack, 'List').value_as_string))}/*"],
        "several": ["arn:aws:s3:::example-models/*", "arn:aws:s3:::example-capture/*", "arn:aws:s3:::example/one"],
        "import": [f"{Fn.import_value('Arn')}/*"],
    }[kind]
    role = a_role(stack)
    allow(stack, "Reasoned", role, [Permission(actions=["s3:GetObject"], resources=wild, wildcard="Chosen by S3.")])
    assert [rule for rule in findings(app, stack) if "IAM5" in rule] == []
    allow(stack, "Bare", role, [Permission(actions=["s3:GetObject"], resources=["arn:aws:s3:::example-other/*"])])
    assert [rule for rule in findings(app, stack) if "IAM5" in rule] == [
        "AwsSolutions-IAM5[Resource::arn:aws:s3:::example-other/*]"
    ]


def test_in_a_nested_stack(app: App, stack: Stack) -> None:
    nested = NestedStack(stack, "Nested")
    bucket = s3.CfnBucket(nested, "Bucket")
    wild = Permission(actions=["s3:GetObject"], resources=[f"{bucket.attr_arn}/*"], wildcard="Chosen by S3.")
    allow(nested, "Policy", a_role(stack), [wild])
    assert [rule for rule in findings(app, nested) if "IAM5" in rule] == []
    app.synth()
    assert properties(nested, POLICY)["Roles"] == [{"Ref": next(iter(synthesised(nested)["Parameters"]))}]
