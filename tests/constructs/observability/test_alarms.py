"""On-call hears of what callers notice, in units they read, once for each cause, and over a channel only alarms use."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Duration, Environment, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Annotations, Match, Template
from cdk_nag import AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks

from ml_constructs.encryption import EncryptionKey
from ml_constructs.endpoint_config.instance_variant import InstanceVariant
from ml_constructs.endpoints.deployment import Deployment
from ml_constructs.endpoints.endpoint import Endpoint
from ml_constructs.interfaces.endpoint import IEndpoint
from ml_constructs.models.model import Model
from ml_constructs.observability.alarm_thresholds import AlarmThresholds
from ml_constructs.observability.alarms import EndpointAlarms

OFF: dict[str, Any] = dict.fromkeys(AlarmThresholds.__dataclass_fields__, None)
REQUESTS = ["errors", "client-errors", "model-latency", "overhead-latency"]
INSTANCES = ["cpu", "memory", "disk"]


def variant(name: str = "champion", instance_type: str = "ml.m5.xlarge", **options: Any) -> InstanceVariant:  # noqa: ANN401
    return InstanceVariant(
        name=name, model=Model.from_model_name(f"{name[:57]}-model"), instance_type=instance_type, **options
    )


def owned(stack: Stack, *variants: InstanceVariant, **options: Any) -> Endpoint:  # noqa: ANN401
    return Endpoint(stack, "Endpoint", variants=variants or [variant()], endpoint_name="live", **options)


def imported(stack: Stack, *variants: str) -> IEndpoint:
    return Endpoint.from_endpoint_name(stack, "Imported", "live", variant_names=variants)


def limits(**options: Any) -> AlarmThresholds:  # noqa: ANN401
    return AlarmThresholds(**options)


def properties(stack: Stack, kind: str) -> list[dict[str, Any]]:
    return [each["Properties"] for each in Template.from_stack(stack).find_resources(kind).values()]


def alarms(stack: Stack) -> dict[str, dict[str, Any]]:
    """The properties of each alarm by its name without the endpoint's."""
    every = properties(stack, "AWS::CloudWatch::Alarm")
    return {each["AlarmName"].removeprefix("live-"): each for each in every}


