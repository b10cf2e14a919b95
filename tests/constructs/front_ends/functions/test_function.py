from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Duration, Environment, NestedStack, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs

from invoke_endpoint.metrics import Metrics
from invoke_endpoint.settings import Settings
from ml_constructs.encryption import EncryptionKey
from ml_constructs.endpoints.endpoint import Endpoint
from ml_constructs.front_ends.functions._code import function_code
from ml_constructs.network.inference_network import InferenceNetwork
from tests.constructs.front_ends.functions.functions import (
    RUNTIME_CODE,
    build,
    function_of,
    statements,
    versions,
)
from tests.constructs.front_ends.helpers import (
    admitted_log_groups,
    an_endpoint,
    assert_acyclic,
    depends_on,
    findings,
    literal_partitions,
    one,
    resources,
    template,
)


def test_runs_the_shipped_handler(stack: Stack) -> None:
    build(stack)
    properties = function_of(stack)
    assert properties["Handler"] == "invoke_endpoint.handler.handle"
    assert (RUNTIME_CODE / "invoke_endpoint" / "handler.py").read_text().count("def handle(") == 1
    assert properties["Architectures"] == ["arm64"]
    assert properties["Runtime"] == "python3.14"
    assert (properties["Timeout"], properties["MemorySize"]) == (28, 512)
    assert properties["TracingConfig"] == {"Mode": "Active"}
    (group,) = resources(stack, "AWS::Logs::LogGroup")
    assert properties["LoggingConfig"] == {
        "LogFormat": "JSON",
        "ApplicationLogLevel": "INFO",
        "SystemLogLevel": "INFO",
        "LogGroup": {"Ref": group},
    }
    assert properties["ReservedConcurrentExecutions"] == 50
    assert "VpcConfig" not in properties


def test_environment_is_what_the_handler_reads(stack: Stack) -> None:
    build(stack, allow_target_variant=True)
    environment = function_of(stack)["Environment"]["Variables"]
    of_others = {
        "INFERENCE_COMPONENT_NAME",
        "TARGET_MODELS",
        "TARGET_CONTAINERS",
        "ALLOW_EXPLANATIONS",
        "ANSWER_HEADERS",  # of an API with CORS
    }
    assert {*environment, *of_others} == {name.upper() for name in Settings.__dataclass_fields__}
    settings = Settings.from_environment(environment)
    assert settings.endpoint_name == "champion"
    assert settings.allow_target_variant
    assert (settings.connect_timeout_seconds, settings.max_attempts, settings.max_body_bytes) == (1, 3, 6_291_456)


@pytest.mark.parametrize(("serverless", "most"), [(False, "6291456"), (True, "4194304")])
def test_takes_as_much_as_the_kind_of_endpoint_does(stack: Stack, serverless: bool, most: str) -> None:  # noqa: FBT001
    build(stack, endpoint=Endpoint.from_endpoint_attributes(stack, "E", endpoint_name="e", serverless=serverless))
    assert function_of(stack)["Environment"]["Variables"]["MAX_BODY_BYTES"] == most


def test_refuses_an_asynchronous_endpoint(stack: Stack) -> None:
    endpoint = Endpoint.from_endpoint_attributes(stack, "Slow", endpoint_name="slow", asynchronous=True)
    with pytest.raises(ValueError, match=r"endpoint must answer .* by grant_invoke_async, got the asynchronous 'slow'"):
        build(stack, endpoint=endpoint)


def test_callers_may_not_choose_the_variant_by_default(stack: Stack) -> None:
    build(stack)
    assert not Settings.from_environment(function_of(stack)["Environment"]["Variables"]).allow_target_variant


@pytest.mark.parametrize(("timeout", "read"), [(5, 1), (28, 24), (74, 70), (75, 70), (900, 70)])
def test_waits_less_for_the_model_than_it_has(stack: Stack, timeout: int, read: int) -> None:
    build(stack, timeout=Duration.seconds(timeout))
    properties = function_of(stack)
    assert properties["Timeout"] == timeout
    settings = Settings.from_environment(properties["Environment"]["Variables"])
    assert settings.read_timeout_seconds == read
    addresses = 3
    assert addresses * settings.connect_timeout_seconds + read + 0.5 <= timeout


