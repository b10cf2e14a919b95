from __future__ import annotations

import json
import re
from typing import Any

import pytest
from aws_cdk import App, Duration, Stack
from aws_cdk import aws_sns as sns

import ml_constructs as ml
from ml_constructs.front_ends.workflows._definition import RETRIES, Retries
from tests.constructs.front_ends.asynchronous import allowed
from tests.constructs.front_ends.helpers import (
    one,
    resources,
)
from tests.constructs.front_ends.workflows.workflows import (
    RUNTIME_CODE,
    build,
    build_asynchronous,
    definition,
    machine,
    policy_of,
)


def test_calls_the_endpoint_without_a_function(stack: Stack) -> None:
    build(stack, accept="text/csv")
    assert resources(stack, "AWS::Lambda::Function") == {}
    invoke = definition(stack)["States"]["Invoke"]
    assert invoke["Resource"] == "arn:<AWS::Partition>:states:::aws-sdk:sagemakerruntime:invokeEndpoint"
    arguments = invoke["Arguments"]
    assert (arguments["EndpointName"], arguments["ContentType"]) == ("champion", "application/json")
    assert arguments["Accept"] == "text/csv"
    assert "InferenceComponentName" not in arguments
    assert (invoke["TimeoutSeconds"], invoke["End"]) == (70, True)
    assert definition(stack)["StartAt"] == "Invoke"


def test_calls_a_component(stack: Stack) -> None:
    endpoint = ml.SharedEndpoint.from_endpoint_name(stack, "Shared", "shared")
    component = ml.InferenceComponent.from_component_name(stack, "Component", "one", endpoint=endpoint)
    build(stack, endpoint=endpoint, component=component)
    assert definition(stack)["States"]["Invoke"]["Arguments"]["InferenceComponentName"] == "one"
    invoked = allowed(policy_of(stack, "FlowPolicy"))["sagemaker:InvokeEndpoint"]
    assert invoked == [stack.resolve(endpoint.endpoint_arn), stack.resolve(component.component_arn)]


@pytest.mark.parametrize("kind", [build, build_asynchronous])
def test_every_call_is_tried_again_with_jitter_and_then_kept(stack: Stack, kind: Any) -> None:  # noqa: ANN401
    kind(stack, retries=5)
    states = definition(stack)["States"]
    tasks = {name: state for name, state in states.items() if state["Type"] == "Task"}
    assert "KeepRequest" in tasks
    for name, task in tasks.items():
        never, again = task["Retry"]
        assert never["MaxAttempts"] == 0
        assert again == {
            "ErrorEquals": ["States.ALL"],
            "IntervalSeconds": 2,
            "BackoffRate": 2,
            "MaxDelaySeconds": 60,
            "JitterStrategy": "FULL",
            "MaxAttempts": 5,
        }
        if name != "KeepRequest":
            assert [(each["ErrorEquals"], each["Next"]) for each in task["Catch"]] == [
                (["States.DataLimitExceeded"], "KeepRequest"),
                (["States.ALL"], "KeepRequest"),
            ]


@pytest.mark.parametrize("kind", [build, build_asynchronous])
def test_every_state_leads_to_an_end(stack: Stack, kind: Any) -> None:  # noqa: ANN401
    kind(stack)
    machine_ = definition(stack)
    states = machine_["States"]
    reached, todo = set(), {machine_["StartAt"]}
    while todo:
        name = todo.pop()
        reached.add(name)
        state = states[name]
        following = {state.get("Next"), state.get("Default")}
        following |= {each["Next"] for each in (*state.get("Catch", ()), *state.get("Choices", ()))}
        todo |= {each for each in following if each is not None} - reached
        assert following != {None} or state.get("End") or state["Type"] == "Fail"
    assert reached == set(states)


@pytest.mark.parametrize("kind", [build, build_asynchronous])
def test_a_dead_letter_has_its_cause(stack: Stack, kind: Any) -> None:  # noqa: ANN401
    kind(stack)
    states = definition(stack)["States"]
    keep = states["KeepRequest"]
    ((queue, _),) = resources(stack, "AWS::SQS::Queue").items()
    assert keep["Resource"] == "arn:<AWS::Partition>:states:::sqs:sendMessage"
    assert keep["Arguments"]["QueueUrl"] == f"<{queue}>"
    assert set(keep["Arguments"]["MessageAttributes"]) == {"Cause", "CauseDetail", "EndpointName", "Execution"}
    assert keep["Next"] == "Failed"
    assert states["Failed"] == {
        "Type": "Fail",
        "Error": "{% $states.input.error %}",
        "Cause": "{% $states.input.cause %}",
    }


def test_no_call_takes_for_ever(stack: Stack) -> None:
    build(stack, retries=0)
    assert definition(stack)["TimeoutSeconds"] == 70 + 30


