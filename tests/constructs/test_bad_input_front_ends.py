"""Bad input of APIs, functions, workflows and the methods of front ends is refused by name, as in `test_bad_input`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Duration, Environment, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns

import ml_constructs as ml
from tests.constructs.front_ends.asynchronous import an_async_endpoint
from tests.constructs.refusals import Call, each_argument, refusals
from tests.constructs.test_bad_input import (
    HALF_SECOND,
    NOT_A_BOOL,
    NOT_A_DURATION,
    NOT_A_LIST,
    NOT_A_NUMBER,
    NOT_AN_ENUM,
    NOT_AN_OBJECT,
    NOT_OPTIONAL_TEXT,
    NOT_TEXT,
    NOT_WHOLE,
    a_bucket,
    build,
    value,
)

PRIMARY = "arn:aws:kms:eu-north-1:111122223333:key/mrk-1234abcd"
NOT_TEXTS: tuple[object, ...] = ("abc", 5, [None], [5], {}, [])
BAD_MEDIA_TYPE: tuple[object, ...] = ("", "ü", "a\n", " a", "a ")
BAD_GRANTEE: tuple[object, ...] = (None, *NOT_AN_OBJECT)
AROUND = {
    "endpoint": (None, *NOT_AN_OBJECT),
    "alarm_topic": NOT_AN_OBJECT,
    "network": NOT_AN_OBJECT,
    "encryption_key": NOT_AN_OBJECT,
    "log_retention": NOT_AN_ENUM,
    "removal_policy": NOT_AN_ENUM,
    "accept": (*NOT_OPTIONAL_TEXT, *BAD_MEDIA_TYPE),
    "time_to_live": (*NOT_A_DURATION, *HALF_SECOND, Duration.seconds(59), Duration.seconds(21_601)),
    "invocation_timeout": (*NOT_A_DURATION, *HALF_SECOND, Duration.seconds(0), Duration.seconds(3601)),
}


def an_endpoint(stack: Stack) -> ml.IEndpoint:
    return ml.Endpoint.from_endpoint_name(stack, "Imported", "champion")


def a_topic(name: str) -> Callable[[Stack], sns.ITopic]:
    return lambda stack: sns.Topic.from_topic_arn(stack, name, f"arn:aws:sns:eu-west-1:111122223333:{name}")


@cache
def made() -> dict[str, Any]:
    """Constructs whose methods are called in vain, once for all calls."""
    stack = Stack(App(builtin_cloud_formation_validation=False), "Made")
    endpoint = an_endpoint(stack)
    keyed: dict[str, Any] = {"encryption_key": ml.EncryptionKey(stack, "TheKey")}
    api = ml.RestApiFrontEnd(stack, "Api", endpoint=endpoint, usage_plan=ml.UsagePlan(), **keyed)
    queue = ml.QueueFrontEnd(stack, "Queue", endpoint=endpoint, results=None, **keyed)
    return {
        "api": api,
        "function": api.function,
        "queue": queue,
        "consumer": queue.consumer,
        "stream": ml.StreamFrontEnd(stack, "Stream", endpoint=endpoint, results=None, **keyed),
        "workflow": ml.WorkflowFrontEnd(stack, "Workflow", endpoint=endpoint, **keyed),
        "bulk": ml.BulkInvokeFrontEnd(stack, "Bulk", endpoint=an_async_endpoint(stack), **keyed),
    }


def calling(label: str, method: str, **arguments: object) -> Call:
    return lambda _, bad: getattr(made()[label], method)(**{**arguments, **bad})


CASES: dict[str, tuple[Call, Mapping[str, Sequence[object]]]] = {
    "Cors": (
        value(ml.Cors, origin="https://app.example.com"),
        {
            "origin": (*NOT_TEXT, "", "app.example.com", "https://a/b", "https://*.a", "https://a, https://b", "ü"),
            "headers": (None, *NOT_TEXTS[:-1], [""], ["a b"], ["ü"], ["a,b"]),
            "allow_credentials": (None, *NOT_A_BOOL),
            "max_age": (*NOT_A_DURATION, *HALF_SECOND, Duration.seconds(86_401)),
        },
    ),
    "UsagePlan": (
        value(ml.UsagePlan),
        {
            "rate": (None, *NOT_A_NUMBER, -1),
            "burst": (None, *NOT_WHOLE),
            "quota": (*NOT_WHOLE, 0),
            "period": NOT_AN_ENUM,
        },
    ),
    "ApiCanary": (
        value(ml.ApiCanary),
        {
            "percent": (None, *NOT_WHOLE, 0, 100),
            "wait": (*NOT_A_DURATION, Duration.seconds(90), Duration.minutes(0), Duration.minutes(2881)),
            "alarms": (*NOT_A_LIST,),
            "alarm_topic": NOT_AN_OBJECT,
        },
    ),
    "DirectIntegration": (
        value(ml.DirectIntegration, endpoint=an_endpoint),
        {
            "endpoint": (None, *NOT_AN_OBJECT),
            "component": NOT_AN_OBJECT,
            "allow_target_variant": (None, *NOT_A_BOOL),
        },
    ),
    "RestApiFrontEnd": (
        build(ml.RestApiFrontEnd, endpoint=an_endpoint),
        {
            "component": NOT_AN_OBJECT,
            "direct": NOT_AN_OBJECT,
            "authorization_scopes": (*NOT_TEXTS, ["a"]),
            "usage_plan": NOT_AN_OBJECT,
            "cors": (*NOT_AN_OBJECT, "*"),
            "vpc_endpoints": (*NOT_A_LIST[1:], []),
            "default_endpoint": (None, *NOT_A_BOOL),
            "canary": NOT_AN_OBJECT,
        },
    ),
    "FunctionFrontEnd": (
        build(ml.FunctionFrontEnd, endpoint=an_endpoint),
        {
            "component": NOT_AN_OBJECT,
            "snap_start": (None, *NOT_A_BOOL),
            "streaming": (None, *NOT_A_BOOL),
            "target_models": (*NOT_TEXTS, [""]),
            "target_containers": (*NOT_TEXTS, [""]),
            "allow_explanations": (None, *NOT_A_BOOL),
        },
    ),
    "WorkflowFrontEnd": (
        build(ml.WorkflowFrontEnd, endpoint=an_endpoint),
        {
            **AROUND,
            "component": NOT_AN_OBJECT,
            "success_topic": NOT_AN_OBJECT,
            "error_topic": NOT_AN_OBJECT,
            "express": (None, *NOT_A_BOOL),
            "retries": (*NOT_WHOLE, 11),
            "content_type": (*NOT_TEXT, *BAD_MEDIA_TYPE),
        },
    ),
    "WorkflowFrontEnd of an asynchronous endpoint": (
        build(
            ml.WorkflowFrontEnd, endpoint=an_async_endpoint, success_topic=a_topic("good"), error_topic=a_topic("bad")
        ),
        {
            "success_topic": (None, *NOT_AN_OBJECT),
            "error_topic": (None, *NOT_AN_OBJECT),
            "component": NOT_AN_OBJECT,
            "express": (True,),
        },
    ),
    "ReplicaKey": (
        build(ml.ReplicaKey, primary=lambda stack: kms.Key.from_key_arn(stack, "P", PRIMARY)),
        {
            "primary": (None, *NOT_AN_OBJECT),
            "alias": (*NOT_OPTIONAL_TEXT, "", "alias/aws/x", "a b"),
            "administrators": (*NOT_A_LIST,),
            "removal_policy": NOT_AN_ENUM,
            "pending_window": (*NOT_A_DURATION, Duration.days(6), Duration.days(31)),
        },
    ),
    "execute an API": (calling("api", "grant_execute"), {"grantee": BAD_GRANTEE}),
    "execute a function": (calling("function", "grant_execute"), {"grantee": BAD_GRANTEE}),
    "send to a queue": (calling("queue", "grant_send_messages"), {"grantee": BAD_GRANTEE}),
    "redrive a queue": (calling("queue", "grant_redrive"), {"grantee": BAD_GRANTEE}),
    "put records": (calling("stream", "grant_put_records"), {"grantee": BAD_GRANTEE}),
    "start an execution": (calling("workflow", "grant_start_execution"), {"grantee": BAD_GRANTEE}),
    "upload": (calling("bulk", "grant_upload"), {"grantee": BAD_GRANTEE}),
    "redrive uploads": (calling("bulk", "grant_redrive"), {"grantee": BAD_GRANTEE}),
    "auto_scale": (
        calling("function", "auto_scale", max_capacity=5),
        {"min_capacity": (None, *NOT_WHOLE, 0, 6), "max_capacity": (None, *NOT_WHOLE, 0, 51)},
    ),
    "add_api_key": (
        calling("api", "add_api_key", construct_id="Mobile"),
        {"construct_id": (*NOT_TEXT, ""), "usage_plan": NOT_AN_OBJECT},
    ),
    "on_messages": (calling("workflow", "on_messages"), {"max_receives": (None, *NOT_WHOLE, 0, 1001)}),
    "on_event": (
        calling("workflow", "on_event", name="Orders", event_pattern=events.EventPattern(source=["com.example"])),
        {
            "name": (*NOT_TEXT, ""),
            "event_pattern": (None, *NOT_AN_OBJECT),
            "event_bus": NOT_AN_OBJECT,
        },
    ),
    "metric_problems": (calling("function", "metric_problems"), {"kind": (*NOT_TEXT, "", "Throttled", "a b")}),
    "metric_uploads": (calling("bulk", "metric_uploads"), {"metric_name": (*NOT_TEXT, "", "submitted")}),
    "metric_records": (calling("consumer", "metric_records"), {"metric_name": (*NOT_TEXT, "", "processed")}),
}


@pytest.mark.parametrize(("call", "argument", "values"), each_argument(CASES))
def test_is_refused_by_name(call: Call, argument: str, values: Sequence[object]) -> None:
    for bad, said in refusals(call, argument, values):
        assert "got" in said, (bad, said)


BUILT = [label for label in CASES if label[0].isupper()]


@pytest.mark.parametrize("call", [CASES[label][0] for label in BUILT], ids=BUILT)
def test_what_is_not_replaced_is_accepted(call: Call) -> None:
    """Else the test above would prove nothing."""
    call(Stack(App(builtin_cloud_formation_validation=False), "Stack"), {})


def test_a_name_is_given_once(stack: Stack) -> None:
    workflow = ml.WorkflowFrontEnd(stack, "Workflow", endpoint=an_endpoint(stack))
    pattern = events.EventPattern(source=["com.example"])
    workflow.on_event("Role", event_pattern=pattern)
    with pytest.raises(ValueError, match="name must differ from call to call, got 'Role' again"):
        workflow.on_event("Role", event_pattern=pattern)


def test_ids_are_known_at_synthesis(stack: Stack) -> None:
    name = CfnParameter(stack, "Name").value_as_string
    for call, argument in (
        (calling("workflow", "on_event", event_pattern=events.EventPattern(source=["a"])), "name"),
        (calling("api", "add_api_key"), "construct_id"),
    ):
        with pytest.raises(ValueError, match=f"{argument} must be known at synthesis, got a token"):
            call(stack, {argument: name})


def test_apis_of_one_function_agree(stack: Stack) -> None:
    function = ml.FunctionFrontEnd(stack, "Function", endpoint=an_endpoint(stack))
    cors = ml.Cors(origin="https://a.example.com")
    ml.RestApiFrontEnd(stack, "One", function=function, cors=cors, canary=ml.ApiCanary())
    ml.RestApiFrontEnd(stack, "Two", function=function, cors=cors)
    with pytest.raises(ValueError, match="cors must be the same for all APIs of a function, got another for"):
        ml.RestApiFrontEnd(stack, "Three", function=function, cors=ml.Cors(origin="https://b.example.com"))
    with pytest.raises(ValueError, match="canary must be given to one API of a function, got another for"):
        ml.RestApiFrontEnd(stack, "Three", function=function, canary=ml.ApiCanary())


HOME = Environment(account="111122223333", region="eu-west-1")
GRANTS = {
    "function": "grant_execute",
    "queue": "grant_send_messages",
    "stream": "grant_put_records",
    "workflow": "grant_start_execution",
    "bulk": "grant_upload",
}


@pytest.mark.parametrize("label", GRANTS)
def test_permissions_are_for_principals_with_policies(label: str) -> None:
    """Where aws-cdk would grant nothing, and not say so."""
    service = iam.ServicePrincipal("events.amazonaws.com")
    with pytest.raises(ValueError, match="grantee must have policies of its own, as roles and users have, got <"):
        getattr(made()[label], GRANTS[label])(service)


def test_permissions_are_for_this_account(app: App) -> None:
    stack = Stack(app, "Home", env=HOME)
    function = ml.FunctionFrontEnd(stack, "Function", endpoint=an_endpoint(stack))
    role = iam.Role.from_role_arn(stack, "Role", "arn:aws:iam::444455556666:role/sender")
    with pytest.raises(ValueError, match="grantee must be of this account, 111122223333, got one of 444455556666"):
        function.grant_execute(role)
    function.grant_execute(iam.Role.from_role_arn(stack, "Own", "arn:aws:iam::111122223333:role/sender"))


def test_what_an_api_uses_is_of_its_app(stack: Stack) -> None:
    elsewhere = Stack(App(), "Elsewhere")
    pool = cognito.UserPool(elsewhere, "Pool")
    authorizer = apigateway.CognitoUserPoolsAuthorizer(elsewhere, "Authorizer", cognito_user_pools=[pool])
    with pytest.raises(ValueError, match="authorization must be of the app of what uses it, got 'Elsewhere/Auth"):
        ml.RestApiFrontEnd(stack, "Api", endpoint=an_endpoint(stack), authorization=authorizer)


def an_alarm(stack: Stack) -> cloudwatch.Alarm:
    metric = cloudwatch.Metric(namespace="a", metric_name="b")
    return cloudwatch.Alarm(stack, "Alarm", metric=metric, threshold=1, evaluation_periods=1)


ELSEWHERE: dict[str, Callable[[Stack, Stack], object]] = {
    "alarms": lambda here, there: ml.RestApiFrontEnd(
        here, "X", endpoint=an_endpoint(here), canary=ml.ApiCanary(alarms=[an_alarm(there)])
    ),
    "alarm_topic of a canary": lambda here, there: ml.RestApiFrontEnd(
        here, "X", endpoint=an_endpoint(here), canary=ml.ApiCanary(alarm_topic=sns.Topic(there, "Topic"))
    ),
    "function": lambda here, there: ml.RestApiFrontEnd(
        here, "X", function=ml.FunctionFrontEnd(there, "Function", endpoint=an_endpoint(there))
    ),
    "direct": lambda here, there: ml.RestApiFrontEnd(
        here, "X", direct=ml.DirectIntegration(endpoint=an_endpoint(there))
    ),
    "endpoint of a workflow": lambda here, there: ml.WorkflowFrontEnd(here, "X", endpoint=an_endpoint(there)),
    "success_topic": lambda here, there: ml.WorkflowFrontEnd(
        here,
        "X",
        endpoint=an_async_endpoint(here),
        success_topic=sns.Topic(there, "Topic"),
        error_topic=a_topic("bad")(here),
    ),
    "event_bus": lambda here, there: ml.WorkflowFrontEnd(here, "X", endpoint=an_endpoint(here)).on_event(
        "Orders", event_pattern=events.EventPattern(source=["a"]), event_bus=events.EventBus(there, "Bus")
    ),
    "endpoint of uploads": lambda here, there: ml.BulkInvokeFrontEnd(
        here, "X", endpoint=an_async_endpoint(there, bucket=a_bucket(there))
    ),
    "alarm_topic": lambda here, there: ml.BulkInvokeFrontEnd(
        here, "X", endpoint=an_async_endpoint(here), alarm_topic=sns.Topic(there, "Topic")
    ),
    "endpoint of a role": lambda here, there: ml.InvokerRole(
        here, "X", endpoint=an_endpoint(there), callers=["111122223333"], vpc_endpoint_ids=["vpce-0123456789abcdef0"]
    ),
    "results": lambda here, there: ml.QueueFrontEnd(
        here,
        "X",
        endpoint=an_endpoint(here),
        results=sns.Topic.from_topic_arn(here, "Topic", f"arn:aws:sns:{there.region}:111122223333:results"),
    ),
    "network": lambda here, there: ml.QueueFrontEnd(
        here, "X", endpoint=an_endpoint(here), results=None, network=ml.InferenceNetwork(there, "Network")
    ),
}


@pytest.mark.parametrize("named", ELSEWHERE)
def test_another_region_is_refused(app: App, named: str) -> None:
    here, there = (
        Stack(app, region, env=Environment(account=HOME.account, region=region))
        for region in ("eu-west-1", "us-east-1")
    )
    argument = named.partition(" of a")[0].partition(" of u")[0]
    with pytest.raises(ValueError, match=rf"^{argument} must be in the region of .*, eu-west-1, got one in us-east-1"):
        ELSEWHERE[named](here, there)