def test_timeout_may_be_a_token(stack: Stack) -> None:
    seconds = CfnParameter(stack, "Seconds", type="Number").value_as_number
    build(stack, timeout=Duration.seconds(seconds))
    properties = function_of(stack)
    assert properties["Timeout"] == {"Ref": "Seconds"}
    assert properties["Environment"]["Variables"]["READ_TIMEOUT_SECONDS"] == "24"


@pytest.mark.parametrize(
    ("argument", "value", "message"),
    [
        ("timeout", Duration.seconds(4), r"timeout must be between 5 and 900 whole seconds, got 4"),
        ("timeout", Duration.seconds(901), r"timeout must be between 5 and 900 whole seconds, got 901"),
        ("memory_size", 127, r"memory_size must be between 128 and 32,768 MiB, got 127"),
        ("memory_size", 32_769, r"memory_size must be between 128 and 32,768 MiB, got 32769"),
        ("memory_size", 512.5, r"memory_size must be a whole number"),
        ("reserved_concurrency", -1, r"reserved_concurrency must be between 0 and 2,147,483,647, got -1"),
        ("reserved_concurrency", 2**31, r"reserved_concurrency must be between 0 and 2,147,483,647, got 2147483648"),
        ("provisioned_concurrency", 0, r"provisioned_concurrency must be between 1 and .*, got 0"),
        ("provisioned_concurrency", 51, r"must be at most reserved_concurrency, which is 50, got 51"),
    ],
)
def test_refuses(stack: Stack, argument: str, value: object, message: str) -> None:
    endpoint = an_endpoint(stack)
    with pytest.raises(ValueError, match=message):
        build(stack, endpoint=endpoint, **{argument: value})
    assert stack.node.try_find_child("FrontEnd") is None


@pytest.mark.parametrize("memory_size", [128, 32_768])
def test_accepts_memory_at_its_limits(stack: Stack, memory_size: int) -> None:
    build(stack, memory_size=memory_size)
    assert function_of(stack)["MemorySize"] == memory_size


def test_concurrency_at_its_limits(stack: Stack) -> None:
    build(stack, reserved_concurrency=1, provisioned_concurrency=1)
    assert function_of(stack)["ReservedConcurrentExecutions"] == 1
    alias = one(stack, "AWS::Lambda::Alias")["Properties"]
    assert alias["ProvisionedConcurrencyConfig"] == {"ProvisionedConcurrentExecutions": 1}


def test_concurrency_at_its_highest(stack: Stack) -> None:
    most = 2**31 - 1
    build(stack, reserved_concurrency=most, provisioned_concurrency=most)
    assert function_of(stack)["ReservedConcurrentExecutions"] == most


def test_zero_stops_the_function_and_none_reserves_nothing(app: App) -> None:
    stopped, unlimited = Stack(app, "Stopped"), Stack(app, "Unlimited")
    build(stopped, reserved_concurrency=0)
    build(unlimited, reserved_concurrency=None, provisioned_concurrency=500)
    assert function_of(stopped)["ReservedConcurrentExecutions"] == 0
    assert "ReservedConcurrentExecutions" not in function_of(unlimited)


@pytest.mark.parametrize("argument", ["memory_size", "reserved_concurrency", "provisioned_concurrency"])
def test_numbers_may_be_tokens(stack: Stack, argument: str) -> None:
    build(stack, **{argument: CfnParameter(stack, "Value", type="Number").value_as_number})
    assert '{"Ref": "Value"}' in str(template(stack)["Resources"]).replace("'", '"')