def test_no_execution_waits_for_ever(stack: Stack) -> None:
    build_asynchronous(stack, retries=0, time_to_live=Duration.minutes(10), invocation_timeout=Duration.minutes(5))
    found = definition(stack)
    patience = found["States"]["AwaitResult"]["TimeoutSeconds"]
    assert patience == 600 + 300 + 300
    assert found["TimeoutSeconds"] == patience + 4 * 30
    assert all("TimeoutSeconds" in state for state in found["States"].values() if state["Type"] == "Task")


def test_timeouts_leave_room_for_all_retries() -> None:
    assert Retries(count=3).seconds(70) == 4 * 70 + 3 * 60
    assert Retries(count=-1e300, is_token=True).seconds(30) == (RETRIES[1] + 1) * 30 + RETRIES[1] * 60


def test_an_asynchronous_request_is_uploaded_submitted_and_awaited(stack: Stack) -> None:
    front_end = build_asynchronous(stack, accept="text/csv", time_to_live=Duration.hours(1))
    states = definition(stack)["States"]
    ((bucket, _),) = resources(stack, "AWS::S3::Bucket").items()
    ((table, _),) = resources(stack, "AWS::DynamoDB::Table").items()
    upload, submit, wait = states["Upload"], states["Submit"], states["AwaitResult"]
    key = "\"requests/slow/executions/\" & $inferenceId & '.json'"
    assert upload["Arguments"]["Bucket"] == f"<{bucket}>"
    assert upload["Arguments"]["Key"] == f"{{% {key} %}}"
    assert upload["Assign"] == {"location": f'{{% "s3://<{bucket}>/" & {key} %}}'}
    assert submit["Resource"].endswith(":aws-sdk:sagemakerruntime:invokeEndpointAsync")
    assert submit["Arguments"]["InputLocation"] == "{% $location %}"
    assert (submit["Arguments"]["RequestTTLSeconds"], submit["Arguments"]["InvocationTimeoutSeconds"]) == (3600, 900)
    assert submit["Arguments"]["Accept"] == "text/csv"
    assert wait["Resource"].endswith(":aws-sdk:dynamodb:putItem.waitForTaskToken")
    assert wait["Arguments"]["TableName"] == f"<{table}>"
    assert wait["Arguments"]["Item"]["token"] == {"S": "{% $states.context.Task.Token %}"}
    assert wait["Retry"][0]["ErrorEquals"] == ["States.QueryEvaluationError", "InferenceFailed", "States.Timeout"]
    assert states["Locate"]["Choices"][0]["Next"] == "Submit"
    assert front_end.callback is not None


def test_inference_ids_fit_and_belong_to_one_workflow(stack: Stack) -> None:
    build_asynchronous(stack)
    (assigned,) = definition(stack)["States"]["Identify"]["Assign"].values()
    (prefix,) = re.findall(r"'([0-9a-f]{12}-)' & \$uuid\(\)", assigned)
    assert len(prefix) + 36 <= 64
    subscriptions = resources(stack, "AWS::SNS::Subscription").values()
    assert len(subscriptions) == 2
    for subscription in subscriptions:
        properties = subscription["Properties"]
        assert properties["FilterPolicy"] == {"inferenceId": [{"prefix": prefix}]}
        assert (properties["FilterPolicyScope"], properties["Protocol"]) == ("MessageBody", "lambda")


def test_one_topic_for_both_is_subscribed_to_once(stack: Stack) -> None:
    topic = sns.Topic(stack, "Results")
    build_asynchronous(stack, success_topic=topic, error_topic=topic)
    assert len(resources(stack, "AWS::SNS::Subscription")) == 1


def test_the_callback_runs_the_shipped_handler(stack: Stack) -> None:
    build_asynchronous(stack)
    function = one(stack, "AWS::Lambda::Function")["Properties"]
    assert function["Handler"] == "resume_executions.handler.handle"
    assert (RUNTIME_CODE / "resume_executions" / "handler.py").read_text().count("def handle(") == 1
    ((table, properties),) = resources(stack, "AWS::DynamoDB::Table").items()
    assert function["Environment"]["Variables"] == {"TOKENS_TABLE": {"Ref": table}}
    assert properties["Properties"]["TimeToLiveSpecification"] == {"AttributeName": "expires", "Enabled": True}
    assert properties["DeletionPolicy"] == "Delete"
    ((queue, _),) = resources(stack, "AWS::SQS::Queue").items()
    assert function["DeadLetterConfig"] == {"TargetArn": {"Fn::GetAtt": [queue, "Arn"]}}
    assert "dynamodb" in json.dumps(allowed(policy_of(stack, "FlowCallbackPolicy")))


def test_the_callback_may_resume_this_workflow_alone(stack: Stack) -> None:
    front_end = build_asynchronous(stack)
    actions = allowed(policy_of(stack, "FlowCallbackPolicy"))
    arn = stack.resolve(front_end.state_machine_arn)
    assert actions["states:SendTaskSuccess"] == actions["states:SendTaskFailure"] == [arn]
    assert {action for action in actions if action.startswith("dynamodb:")} == {"dynamodb:GetItem"}
    assert "kms:Encrypt" not in actions
    assert not {action for action in actions if action.startswith(("s3:", "sagemaker:"))}


