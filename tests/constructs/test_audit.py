"""The trail is complete, encrypted and tamper-evident, and CloudTrail may do no more than it must."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Duration, Environment, RemovalPolicy, Stack
from aws_cdk import aws_cloudtrail as cloudtrail
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Template
from cdk_nag import AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks

from ml_constructs.audit import AuditTrail
from ml_constructs.encryption import EncryptionKey
from ml_constructs.storage import ArtifactBucket, LogBucket

ENDPOINT = "arn:aws:sagemaker:eu-west-1:111122223333:endpoint/champion"
SERVICE = {"Service": "cloudtrail.amazonaws.com"}


def resources(stack: Stack, kind: str) -> dict[str, dict[str, Any]]:
    return {name: dict(found) for name, found in Template.from_stack(stack).find_resources(kind).items()}


def the_trail(stack: Stack) -> dict[str, Any]:
    (trail,) = resources(stack, "AWS::CloudTrail::Trail").values()
    return dict(trail)


def selectors(stack: Stack) -> list[dict[str, dict[str, Any]]]:
    """Every selector as its fields by name."""
    return [
        {field.pop("Field"): field for field in selector["FieldSelectors"]}
        for selector in the_trail(stack)["Properties"]["AdvancedEventSelectors"]
    ]


def names(stack: Stack, count: int) -> list[s3.IBucket]:
    return [s3.Bucket.from_bucket_name(stack, f"Data{index}", f"data-{index}") for index in range(count)]


def arn_ends(rendered: Any, end: str) -> bool:  # noqa: ANN401 - a rendered ARN is text or a join
    return str(rendered if isinstance(rendered, str) else rendered["Fn::Join"][1][-1]).endswith(end)


def test_covers_all_regions_and_is_validated_encrypted_and_delivered(stack: Stack) -> None:
    AuditTrail(stack, "Trail")
    properties = the_trail(stack)["Properties"]
    assert properties["IsLogging"] is True
    assert properties["IsMultiRegionTrail"] is True
    assert properties["IncludeGlobalServiceEvents"] is True
    assert properties["EnableLogFileValidation"] is True
    assert properties["KMSKeyId"] == {"Fn::GetAtt": ["TrailKey31F874A3", "Arn"]}
    assert properties["CloudWatchLogsLogGroupArn"] == {"Fn::GetAtt": ["TrailLogGroup4CBE3AF5", "Arn"]}
    (role,) = resources(stack, "AWS::IAM::Role")
    assert properties["CloudWatchLogsRoleArn"] == {"Fn::GetAtt": [role, "Arn"]}
    assert properties["S3BucketName"] == {"Ref": "TrailBucket6C1E344E"}
    assert "InsightSelectors" not in properties


def test_stateful_logical_ids_are_frozen(stack: Stack) -> None:
    AuditTrail(stack, "Trail")
    found = Template.from_stack(stack).to_json()["Resources"]
    frozen = {"AWS::CloudTrail::Trail", "AWS::S3::Bucket", "AWS::KMS::Key", "AWS::Logs::LogGroup"}
    assert {name for name, resource in found.items() if resource["Type"] in frozen} == {
        "Trail022F0CF2",
        "TrailBucket6C1E344E",
        "TrailAccessLogsFEE33FE3",
        "TrailKey31F874A3",
        "TrailLogGroup4CBE3AF5",
    }


def test_waits_for_what_it_needs(stack: Stack) -> None:
    AuditTrail(stack, "Trail")
    assert set(the_trail(stack)["DependsOn"]) == {
        *resources(stack, "AWS::IAM::ManagedPolicy"),
        *[name for name in resources(stack, "AWS::S3::BucketPolicy") if "TrailBucket" in name],
    }


class TestEvents:
    def test_are_those_of_management_by_default(self, stack: Stack) -> None:
        AuditTrail(stack, "Trail")
        assert selectors(stack) == [{"eventCategory": {"Equals": ["Management"]}}]

    def test_include_the_objects_of_named_buckets(self, stack: Stack) -> None:
        AuditTrail(stack, "Trail", data_buckets=names(stack, 2))
        management, objects = selectors(stack)
        assert management == {"eventCategory": {"Equals": ["Management"]}}
        assert objects["eventCategory"] == {"Equals": ["Data"]}
        assert objects["resources.type"] == {"Equals": ["AWS::S3::Object"]}
        (prefixes,) = objects["resources.ARN"].values()
        assert list(objects["resources.ARN"]) == ["StartsWith"]
        assert [arn_ends(prefix, f":s3:::data-{index}/") for index, prefix in enumerate(prefixes)] == [True, True]

    def test_include_the_streamed_invocations_of_named_endpoints(self, stack: Stack) -> None:
        AuditTrail(stack, "Trail", data_endpoints=[ENDPOINT])
        assert selectors(stack)[1] == {
            "eventCategory": {"Equals": ["Data"]},
            "resources.type": {"Equals": ["AWS::SageMaker::Endpoint"]},
            "resources.ARN": {"Equals": [ENDPOINT]},
        }

    def test_may_leave_management_to_another_trail(self, stack: Stack) -> None:
        AuditTrail(stack, "Trail", management_events=False, data_buckets=names(stack, 1))
        assert [selector["eventCategory"] for selector in selectors(stack)] == [{"Equals": ["Data"]}]

    def test_may_not_be_none(self, stack: Stack) -> None:
        with pytest.raises(ValueError, match="management_events must be True without data_buckets and data_endpoints"):
            AuditTrail(stack, "Trail", management_events=False)

    @pytest.mark.parametrize(("management", "most"), [(True, 497), (False, 498)])
    def test_select_at_most_500_values(self, stack: Stack, management: bool, most: int) -> None:  # noqa: FBT001 - a parameter
        AuditTrail(
            stack, "Most", management_events=management, data_endpoints=[f"{ENDPOINT}-{index}" for index in range(most)]
        )
        values = [value for selector in selectors(stack) for field in selector.values() for value in field.values()]
        assert sum(map(len, values)) == 500
        with pytest.raises(ValueError, match=f"between 0 and {most} members together, got {most + 1}"):
            AuditTrail(
                stack,
                "Beyond",
                management_events=management,
                data_endpoints=[f"{ENDPOINT}-{index}" for index in range(most + 1)],
            )

    def test_may_be_searched_for_the_unusual(self, stack: Stack) -> None:
        insights = [cloudtrail.InsightType.API_CALL_RATE, cloudtrail.InsightType.API_ERROR_RATE]
        AuditTrail(stack, "Trail", insights=insights)
        found = the_trail(stack)["Properties"]["InsightSelectors"]
        assert found == [{"InsightType": "ApiCallRateInsight"}, {"InsightType": "ApiErrorRateInsight"}]


class TestName:
    def test_is_a_literal_derived_from_the_path(self, stack: Stack) -> None:
        trail = AuditTrail(stack, "Trail")
        assert trail.trail_name == "Stack-Trail-FE9DBB82"
        assert the_trail(stack)["Properties"]["TrailName"] == trail.trail_name
        assert arn_ends(stack.resolve(trail.trail_arn), f":trail/{trail.trail_name}")

    def test_derived_fits_however_deep_the_path(self, app: App) -> None:
        stack = Stack(app, "Stack" + "x" * 100)
        assert len(AuditTrail(stack, "Trail" + "y" * 100).trail_name) <= 128

    @pytest.mark.parametrize("name", ["abc", "a" * 128, "Trail-1_x.y", "0-0"])
    def test_may_be_chosen(self, stack: Stack, name: str) -> None:
        assert AuditTrail(stack, "Trail", trail_name=name).trail_name == name

    @pytest.mark.parametrize("name", ["", "ab", "a" * 129, "-abc", "abc-", "a..b", "a._b", "a b", "ünï"])
    def test_is_refused_where_cloudtrail_refuses_it(self, stack: Stack, name: str) -> None:
        with pytest.raises(ValueError, match="trail_name must be 3 to 128 letters"):
            AuditTrail(stack, "Trail", trail_name=name)

    def test_must_be_known(self, stack: Stack) -> None:
        with pytest.raises(ValueError, match="trail_name must be known at synth"):
            AuditTrail(stack, "Trail", trail_name=CfnParameter(stack, "Name").value_as_string)


class TestPermissions:
    def test_the_key_admits_this_trail_and_the_log_group(self, stack: Stack) -> None:
        trail = AuditTrail(stack, "Trail")
        (key,) = resources(stack, "AWS::KMS::Key").values()
        _, encrypt, describe, log_groups = key["Properties"]["KeyPolicy"]["Statement"]
        for statement, action in ((encrypt, "kms:GenerateDataKey*"), (describe, "kms:DescribeKey")):
            assert (statement["Principal"], statement["Action"]) == (SERVICE, action)
            # What AWS documents, no more: CloudTrail refuses a trail whose key's conditions it does not meet.
            assert statement["Condition"]["StringEquals"] == {"aws:SourceArn": stack.resolve(trail.trail_arn)}
        assert encrypt["Condition"]["StringLike"] == {
            "kms:EncryptionContext:aws:cloudtrail:arn": stack.resolve(
                f"arn:{stack.partition}:cloudtrail:*:{stack.account}:trail/*"
            )
        }
        assert set(describe["Condition"]) == {"StringEquals"}
        assert list(log_groups["Condition"]) == ["ArnLike"]

    def test_the_bucket_admits_this_trail_below_this_account(self, stack: Stack) -> None:
        trail = AuditTrail(stack, "Trail")
        (policy,) = [
            found for name, found in resources(stack, "AWS::S3::BucketPolicy").items() if "TrailBucket" in name
        ]
        statements = policy["Properties"]["PolicyDocument"]["Statement"]
        acl, put = [statement for statement in statements if statement["Effect"] == "Allow"]
        assert (acl["Action"], put["Action"]) == ("s3:GetBucketAcl", "s3:PutObject")
        this_trail = {"aws:SourceArn": stack.resolve(trail.trail_arn)}
        assert {acl["Principal"]["Service"], put["Principal"]["Service"]} == {SERVICE["Service"]}
        assert acl["Condition"] == {"StringEquals": this_trail}
        assert put["Condition"] == {"StringEquals": {**this_trail, "s3:x-amz-acl": "bucket-owner-full-control"}}
        assert acl["Resource"] == {"Fn::GetAtt": ["TrailBucket6C1E344E", "Arn"]}
        assert put["Resource"]["Fn::Join"][1][1:] == ["/AWSLogs/", {"Ref": "AWS::AccountId"}, "/*"]

    def test_the_role_writes_to_this_log_group_only(self, stack: Stack) -> None:
        AuditTrail(stack, "Trail")
        ((name, role),) = resources(stack, "AWS::IAM::Role").items()
        (trust,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        assert (trust["Action"], trust["Principal"]) == ("sts:AssumeRole", SERVICE)
        (policy,) = resources(stack, "AWS::IAM::ManagedPolicy").values()
        assert policy["Properties"]["Roles"] == [{"Ref": name}]
        assert policy["Properties"]["PolicyDocument"]["Statement"] == [
            {
                "Effect": "Allow",
                "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                "Resource": {"Fn::GetAtt": ["TrailLogGroup4CBE3AF5", "Arn"]},
            }
        ]
        assert resources(stack, "AWS::IAM::Policy") == {}


class TestDestinations:
    def test_are_encrypted_with_one_key_kept_and_logged(self, stack: Stack) -> None:
        AuditTrail(stack, "Trail")
        key = {"Fn::GetAtt": ["TrailKey31F874A3", "Arn"]}
        buckets = resources(stack, "AWS::S3::Bucket")
        trail = buckets["TrailBucket6C1E344E"]["Properties"]
        (rule,) = trail["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"] == key
        assert trail["LoggingConfiguration"]["DestinationBucketName"] == {"Ref": "TrailAccessLogsFEE33FE3"}
        (group,) = resources(stack, "AWS::Logs::LogGroup").values()
        assert group["Properties"] == {"KmsKeyId": key, "RetentionInDays": 365}
        kept = [*buckets.values(), group, *resources(stack, "AWS::KMS::Key").values()]
        assert [each["DeletionPolicy"] for each in kept] == ["Retain"] * 4

    def test_are_all_destroyed_by_argument(self, stack: Stack) -> None:
        AuditTrail(stack, "Trail", removal_policy=RemovalPolicy.DESTROY)
        kinds = ("AWS::S3::Bucket", "AWS::Logs::LogGroup", "AWS::KMS::Key")
        found = [each for kind in kinds for each in resources(stack, kind).values()]
        assert [each["DeletionPolicy"] for each in found] == ["Delete"] * 4

    def test_follow_their_arguments(self, stack: Stack) -> None:
        AuditTrail(
            stack,
            "Trail",
            access_logs=s3.Bucket.from_bucket_name(stack, "Logs", "logs"),
            expire_after=Duration.days(3650),
            log_retention=logs.RetentionDays.ONE_MONTH,
            removal_policy=RemovalPolicy.DESTROY,
        )
        (bucket,) = resources(stack, "AWS::S3::Bucket").values()
        assert bucket["Properties"]["LoggingConfiguration"]["DestinationBucketName"] == "logs"
        assert bucket["Properties"]["LifecycleConfiguration"]["Rules"][0]["ExpirationInDays"] == 3650
        (group,) = resources(stack, "AWS::Logs::LogGroup").values()
        assert group["Properties"]["RetentionInDays"] == 30
        (key,) = resources(stack, "AWS::KMS::Key").values()
        assert {kept["DeletionPolicy"] for kept in (bucket, group, key)} == {"Delete"}

    def test_may_be_an_own_bucket_which_then_admits_the_trail(self, stack: Stack) -> None:
        bucket = s3.Bucket(stack, "Mine")
        trail = AuditTrail(stack, "Trail", bucket=bucket)
        assert trail.bucket is bucket
        (policy,) = resources(stack, "AWS::S3::BucketPolicy")
        assert policy in the_trail(stack)["DependsOn"]

    def test_may_be_an_imported_bucket_and_key_which_their_owners_prepared(self, stack: Stack) -> None:
        bucket = s3.Bucket.from_bucket_name(stack, "Central", "central-trails")
        key = kms.Key.from_key_arn(stack, "Key", "arn:aws:kms:eu-west-1:111122223333:key/1")
        AuditTrail(stack, "Trail", bucket=bucket, encryption_key=key)
        properties = the_trail(stack)["Properties"]
        assert properties["S3BucketName"] == "central-trails"
        assert properties["KMSKeyId"] == "arn:aws:kms:eu-west-1:111122223333:key/1"
        for kind in ("AWS::S3::Bucket", "AWS::S3::BucketPolicy", "AWS::KMS::Key"):
            assert resources(stack, kind) == {}

    def test_may_not_be_watched_themselves(self, stack: Stack) -> None:
        (bucket,) = names(stack, 1)
        with pytest.raises(ValueError, match="data_buckets must not contain bucket, because each delivery would be an"):
            AuditTrail(stack, "Trail", bucket=bucket, data_buckets=[bucket])

    @pytest.mark.parametrize("argument", ["access_logs", "expire_after"])
    def test_of_others_take_no_arguments_of_new_ones(self, stack: Stack, argument: str) -> None:
        bucket, access_logs = names(stack, 2)
        values: dict[str, Any] = {"access_logs": access_logs, "expire_after": Duration.days(1)}
        with pytest.raises(ValueError, match=f"{argument} must not be given with bucket"):
            AuditTrail(stack, "Trail", bucket=bucket, **{argument: values[argument]})

    @pytest.mark.parametrize("time", [Duration.days(0), Duration.hours(36)])
    def test_expire_after_whole_days(self, stack: Stack, time: Duration) -> None:
        with pytest.raises(ValueError, match="expire_after must be between 1 and"):
            AuditTrail(stack, "Trail", expire_after=time)

    def test_expiry_may_be_a_token(self, stack: Stack) -> None:
        days = CfnParameter(stack, "Days", type="Number").value_as_number
        AuditTrail(stack, "Trail", expire_after=Duration.days(days))
        (bucket,) = [found for name, found in resources(stack, "AWS::S3::Bucket").items() if "TrailBucket" in name]
        assert bucket["Properties"]["LifecycleConfiguration"]["Rules"][0]["ExpirationInDays"] == {"Ref": "Days"}


@pytest.mark.parametrize("region", ["us-gov-west-1", "cn-north-1"])
def test_arns_follow_the_partition(app: App, region: str) -> None:
    stack = Stack(app, "Regional", env=Environment(account="111122223333", region=region))
    AuditTrail(stack, "Trail", data_buckets=names(stack, 1))
    assert "arn:aws:" not in str(Template.from_stack(stack).to_json())


def test_a_key_of_another_stack_makes_no_cycle(app: App, stack: Stack) -> None:
    key = EncryptionKey(stack, "Key")
    access_logs = LogBucket(stack, "Logs")
    models = ArtifactBucket(stack, "Models", encryption_key=key, access_logs=access_logs)
    other = Stack(app, "Other")
    AuditTrail(other, "Trail", encryption_key=key, access_logs=access_logs, data_buckets=[models])
    app.synth()
    assert stack.dependencies == []


@pytest.mark.parametrize("checks", [AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks])
def test_has_no_findings(app: App, stack: Stack, checks: type[Any]) -> None:
    key = EncryptionKey(stack, "Key")
    access_logs = LogBucket(stack, "Logs")
    models = ArtifactBucket(stack, "Models", encryption_key=key, access_logs=access_logs)
    AuditTrail(stack, "Own")
    AuditTrail(stack, "Shared", encryption_key=key, access_logs=access_logs, data_buckets=[models])
    assert checks(app).validate_scope(stack).violations == []