def test_role_may_invoke_this_endpoint_and_nothing_else(stack: Stack) -> None:
    build(stack)
    allowed = {
        action: each["Resource"]
        for each in statements(stack)
        for action in ([each["Action"]] if isinstance(each["Action"], str) else each["Action"])
    }
    assert set(allowed) == {
        "kms:Decrypt",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "sagemaker:InvokeEndpoint",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    }
    assert allowed["sagemaker:InvokeEndpoint"]["Fn::Join"][1][-1] == ":endpoint/champion"
    ((group, _),) = resources(stack, "AWS::Logs::LogGroup").items()
    ((key, _),) = resources(stack, "AWS::KMS::Key").items()
    assert allowed["logs:CreateLogStream"] == allowed["logs:PutLogEvents"] == {"Fn::GetAtt": [group, "Arn"]}
    assert allowed["kms:Decrypt"] == {"Fn::GetAtt": [key, "Arn"]}
    assert {each["Effect"] for each in statements(stack)} == {"Allow"}
    (trust,) = one(stack, "AWS::IAM::Role")["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert (trust["Action"], trust["Principal"]) == ("sts:AssumeRole", {"Service": "lambda.amazonaws.com"})
    assert "Policies" not in one(stack, "AWS::IAM::Role")["Properties"]
    assert "ManagedPolicyArns" not in one(stack, "AWS::IAM::Role")["Properties"]
    assert resources(stack, "AWS::IAM::Policy") == {}


def test_code_in_a_network_cannot_touch_network_interfaces(stack: Stack) -> None:
    build(stack, network=InferenceNetwork(stack, "Network"))
    allowed = [each for each in statements(stack) if each["Effect"] == "Allow" and "ec2:" in str(each["Action"])]
    (denied,) = [each for each in statements(stack) if each["Effect"] == "Deny"]
    assert {action for each in allowed for action in each["Action"]} == set(denied["Action"])
    assert set(denied["Action"]) == {
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:UnassignPrivateIpAddresses",
    }
    assert denied["Resource"] == "*"
    functions = stack.resolve(f"arn:{stack.partition}:lambda:{stack.region}:{stack.account}:function:*")
    assert denied["Condition"] == {"ArnLike": {"lambda:SourceFunctionArn": functions}}
    everything_here = stack.resolve(f"arn:{stack.partition}:ec2:{stack.region}:{stack.account}:*/*")
    assert [each["Resource"] for each in allowed] == [everything_here, "*"]
    assert [each["Action"] for each in allowed if each["Resource"] == "*"] == [
        ["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"]
    ]


def test_network_admits_the_function_to_this_endpoint(stack: Stack) -> None:
    front_end = build(stack, network=InferenceNetwork(stack, "Network"))
    vpc = function_of(stack)["VpcConfig"]
    assert len(vpc["SubnetIds"]) == 2
    assert front_end.security_group is not None
    assert vpc["SecurityGroupIds"] == [stack.resolve(front_end.security_group.security_group_id)]
    (endpoint,) = (
        each
        for each in resources(stack, "AWS::EC2::VPCEndpoint").values()
        if each["Properties"]["VpcEndpointType"] == "Interface"
    )
    policy = endpoint["Properties"]["PolicyDocument"]["Statement"]
    assert [":endpoint/champion" in str(each["Resource"]) for each in policy] == [False, True]


def test_role_has_its_permissions_before_the_function_exists(stack: Stack) -> None:
    build(stack, network=InferenceNetwork(stack, "Network"))
    assert_acyclic(stack)
    (name,) = resources(stack, "AWS::Lambda::Function")
    assert any(each.startswith("FrontEndPolicy") for each in depends_on(stack, name))


def test_environment_and_logs_are_encrypted(stack: Stack) -> None:
    key = EncryptionKey(stack, "Key")
    build(stack, encryption_key=key, log_retention=logs.RetentionDays.ONE_WEEK)
    arn = stack.resolve(key.key_arn)
    assert function_of(stack)["KmsKeyArn"] == arn
    group = one(stack, "AWS::Logs::LogGroup")
    assert group["Properties"] == {"KmsKeyId": arn, "RetentionInDays": 7}
    assert group["DeletionPolicy"] == "RetainExceptOnCreate"
    assert admitted_log_groups(stack) == ["Stack-*"]


def test_makes_a_key_unless_given_one(stack: Stack) -> None:
    front_end = build(stack)
    assert one(stack, "AWS::Logs::LogGroup")["Properties"]["RetentionInDays"] == 365
    assert one(stack, "AWS::KMS::Key")["DeletionPolicy"] == "Retain"
    assert function_of(stack)["KmsKeyArn"] == stack.resolve(front_end.encryption_key.key_arn)


def test_key_of_the_parent_does_not_refer_to_a_nested_stack(stack: Stack) -> None:
    key = EncryptionKey(stack, "Key")
    build(NestedStack(stack, "Nested"), encryption_key=key)
    assert_acyclic(stack)
    assert admitted_log_groups(stack) == ["Stack-*"]


def test_change_of_what_a_version_contains_publishes_one() -> None:
    assert versions() != versions(memory_size=1024)
    assert versions() != versions(allow_target_variant=True)


def test_change_of_anything_else_publishes_none() -> None:
    assert versions() == versions(reserved_concurrency=7, provisioned_concurrency=3) == versions(tag="ml")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"target_models": []}, r"target_models must have between 1 and 1,000 members, got 0"),
        ({"target_models": [""]}, r"target_models must not have an empty member"),
        ({"target_models": ["a"], "target_containers": ["b"]}, r"must not be given beside target_containers"),
        ({"target_models": ["a"], "streaming": True}, r"target_models must not be given with streaming"),
        ({"allow_explanations": True, "streaming": True}, r"allow_explanations must not be True with streaming"),
        ({"snap_start": True, "streaming": True}, r"snap_start must not be True with streaming"),
        ({"snap_start": True, "provisioned_concurrency": 1}, r"provisioned_concurrency must not .* snap_start.* got 1"),
    ],
)
def test_refuses_together(stack: Stack, arguments: dict[str, Any], message: str) -> None:
    endpoint = an_endpoint(stack)
    with pytest.raises(ValueError, match=message):
        build(stack, endpoint=endpoint, **arguments)
    assert stack.node.try_find_child("FrontEnd") is None


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("snap_start", 1),
        ("streaming", "yes"),
        ("allow_explanations", None),
        ("target_models", "a"),
        ("target_containers", [1]),
    ],
)
def test_refuses_another_type(stack: Stack, argument: str, value: object) -> None:
    endpoint = an_endpoint(stack)
    with pytest.raises(TypeError, match=argument):
        build(stack, endpoint=endpoint, **{argument: value})