def test_role_may_do_what_the_definition_does_and_nothing_else(stack: Stack) -> None:
    front_end = build(stack)
    actions = allowed(policy_of(stack, "FlowPolicy"))
    assert {action for action in actions if not action.startswith(("logs:", "xray:"))} == {
        "kms:Decrypt",
        "kms:GenerateDataKey",
        "sagemaker:InvokeEndpoint",
        "sqs:SendMessage",
    }
    assert actions["sagemaker:InvokeEndpoint"] == [stack.resolve(front_end.endpoint.endpoint_arn)]
    trust = one(stack, "AWS::IAM::Role")["Properties"]["AssumeRolePolicyDocument"]["Statement"][0]
    assert trust["Condition"]["ArnLike"] == {"aws:SourceArn": stack.resolve(front_end.state_machine_arn)}
    assert resources(stack, "AWS::IAM::Policy") == {}


def test_role_of_an_asynchronous_workflow_is_exact(stack: Stack) -> None:
    front_end = build_asynchronous(stack)
    actions = allowed(policy_of(stack, "FlowPolicy"))
    assert {action for action in actions if not action.startswith(("logs:", "xray:", "kms:"))} == {
        "dynamodb:PutItem",
        "s3:PutObject",
        "sagemaker:InvokeEndpointAsync",
        "sqs:SendMessage",
    }
    assert actions["s3:PutObject"][0]["Fn::Join"][1][-1] == "/requests/slow/executions/*"
    assert actions["sagemaker:InvokeEndpointAsync"] == [stack.resolve(front_end.endpoint.endpoint_arn)]


def test_executions_are_encrypted_logged_and_traced(stack: Stack) -> None:
    front_end = build(stack)
    properties = machine(stack)
    key = stack.resolve(front_end.encryption_key.key_arn)
    assert properties["EncryptionConfiguration"] == {"KmsKeyId": key, "Type": "CUSTOMER_MANAGED_KMS_KEY"}
    assert properties["TracingConfiguration"] == {"Enabled": True}
    logging = properties["LoggingConfiguration"]
    assert (logging["Level"], logging["IncludeExecutionData"]) == ("ALL", False)
    group = one(stack, "AWS::Logs::LogGroup")
    name = stack.resolve(group["Properties"]["LogGroupName"])["Fn::Join"][1]
    assert name[0].startswith("/aws/vendedlogs/states/Stack-")
    assert name[1] == {"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "AWS::StackId"}]}]}
    assert (group["Properties"]["KmsKeyId"], group["DeletionPolicy"]) == (key, "RetainExceptOnCreate")
    admitted = json.dumps(one(stack, "AWS::KMS::Key")["Properties"]["KeyPolicy"])
    assert "/aws/vendedlogs/states/Stack-*" in admitted
    (delivery,) = (
        statement
        for statement in one(stack, "AWS::KMS::Key")["Properties"]["KeyPolicy"]["Statement"]
        if statement["Principal"].get("Service") == "delivery.logs.amazonaws.com"
    )
    (encrypted,) = (
        statement
        for statement in policy_of(stack, "FlowPolicy")["Properties"]["PolicyDocument"]["Statement"]
        if statement["Action"] == "kms:GenerateDataKey"
    )
    assert delivery["Condition"] == encrypted["Condition"]  # what is encrypted in a context is decrypted in it
    assert list(delivery["Condition"]["StringEquals"]) == ["kms:EncryptionContext:SourceArn"]


@pytest.mark.parametrize(("express", "kind", "suffix"), [(False, "STANDARD", ""), (True, "EXPRESS", "-express")])
def test_another_kind_has_another_name(stack: Stack, express: bool, kind: str, suffix: str) -> None:  # noqa: FBT001
    front_end = build(stack, express=express)
    properties = machine(stack)
    assert properties["StateMachineType"] == kind
    assert re.fullmatch(r"Stack-Flow-\w{8}" + suffix, properties["StateMachineName"])
    assert str(stack.resolve(front_end.state_machine_arn)["Fn::Join"][1][-1]).endswith(properties["StateMachineName"])


def test_express_fits_into_its_five_minutes(stack: Stack) -> None:
    build(stack, express=True)
    found = definition(stack)
    assert found["TimeoutSeconds"] == 300
    assert found["States"]["Invoke"]["Retry"][1]["MaxAttempts"] == 1
    assert Retries(count=1).seconds(70) < 300


def test_names_stay_within_their_limit(app: App) -> None:
    stack = Stack(app, "S" * 100)
    build(stack, express=True)
    assert len(machine(stack)["StateMachineName"]) <= 80