def sources(alarm: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The metrics of an alarm's expression by id, and the expressions."""
    return {each["Id"]: each.get("MetricStat", each) for each in alarm["Metrics"]}


def result(alarm: dict[str, Any]) -> str:
    (returned,) = [each["Expression"] for each in alarm["Metrics"] if each.get("ReturnData")]
    return str(returned)


def test_watches_each_variant_under_a_name_that_says_what(stack: Stack) -> None:
    endpoint = owned(stack, variant(), variant("challenger"))
    made = EndpointAlarms(stack, "Alarms", endpoint=endpoint)
    expected = {f"{name}-{what}" for name in ("champion", "challenger") for what in (*REQUESTS, *INSTANCES)}
    rollback = {f"{name}-rollback-{what}" for name in ("champion", "challenger") for what in ("5xx", "latency")}
    assert set(alarms(stack)) == expected | rollback
    assert len(made.alarms) == len(expected)


def test_every_name_and_description_fits(stack: Stack) -> None:
    longest = "a" * 63
    endpoint = Endpoint(stack, "Endpoint", variants=[variant(longest)], endpoint_name="b" * 63)
    endpoint.auto_scale(max_capacity=4)
    EndpointAlarms(stack, "Alarms", endpoint=endpoint, thresholds=AlarmThresholds(no_traffic=Duration.hours(1)))
    every = properties(stack, "AWS::CloudWatch::Alarm")
    assert len(every) == 11
    assert max(len(each["AlarmName"]) for each in every) <= 255
    assert max(len(each["AlarmDescription"]) for each in every) <= 1024


def test_descriptions_say_what_to_look_at_first(stack: Stack) -> None:
    EndpointAlarms(stack, "Alarms", endpoint=imported(stack, "champion"))
    descriptions = [each["AlarmDescription"] for each in alarms(stack).values()]
    assert all(text.startswith("Endpoint live, variant champion: ") for text in descriptions)
    assert all("Look first" in text for text in descriptions)


def test_nothing_is_warned_of(stack: Stack) -> None:
    endpoint = owned(stack)
    endpoint.auto_scale(max_capacity=4)
    EndpointAlarms(stack, "Alarms", endpoint=endpoint, thresholds=AlarmThresholds(no_traffic=Duration.hours(1)))
    Annotations.from_stack(stack).has_no_warning("*", Match.any_value())


SERVICE, INSTANCE = "AWS/SageMaker", "/aws/sagemaker/Endpoints"


@pytest.mark.parametrize(
    ("what", "metrics", "namespace", "threshold"),
    [
        ("errors", {"Invocation5XXErrors", "InvocationModelErrors", "Invocation4XXErrors"}, SERVICE, 1),
        ("client-errors", {"Invocation4XXErrors"}, SERVICE, 50),
        ("model-latency", {"ModelLatency"}, SERVICE, 5000),
        ("overhead-latency", {"OverheadLatency"}, SERVICE, 1000),
        ("cpu", {"CPUUtilization"}, INSTANCE, 90),
        ("memory", {"MemoryUtilization"}, INSTANCE, 90),
        ("disk", {"DiskUtilization"}, INSTANCE, 90),
        ("at-capacity", {"Invocations", "InvocationsPerInstance"}, SERVICE, 6),
    ],
)
def test_watches_metrics_of_this_variant_of_this_endpoint(
    stack: Stack, what: str, metrics: set[str], namespace: str, threshold: float
) -> None:
    endpoint = owned(stack, variant(), variant("challenger"))
    endpoint.auto_scale("champion", max_capacity=6)
    EndpointAlarms(stack, "Alarms", endpoint=endpoint)
    alarm = alarms(stack)[f"champion-{what}"]
    parts = [each["MetricStat"] for each in alarm.get("Metrics", []) if "MetricStat" in each]
    found = [each["Metric"] for each in parts] or [alarm]
    assert {each["MetricName"] for each in found} == metrics
    for each in found:
        assert each["Namespace"] == namespace
        assert each["Dimensions"] == [
            {"Name": "EndpointName", "Value": "live"},
            {"Name": "VariantName", "Value": "champion"},
        ]
    assert {each["Period"] for each in parts or [alarm]} == {60 if namespace == SERVICE else 300}
    expected = {"at-capacity": (15, 15)}.get(what, (5, 3) if namespace == SERVICE else (3, 3))
    assert (alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"]) == expected
    assert alarm["Threshold"] == threshold
    beyond = "GreaterThanOrEqualToThreshold" if what == "at-capacity" else "GreaterThanThreshold"
    assert alarm["ComparisonOperator"] == beyond
    assert alarm["TreatMissingData"] == ("notBreaching" if namespace == SERVICE else "missing")


def test_client_errors_are_a_share_in_percent(stack: Stack) -> None:
    EndpointAlarms(stack, "Alarms", endpoint=imported(stack, "champion"))
    alarm = alarms(stack)["champion-client-errors"]
    assert (result(alarm), sources(alarm)["c"]["Stat"]) == ("100 * c", "Average")


def test_errors_count_what_has_no_status_but_not_the_callers_faults(stack: Stack) -> None:
    EndpointAlarms(stack, "Alarms", endpoint=imported(stack, "champion"))
    alarm = alarms(stack)["champion-errors"]
    metrics = sources(alarm)
    assert result(alarm) == "100 * MAX([e, n])"
    assert metrics["n"]["Expression"] == "m - c"
    assert metrics["e"]["Metric"]["MetricName"] == "Invocation5XXErrors"
    assert metrics["m"]["Metric"]["MetricName"] == "InvocationModelErrors"
    assert metrics["c"]["Metric"]["MetricName"] == "Invocation4XXErrors"
    assert {metrics[each]["Stat"] for each in "emc"} == {"Average"}
    assert alarm["Threshold"] == 1
    assert (alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"]) == (5, 3)
    assert alarm["TreatMissingData"] == "notBreaching"


def test_latency_is_read_in_milliseconds(stack: Stack) -> None:
    thresholds = AlarmThresholds(model_latency=Duration.millis(250), overhead_latency=Duration.seconds(2))
    EndpointAlarms(stack, "Alarms", endpoint=imported(stack, "champion"), thresholds=thresholds)
    model, overhead = alarms(stack)["champion-model-latency"], alarms(stack)["champion-overhead-latency"]
    assert (result(model), model["Threshold"], sources(model)["l"]["Stat"]) == ("l / 1000", 250, "p99")
    assert (result(overhead), overhead["Threshold"], sources(overhead)["o"]["Stat"]) == ("o / 1000", 2000, "Average")


@pytest.mark.parametrize(("instance_type", "cores"), [("ml.m5.large", 2), ("ml.c5.9xlarge", 36)])
def test_cpu_is_a_share_of_all_cores(stack: Stack, instance_type: str, cores: int) -> None:
    made = EndpointAlarms(stack, "Alarms", endpoint=owned(stack, variant(instance_type=instance_type)))
    alarm = alarms(stack)["champion-cpu"]
    assert result(alarm) == f"u / {cores}"
    assert sources(alarm)["u"]["Metric"]["Namespace"] == "/aws/sagemaker/Endpoints"
    assert alarm["Threshold"] == 90
    assert made.vcpus == {"champion": cores}


def test_cpu_of_an_unknown_instance_type_is_watched_when_its_cores_are_given(stack: Stack) -> None:
    endpoint = imported(stack, "champion", "challenger")
    EndpointAlarms(stack, "Alarms", endpoint=endpoint, vcpus={"challenger": 8})
    assert "champion-cpu" not in alarms(stack)
    assert result(alarms(stack)["challenger-cpu"]) == "u / 8"


def test_cores_may_be_known_only_at_deployment(stack: Stack) -> None:
    cores = CfnParameter(stack, "Cores", type="Number").value_as_number
    EndpointAlarms(stack, "Alarms", endpoint=imported(stack, "champion"), vcpus={"champion": cores})  # type: ignore[dict-item] # a token is a float
    (expression,) = [each["Expression"] for each in alarms(stack)["champion-cpu"]["Metrics"] if "Expression" in each]
    assert expression == {"Fn::Join": ["", ["u / ", {"Ref": "Cores"}]]}


def test_cpu_of_an_instance_type_chosen_at_deployment(stack: Stack) -> None:
    instance_type = CfnParameter(stack, "Type").value_as_string
    EndpointAlarms(stack, "Alarms", endpoint=owned(stack, variant(instance_type=instance_type)))
    assert "champion-cpu" not in alarms(stack)


def test_instances_are_watched_over_the_longest_interval_at_which_they_publish(stack: Stack) -> None:
    EndpointAlarms(stack, "Alarms", endpoint=owned(stack))
    every = alarms(stack)
    assert sources(every["champion-cpu"])["u"]["Period"] == 300
    for what in ("memory", "disk"):
        alarm = every[f"champion-{what}"]
        assert (alarm["Period"], alarm["Statistic"], alarm["EvaluationPeriods"]) == (300, "Maximum", 3)
        assert alarm["TreatMissingData"] == "missing"


def test_a_scaled_variant_that_cannot_grow(stack: Stack) -> None:
    endpoint = owned(stack, variant(), variant("challenger"))
    endpoint.auto_scale("champion", max_capacity=6)
    EndpointAlarms(stack, "Alarms", endpoint=endpoint)
    alarm = alarms(stack)["champion-at-capacity"]
    assert result(alarm) == "FLOOR(i / p + 0.5)"
    assert {each["Metric"]["MetricName"]: each["Stat"] for each in sources(alarm).values() if "Stat" in each} == {
        "Invocations": "Sum",
        "InvocationsPerInstance": "Sum",
    }
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (6, "GreaterThanOrEqualToThreshold")
    assert (alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"]) == (15, 15)
    assert "challenger-at-capacity" not in alarms(stack)


def test_the_largest_size_may_be_known_only_at_deployment(stack: Stack) -> None:
    endpoint = owned(stack)
    endpoint.auto_scale(max_capacity=CfnParameter(stack, "Most", type="Number").value_as_number)  # type: ignore[arg-type] # a token is a float
    EndpointAlarms(stack, "Alarms", endpoint=endpoint)
    assert alarms(stack)["champion-at-capacity"]["Threshold"] == {"Ref": "Most"}


def test_a_range_of_one_size_is_always_at_its_largest(stack: Stack) -> None:
    endpoint = owned(stack)
    endpoint.auto_scale(min_capacity=2, max_capacity=2)
    EndpointAlarms(stack, "Alarms", endpoint=endpoint)
    assert "champion-at-capacity" not in alarms(stack)


def test_scaling_after_the_alarms_fails_synthesis(stack: Stack) -> None:
    endpoint = owned(stack, variant(), variant("challenger"))
    endpoint.auto_scale("champion", max_capacity=6)
    EndpointAlarms(stack, "Alarms", endpoint=endpoint)
    endpoint.auto_scale("challenger", max_capacity=6)
    with pytest.raises(RuntimeError, match="variant challenger must be scaled before EndpointAlarms is made"):
        Template.from_stack(stack)


def test_scaling_after_the_alarms_is_fine_without_the_alarm_on_it(stack: Stack) -> None:
    endpoint = owned(stack)
    EndpointAlarms(stack, "Alarms", endpoint=endpoint, thresholds=AlarmThresholds(at_capacity=None))
    endpoint.auto_scale(max_capacity=6)
    assert "champion-at-capacity" not in alarms(stack)


def test_silence_is_an_alarm_when_asked_for(stack: Stack) -> None:
    thresholds = AlarmThresholds(**{**OFF, "no_traffic": Duration.hours(1)})
    EndpointAlarms(stack, "Alarms", endpoint=imported(stack, "champion"), thresholds=thresholds)
    ((name, alarm),) = alarms(stack).items()
    assert name == "champion-no-traffic"
    assert (alarm["MetricName"], alarm["Statistic"]) == ("Invocations", "Sum")
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (1, "LessThanThreshold")
    assert (alarm["Period"], alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"]) == (60, 60, 60)
    assert alarm["TreatMissingData"] == "breaching"


@pytest.mark.parametrize(
    ("threshold", "what"),
    [
        ("error_percent", "errors"),
        ("client_error_percent", "client-errors"),
        ("model_latency", "model-latency"),
        ("overhead_latency", "overhead-latency"),
        ("cpu_percent", "cpu"),
        ("memory_percent", "memory"),
        ("disk_percent", "disk"),
        ("at_capacity", "at-capacity"),
    ],
)
def test_none_switches_one_alarm_off(stack: Stack, threshold: str, what: str) -> None:
    endpoint = owned(stack, deployment=Deployment.canary(rollback=None))
    endpoint.auto_scale(max_capacity=4)
    EndpointAlarms(stack, "Alarms", endpoint=endpoint, thresholds=limits(**{threshold: None}))
    expected = {f"champion-{each}" for each in (*REQUESTS, *INSTANCES, "at-capacity")} - {f"champion-{what}"}
    assert set(alarms(stack)) == expected


@pytest.mark.parametrize(
    "name",
    [
        "error_percent",
        "client_error_percent",
        "cpu_percent",
        "memory_percent",
        "disk_percent",
        "concurrency_percent",
        "failed_percent",
    ],
)
def test_percentages_have_a_range(stack: Stack, name: str) -> None:
    limits(**{name: 0})
    limits(**{name: 100})
    limits(**{name: CfnParameter(stack, "Percent", type="Number").value_as_number})
    for beyond in (-0.1, 100.1):
        with pytest.raises(ValueError, match=rf"{name} must be between 0 and 100 percent, got {beyond}"):
            limits(**{name: beyond})


@pytest.mark.parametrize("name", ["expired_requests", "unsent_notifications"])
def test_counts_are_whole_numbers_from_zero(stack: Stack, name: str) -> None:
    limits(**{name: 0})
    limits(**{name: 2**31 - 1})
    limits(**{name: CfnParameter(stack, "Count", type="Number").value_as_number})
    with pytest.raises(ValueError, match=f"{name} must be between 0 and 2,147,483,647, got -1"):
        limits(**{name: -1})
    with pytest.raises(ValueError, match=f"{name} must be a whole number between 0 and 2,147,483,647, got 0.5"):
        limits(**{name: 0.5})


def test_the_age_of_the_backlog_is_above_zero(stack: Stack) -> None:
    limits(backlog_age=Duration.seconds(1))
    number = CfnParameter(stack, "Age", type="Number").value_as_number
    assert limits(backlog_age=Duration.seconds(number)).backlog_age_seconds == number
    with pytest.raises(ValueError, match="backlog_age must be longer than 0 seconds, got 0"):
        limits(backlog_age=Duration.minutes(0))
    with pytest.raises(ValueError, match="backlog_age must be given in seconds where known only at deployment"):
        limits(backlog_age=Duration.hours(number))


@pytest.mark.parametrize("name", ["model_latency", "overhead_latency", "cold_start"])
def test_latencies_are_above_zero(stack: Stack, name: str) -> None:
    limits(**{name: Duration.millis(1)})
    number = CfnParameter(stack, "Latency", type="Number").value_as_number
    limits(**{name: Duration.millis(number)})
    with pytest.raises(ValueError, match=f"{name} must be longer than 0 milliseconds, got 0"):
        limits(**{name: Duration.seconds(0)})
    with pytest.raises(ValueError, match=f"{name} must be given in milliseconds where known only at deployment"):
        limits(**{name: Duration.seconds(number)})


@pytest.mark.parametrize("name", ["at_capacity", "no_traffic", "no_capacity"])
def test_times_are_whole_minutes_of_at_most_a_day(stack: Stack, name: str) -> None:
    limits(**{name: Duration.minutes(1)})
    limits(**{name: Duration.days(1)})
    number = CfnParameter(stack, "Time", type="Number").value_as_number
    limits(**{name: Duration.minutes(number)})
    for beyond, received in ((30, "0.5"), (90, "1.5"), (86_460, "1441")):
        with pytest.raises(ValueError, match=f"{name} must be between 1 and 1,440 whole minutes, got {received} min"):
            limits(**{name: Duration.seconds(beyond)})
    with pytest.raises(ValueError, match=f"{name} must be given in minutes where known only at deployment"):
        limits(**{name: Duration.hours(number)})


def test_thresholds_may_be_known_only_at_deployment(stack: Stack) -> None:
    number = CfnParameter(stack, "Number", type="Number").value_as_number
    thresholds = AlarmThresholds(
        error_percent=number, model_latency=Duration.millis(number), no_traffic=Duration.minutes(number)
    )
    EndpointAlarms(stack, "Alarms", endpoint=imported(stack, "champion"), thresholds=thresholds)
    every = alarms(stack)
    assert every["champion-errors"]["Threshold"] == {"Ref": "Number"}
    assert every["champion-model-latency"]["Threshold"] == {"Ref": "Number"}
    assert every["champion-no-traffic"]["EvaluationPeriods"] == {"Ref": "Number"}


def test_names_may_be_known_only_at_deployment(stack: Stack) -> None:
    name, variants = (CfnParameter(stack, each).value_as_string for each in ("Name", "Variant"))
    endpoint = Endpoint.from_endpoint_name(stack, "Imported", name, variant_names=[variants])
    EndpointAlarms(stack, "Alarms", endpoint=endpoint)
    names = [each["AlarmName"] for each in properties(stack, "AWS::CloudWatch::Alarm")]
    assert {"Fn::Join": ["", [{"Ref": "Name"}, "-", {"Ref": "Variant"}, "-errors"]]} in names
    (topic,) = properties(stack, "AWS::SNS::Topic")
    assert "DisplayName" not in topic  # SNS takes at most 100 characters


def test_each_alarm_notifies_when_it_fires_and_when_it_recovers(stack: Stack) -> None:
    made = EndpointAlarms(stack, "Alarms", endpoint=owned(stack))
    topic = [stack.resolve(made.topic.topic_arn)]
    every = alarms(stack)
    assert "champion-rollback-5xx" in every
    assert all(each["AlarmActions"] == topic and each["OKActions"] == topic for each in every.values())


def test_an_alarm_of_the_users_that_rolls_back_notifies_too(stack: Stack) -> None:
    endpoint = owned(stack)
    metric = cloudwatch.Metric(namespace="Shop", metric_name="Orders")
    mine = cloudwatch.Alarm(stack, "Mine", metric=metric, threshold=1, evaluation_periods=1, alarm_name="live-mine")
    endpoint.add_rollback_alarm(mine)
    endpoint.add_rollback_alarm(cloudwatch.Alarm.from_alarm_name(stack, "Theirs", "theirs"))
    made = EndpointAlarms(stack, "Alarms", endpoint=endpoint)
    assert alarms(stack)["mine"]["AlarmActions"] == [stack.resolve(made.topic.topic_arn)]


def test_only_alarms_of_this_account_and_region_publish_and_over_tls(stack: Stack) -> None:
    made = EndpointAlarms(stack, "Alarms", endpoint=owned(stack))
    (policy,) = properties(stack, "AWS::SNS::TopicPolicy")
    allow, deny = sorted(policy["PolicyDocument"]["Statement"], key=lambda each: str(each["Effect"]))
    assert allow["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert allow["Action"] == "sns:Publish"
    assert allow["Resource"] == stack.resolve(made.topic.topic_arn)
    assert allow["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    assert allow["Condition"]["ArnLike"]["aws:SourceArn"] == stack.resolve(
        f"arn:{stack.partition}:cloudwatch:{stack.region}:{stack.account}:alarm:*"
    )
    assert deny["Effect"] == "Deny"
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def key_statements(stack: Stack) -> list[dict[str, Any]]:
    return [
        statement
        for key in properties(stack, "AWS::KMS::Key")
        for statement in key["KeyPolicy"]["Statement"]
        if statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    ]


def test_the_endpoints_key_encrypts_the_topic_and_admits_alarms(stack: Stack) -> None:
    endpoint = owned(stack)
    EndpointAlarms(stack, "Alarms", endpoint=endpoint)
    (topic,) = properties(stack, "AWS::SNS::Topic")
    assert topic["KmsMasterKeyId"] == stack.resolve(endpoint.encryption_key.key_arn)
    (statement,) = key_statements(stack)
    assert statement["Action"] == ["kms:Decrypt", "kms:GenerateDataKey*"]
    assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    assert statement["Condition"]["ArnLike"] == {
        "aws:SourceArn": stack.resolve(f"arn:{stack.partition}:cloudwatch:{stack.region}:{stack.account}:alarm:*")
    }
    assert topic["DisplayName"] == "Alarms of live"


def test_an_imported_endpoints_topic_gets_a_key_of_its_own(stack: Stack) -> None:
    EndpointAlarms(stack, "Alarms", endpoint=imported(stack, "champion"))
    (key,) = properties(stack, "AWS::KMS::Key")
    assert key["EnableKeyRotation"] is True
    assert len(key_statements(stack)) == 1


def test_a_given_key_encrypts_the_topic(stack: Stack) -> None:
    key = EncryptionKey(stack, "Key")
    EndpointAlarms(stack, "Alarms", endpoint=imported(stack, "champion"), encryption_key=key)
    (topic,) = properties(stack, "AWS::SNS::Topic")
    assert topic["KmsMasterKeyId"] == stack.resolve(key.key_arn)
    assert len(key_statements(stack)) == 1


def test_a_given_topic_is_left_as_it_is(stack: Stack) -> None:
    arn = "arn:aws:sns:eu-west-1:111122223333:on-call"
    topic = sns.Topic.from_topic_arn(stack, "OnCall", arn)
    made = EndpointAlarms(stack, "Alarms", endpoint=owned(stack), topic=topic)
    assert made.topic is topic
    assert not properties(stack, "AWS::SNS::Topic")
    assert all(each["AlarmActions"] == [arn] for each in alarms(stack).values())


def test_a_topic_is_not_given_a_key(stack: Stack) -> None:
    topic = sns.Topic.from_topic_arn(stack, "OnCall", "arn:aws:sns:eu-west-1:111122223333:on-call")
    key = kms.Key.from_key_arn(stack, "Key", "arn:aws:kms:eu-west-1:111122223333:key/one")
    with pytest.raises(ValueError, match="encryption_key must not be given with topic"):
        EndpointAlarms(stack, "Alarms", endpoint=imported(stack, "champion"), topic=topic, encryption_key=key)


def test_variants_must_be_known(stack: Stack) -> None:
    with pytest.raises(ValueError, match="endpoint must know its variants, import it with variant_names, got none"):
        EndpointAlarms(stack, "Alarms", endpoint=imported(stack))


def test_cores_are_checked(stack: Stack) -> None:
    endpoint = imported(stack, "champion")
    EndpointAlarms(stack, "Alarms", endpoint=endpoint, vcpus={"champion": 1})
    with pytest.raises(ValueError, match="vcpus must name variants of the endpoint, got 'other'"):
        EndpointAlarms(stack, "Other", endpoint=endpoint, vcpus={"other": 4})
    with pytest.raises(ValueError, match="vcpus of variant champion must be between 1 and 2,147,483,647, got 0"):
        EndpointAlarms(stack, "None", endpoint=endpoint, vcpus={"champion": 0})


def test_in_another_stack_the_endpoints_stack_stays_independent(app: App, stack: Stack) -> None:
    endpoint = owned(stack)
    monitoring = Stack(app, "Monitoring")
    EndpointAlarms(monitoring, "Alarms", endpoint=endpoint)
    assert "champion-errors" in alarms(monitoring)
    assert "AlarmActions" not in alarms(stack)["champion-rollback-5xx"]
    assert [each.stack_name for each in monitoring.dependencies] == ["Stack"]
    assert stack.dependencies == []
    Annotations.from_stack(monitoring).has_warning("*", Match.string_like_regexp("rollback alarms do not notify"))


def test_in_another_stack_a_topic_beside_the_endpoint_hears_of_rollback(app: App, stack: Stack) -> None:
    endpoint = owned(stack)
    topic = sns.Topic(stack, "OnCall")
    monitoring = Stack(app, "Monitoring")
    EndpointAlarms(monitoring, "Alarms", endpoint=endpoint, topic=topic)
    assert alarms(stack)["champion-rollback-5xx"]["AlarmActions"] == [stack.resolve(topic.topic_arn)]
    Annotations.from_stack(monitoring).has_no_warning("/Monitoring/Alarms", Match.any_value())


@pytest.mark.parametrize("region", ["eu-west-1", "cn-north-1", "us-gov-west-1"])
def test_works_in_every_partition(app: App, region: str) -> None:
    stack = Stack(app, "There", env=Environment(account="111122223333", region=region))
    EndpointAlarms(stack, "Alarms", endpoint=owned(stack))
    assert "arn:aws:" not in json.dumps(Template.from_stack(stack).to_json())


def test_policy_packs_find_nothing(app: App, stack: Stack) -> None:
    endpoint = owned(stack)
    endpoint.auto_scale(max_capacity=4)
    EndpointAlarms(stack, "Alarms", endpoint=endpoint)
    found = {
        resource.construct_path
        for pack in (AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks)
        for violation in pack(app).validate_scope(stack).violations
        for resource in violation.violating_resources
    }
    assert not {path for path in found if "/Alarms/" in str(path) or "Rollback" in str(path)}