@pytest.mark.parametrize(
    ("method", "name", "statistic"),
    [
        ("metric_failures", "Failures", "Sum"),
        ("metric_refusals", "Refusals", "Sum"),
        ("metric_problems", "Problems", "Sum"),
        ("metric_time_to_first_byte", "TimeToFirstByte", "p99"),
    ],
)
def test_metrics_are_those_that_the_function_writes(stack: Stack, method: str, name: str, statistic: str) -> None:
    front_end = build(stack)
    kind = ("throttled",) if method == "metric_problems" else ()
    metric = getattr(front_end, method)(*kind)
    assert (metric.metric_name, metric.statistic) == (name, statistic)
    written: list[str] = []
    facts = {"status": 429, "error": "throttled", "first_byte_ms": 1.5}
    function = stack.resolve(metric.dimensions["FunctionName"])
    Metrics("champion", "the function", written.append).record(facts)
    line = json.loads(written[0])
    assert function == stack.resolve(front_end.function.function_name)
    assert {
        (directive["Namespace"], *dimensions)
        for directive in line["_aws"]["CloudWatchMetrics"]
        if name in {each["Name"] for each in directive["Metrics"]}
        for dimensions in directive["Dimensions"]
    } == {(metric.namespace, *metric.dimensions)}
    others = {key: value for key, value in metric.dimensions.items() if key != "FunctionName"}
    assert {key: line[key] for key in others} == others
    assert name in line
    assert getattr(front_end, method)(*kind, statistic="p50").statistic == "p50"


@pytest.mark.parametrize(("kind", "error"), [("Throttled", ValueError), ("", ValueError), (None, TypeError)])
def test_a_metric_is_of_a_kind_of_problem(stack: Stack, kind: Any, error: type[Exception]) -> None:  # noqa: ANN401
    front_end = build(stack)
    with pytest.raises(error, match="kind must be"):
        front_end.metric_problems(kind)


def test_alias_is_what_callers_invoke(stack: Stack) -> None:
    front_end = build(stack)
    caller = iam.Role(stack, "Caller", assumed_by=iam.AccountRootPrincipal())
    front_end.grant_execute(caller).assert_success()
    (statement,) = one(stack, "AWS::IAM::Policy")["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Action"] == "lambda:InvokeFunction"
    assert statement["Resource"] == stack.resolve(front_end.alias.function_arn)
    assert one(stack, "AWS::Lambda::Alias")["Properties"]["Name"] == "live"


