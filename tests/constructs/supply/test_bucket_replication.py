"""What comes into a bucket comes into others, under their keys, by a role that can do nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Environment, Stack, Validations
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Template
from cdk_nag import AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks

from ml_constructs.encryption import EncryptionKey
from ml_constructs.storage import ArtifactBucket, LogBucket
from ml_constructs.supply.bucket_replication import BucketReplication
from tests.constructs.front_ends.helpers import assert_acyclic, literal_partitions, one, resources
from tests.constructs.refusals import refusals

KEY = "arn:aws:kms:eu-west-1:111122223333:key/00000000-0000-0000-0000-000000000000"


def models(stack: Stack, name: str = "Models") -> ArtifactBucket:
    key = EncryptionKey(stack, f"{name}Key")
    return ArtifactBucket(stack, name, encryption_key=key, access_logs=LogBucket(stack, f"{name}Logs"))


def regional(app: App, name: str, region: str) -> Stack:
    return Stack(app, name, env=Environment(account="111122223333", region=region))


@pytest.fixture
def main(app: App) -> Stack:
    return regional(app, "Main", "us-east-1")


@pytest.fixture
def standby(app: App) -> Stack:
    return regional(app, "Standby", "eu-west-1")


def imported(stack: Stack, name: str = "copies", account: str | None = None) -> s3.IBucket:
    key = kms.Key.from_key_arn(stack, f"{name}-key", KEY)
    return s3.Bucket.from_bucket_attributes(stack, name, bucket_name=name, encryption_key=key, account=account)


def rules(stack: Stack) -> list[dict[str, Any]]:
    (found,) = (
        each["Properties"]["ReplicationConfiguration"]
        for each in resources(stack, "AWS::S3::Bucket").values()
        if "ReplicationConfiguration" in each["Properties"]
    )
    return list(found["Rules"])


def statements(stack: Stack) -> list[dict[str, Any]]:
    return list(one(stack, "AWS::IAM::ManagedPolicy")["Properties"]["PolicyDocument"]["Statement"])


def test_copies_everything_to_another_region_within_15_minutes(main: Stack, standby: Stack) -> None:
    BucketReplication(main, "Copies", source=models(main), destinations=[models(standby)])
    (rule,) = rules(main)
    assert rule["Status"] == "Enabled"
    assert rule["Filter"] == {"Prefix": ""}
    assert rule["DeleteMarkerReplication"] == {"Status": "Disabled"}
    assert rule["SourceSelectionCriteria"] == {"SseKmsEncryptedObjects": {"Status": "Enabled"}}
    time = {"Minutes": 15}
    assert rule["Destination"]["ReplicationTime"] == {"Status": "Enabled", "Time": time}
    assert rule["Destination"]["Metrics"] == {"Status": "Enabled", "EventThreshold": time}
    bucket = rule["Destination"]["Bucket"]["Fn::GetStackOutput"]
    key = rule["Destination"]["EncryptionConfiguration"]["ReplicaKmsKeyID"]["Fn::GetStackOutput"]
    outputs = Template.from_stack(standby).to_json()["Outputs"]
    kinds = Template.from_stack(standby).to_json()["Resources"]
    for asked, kind in ((bucket, "AWS::S3::Bucket"), (key, "AWS::KMS::Key")):
        assert (asked["StackName"], asked["Region"]) == ("Standby", "eu-west-1")
        logical_id, attribute = outputs[asked["OutputName"]]["Value"]["Fn::GetAtt"]
        assert (kinds[logical_id]["Type"], attribute) == (kind, "Arn")
    assert main.dependencies == [standby]
    assert_acyclic(main)


def test_role_reads_the_one_bucket_and_writes_the_other(stack: Stack) -> None:
    source = models(stack)
    BucketReplication(stack, "Copies", source=source, destinations=[imported(stack)], prefix="models/")
    arn = stack.resolve(source.bucket_arn)
    objects = {"Fn::Join": ["", [arn, "/models/*"]]}
    copies = {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":s3:::copies"]]}
    copied = {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":s3:::copies/models/*"]]}
    configuration, read, decrypt, write, encrypt = statements(stack)
    assert (configuration["Action"], configuration["Resource"]) == (
        ["s3:GetReplicationConfiguration", "s3:ListBucket"],
        arn,
    )
    assert (read["Action"], read["Resource"]) == (
        ["s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging"],
        objects,
    )
    assert (decrypt["Action"], decrypt["Condition"]["ArnLike"]) == (
        "kms:Decrypt",
        {"kms:EncryptionContext:aws:s3:arn": [arn, objects]},
    )
    assert (write["Action"], write["Resource"]) == (["s3:ReplicateObject", "s3:ReplicateTags"], copied)
    assert encrypt["Action"] == ["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey"]
    assert encrypt["Resource"] == KEY
    assert encrypt["Condition"] == {
        "StringEquals": {"kms:ViaService": {"Fn::Join": ["", ["s3.eu-west-1.", {"Ref": "AWS::URLSuffix"}]]}},
        "ArnLike": {"kms:EncryptionContext:aws:s3:arn": [copies, copied]},
    }
    trust = one(stack, "AWS::IAM::Role")["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert [each["Principal"] for each in trust] == [{"Service": "s3.amazonaws.com"}]
    assert [each["Filter"] for each in rules(stack)] == [{"Prefix": "models/"}]


def test_source_may_be_without_a_key(stack: Stack) -> None:
    source = s3.Bucket(stack, "Plain", versioned=True)
    BucketReplication(stack, "Copies", source=source, destinations=[imported(stack)], time_control=False)
    assert len(statements(stack)) == 4
    (rule,) = rules(stack)
    assert "ReplicationTime" not in rule["Destination"]
    assert rule["Destination"]["Metrics"] == {"Status": "Enabled"}


def test_every_destination_has_a_rule_of_its_own(stack: Stack) -> None:
    both = [imported(stack, "one"), imported(stack, "two")]
    replication = BucketReplication(stack, "Copies", source=models(stack), destinations=both)
    assert [(rule["Id"], rule["Priority"]) for rule in rules(stack)] == [("replica-1", 1), ("replica-2", 2)]
    metric = replication.metric_replication_latency(destination=both[1])
    assert metric.dimensions is not None
    assert (metric.dimensions["RuleId"], metric.dimensions["DestinationBucket"]) == ("replica-2", "two")
    with pytest.raises(ValueError, match="destination must be one of 2, got None"):
        replication.metric_operations_failed_replication()
    with pytest.raises(ValueError, match="destination must be one of this replication, got another"):
        replication.metric("ReplicationLatency", destination=imported(stack, "three"))


@pytest.mark.parametrize(
    ("method", "name", "statistic"),
    [
        ("metric_replication_latency", "ReplicationLatency", "Maximum"),
        ("metric_operations_pending_replication", "OperationsPendingReplication", "Maximum"),
        ("metric_bytes_pending_replication", "BytesPendingReplication", "Maximum"),
        ("metric_operations_failed_replication", "OperationsFailedReplication", "Sum"),
    ],
)
def test_metrics_have_their_official_names(stack: Stack, method: str, name: str, statistic: str) -> None:
    replication = BucketReplication(stack, "Copies", source=models(stack), destinations=[imported(stack)])
    metric = getattr(replication, method)()
    assert (metric.namespace, metric.metric_name, metric.statistic) == ("AWS/S3", name, statistic)
    assert set(metric.dimensions) == {"SourceBucket", "DestinationBucket", "RuleId"}


def test_metric_names_a_bucket_of_another_region(main: Stack, standby: Stack) -> None:
    replication = BucketReplication(main, "Copies", source=models(main), destinations=[models(standby)])
    dimensions = replication.metric_operations_failed_replication().dimensions
    assert dimensions is not None
    assert "Fn::GetStackOutput" in json.dumps(main.resolve(dimensions["DestinationBucket"]))


def test_prefix_may_be_a_token(stack: Stack) -> None:
    prefix = CfnParameter(stack, "Prefix").value_as_string
    BucketReplication(stack, "Copies", source=models(stack), destinations=[imported(stack)], prefix=prefix)
    assert [rule["Filter"] for rule in rules(stack)] == [{"Prefix": {"Ref": "Prefix"}}]


def test_prefix_is_limited(stack: Stack) -> None:
    source, copies = models(stack), imported(stack)
    with pytest.raises(ValueError, match=r"prefix must be at most 1,024 characters"):
        BucketReplication(stack, "Long", source=source, destinations=[copies], prefix="a" * 1025)
    BucketReplication(stack, "Copies", source=source, destinations=[copies], prefix="a" * 1024)


def test_fails_for_a_bucket_without_versions(main: Stack, standby: Stack) -> None:
    key = EncryptionKey(standby, "Key")
    with pytest.raises(ValueError, match="source must be versioned, got 'Main/Plain'"):
        BucketReplication(main, "A", source=s3.Bucket(main, "Plain"), destinations=[models(standby)])
    plain = s3.Bucket(standby, "Plain", encryption_key=key)
    with pytest.raises(ValueError, match="destinations must be versioned, got 'Standby/Plain'"):
        BucketReplication(main, "B", source=models(main), destinations=[plain])


def test_fails_for_a_source_replicated_already_or_elsewhere(main: Stack, standby: Stack) -> None:
    source, copies = models(main), models(standby)
    BucketReplication(main, "Copies", source=source, destinations=[copies])
    with pytest.raises(ValueError, match="source must not be replicated already, name all destinations at once"):
        BucketReplication(main, "Again", source=source, destinations=[copies])
    with pytest.raises(ValueError, match="source must be of the stack of its replication, got 'Standby/Models'"):
        BucketReplication(main, "Elsewhere", source=copies, destinations=[source])


def test_fails_for_a_destination_that_cannot_be_one(main: Stack) -> None:
    source = models(main)
    named = s3.Bucket.from_bucket_name(main, "named", "named")
    with pytest.raises(ValueError, match=r"destinations must be encrypted with a KMS key, .* got 'Main/named' without"):
        BucketReplication(main, "A", source=source, destinations=[named])
    with pytest.raises(ValueError, match="destinations must not include the source"):
        BucketReplication(main, "B", source=source, destinations=[source])
    copies = imported(main)
    with pytest.raises(ValueError, match="destinations must differ, got Main/copies, Main/copies"):
        BucketReplication(main, "C", source=source, destinations=[copies, copies])
    with pytest.raises(ValueError, match="destinations must have between 1 and 1,000 members, got 0"):
        BucketReplication(main, "D", source=source, destinations=[])
    foreign = imported(main, "foreign", account="444455556666")
    with pytest.raises(ValueError, match="destinations must be in the account of the source, 111122223333"):
        BucketReplication(main, "E", source=source, destinations=[foreign])
    alien = models(regional(App(), "Alien", "eu-west-1"))
    with pytest.raises(ValueError, match="destinations must be of the app of what uses it"):
        BucketReplication(main, "F", source=source, destinations=[alien])


@pytest.mark.parametrize(
    ("argument", "values"),
    [
        ("source", (None, "x", 5)),
        ("destinations", (None, "x", [None], [5])),
        ("prefix", (None, 5)),
        ("time_control", (None, "yes", 1)),
    ],
)
def test_refuses_bad_types(argument: str, values: tuple[object, ...]) -> None:
    def call(stack: Stack, bad: dict[str, Any]) -> object:
        valid: dict[str, Any] = {"source": models(stack), "destinations": [imported(stack)]}
        return BucketReplication(stack, "Copies", **(valid | bad))

    assert len(list(refusals(call, argument, values))) == len(values)


def test_names_no_partition(app: App) -> None:
    main, standby = regional(app, "M", "cn-north-1"), regional(app, "S", "cn-northwest-1")
    BucketReplication(main, "Copies", source=models(main), destinations=[models(standby)])
    assert literal_partitions(main) == []


def test_has_no_findings_before_or_after_references_are_known(app: App, main: Stack, standby: Stack) -> None:
    BucketReplication(main, "Copies", source=models(main), destinations=[models(standby)])
    packs = [each(app) for each in (AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks)]
    assert [pack.validate_scope(main).violations for pack in packs] == [[], [], []]
    Validations.of(app).add_plugins(*packs)
    app.synth()