@pytest.mark.parametrize(
    ("method", "name", "statistic"),
    [
        ("metric_invocations", "Invocations", "Sum"),
        ("metric_errors", "Errors", "Sum"),
        ("metric_throttles", "Throttles", "Sum"),
        ("metric_duration", "Duration", "p99"),
        ("metric_concurrent_executions", "ConcurrentExecutions", "Maximum"),
        ("metric_provisioned_concurrency_utilization", "ProvisionedConcurrencyUtilization", "Maximum"),
    ],
)
def test_metrics_are_those_of_the_alias(stack: Stack, method: str, name: str, statistic: str) -> None:
    front_end = build(stack)
    metric = getattr(front_end, method)()
    assert (metric.namespace, metric.metric_name, metric.statistic) == ("AWS/Lambda", name, statistic)
    name_and_alias = [stack.resolve(metric.dimensions[each]) for each in ("FunctionName", "Resource")]
    function = stack.resolve(front_end.function.function_name)
    assert len(metric.dimensions) == 2
    assert name_and_alias == [function, {"Fn::Join": ["", [function, ":live"]]}]
    assert getattr(front_end, method)(statistic="p50").statistic == "p50"


def test_endpoint_name_may_be_a_token(stack: Stack) -> None:
    name = CfnParameter(stack, "Name").value_as_string
    build(stack, endpoint=Endpoint.from_endpoint_name(stack, "Endpoint", name))
    assert function_of(stack)["Environment"]["Variables"]["ENDPOINT_NAME"] == {"Ref": "Name"}


@pytest.mark.parametrize("region", ["us-gov-west-1", "cn-north-1"])
def test_works_in_every_partition(app: App, region: str) -> None:
    stack = Stack(app, "Stack", env=Environment(account="111122223333", region=region))
    build(stack, network=InferenceNetwork(stack, "Network"))
    assert literal_partitions(stack).count("arn:aws:") == 0


def test_no_literal_partition_in_an_environment_agnostic_stack(stack: Stack) -> None:
    build(stack, network=InferenceNetwork(stack, "Network"))
    assert literal_partitions(stack) == []


def test_policy_review_finds_nothing(stack: Stack) -> None:
    build(stack, network=InferenceNetwork(stack, "Network"))
    assert findings(stack) == set()


def test_policy_review_shows_what_was_weakened(stack: Stack) -> None:
    build(stack, reserved_concurrency=None)
    assert findings(stack) == {"NIST.800.53.R5-LambdaConcurrency", "NIST.800.53.R5-LambdaInsideVPC"}


def test_wheel_and_source_tree_yield_the_same_asset(stack: Stack, tmp_path: Path) -> None:
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc", ".*", "*.md")
    wheel, tree = tmp_path / "site-packages" / "ml_constructs", tmp_path / "tree" / "ml_constructs"
    tree.mkdir(parents=True)
    shutil.copytree(RUNTIME_CODE, wheel / "_lambda", ignore=ignored)
    shutil.copytree(RUNTIME_CODE, tree.parent / "lambda", ignore=ignored)
    for litter in (
        "invoke_endpoint/__pycache__/x.cpython-314.pyc",
        "invoke_endpoint/__pycache__/x.cpython-314.pyc.139",  # what an interrupted write of it leaves
        "invoke_endpoint/x.pyc",
        ".ruff_cache/x",
        "invoke_endpoint/.x",
        "README.md",
        "invoke_endpoint/README.md",
        "another_function/handler.py",
    ):
        path = tree.parent / "lambda" / litter
        path.parent.mkdir(exist_ok=True)
        path.write_text("litter")
    for construct_id, code in {
        "Shipped": function_code("invoke_endpoint"),
        "Wheel": function_code("invoke_endpoint", library=wheel),
        "Tree": function_code("invoke_endpoint", library=tree),
    }.items():
        lambda_.Function(stack, construct_id, code=code, handler="x.y", runtime=lambda_.Runtime.PYTHON_3_14)
    functions = resources(stack, "AWS::Lambda::Function").values()
    assert len(functions) == 3
    assert len({each["Properties"]["Code"]["S3Key"] for each in functions}) == 1


def test_says_where_the_code_should_be(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"runtime code invoke_endpoint is neither in .*_lambda"):
        function_code("invoke_endpoint", library=tmp_path)
