"""Inference components: models in copies on the instances of an endpoint that has no model of its own."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.local_aws.sagemaker_components import (
    PREFIX,
    SMALL,
    Members,
    all_names,
    ask,
    component,
    delete,
    described,
    make_role,
    of,
    settle,
    sharing,
    statistic,
)
from tests.local_aws.sagemaker_harness import Emulator, refusal, servers, until

ROLLING = {"MaximumBatchSize": {"Type": "COPY_COUNT", "Value": 1}, "WaitIntervalInSeconds": 60}


@pytest.fixture(scope="module")
def role(cloud: Emulator) -> str:
    return make_role(cloud, "shared")


@pytest.fixture(scope="module")
def shared(cloud: Emulator, role: str) -> Iterator[str]:
    with sharing(cloud, role, "Shared", InitialInstanceCount=2, InstanceType="ml.m5.xlarge") as endpoint:
        yield endpoint


def test_copies_share_the_instances_of_an_endpoint(cloud: Emulator, shared: str) -> None:
    before = servers(cloud)
    variant = cloud.client("sagemaker").describe_endpoint(EndpointName=shared)["ProductionVariants"][0]
    assert (variant["CurrentInstanceCount"], variant["DeployedImages"]) == (2, [])
    with (
        component(cloud, shared, "First", of("champion"), copies=2) as first,
        component(cloud, shared, "Second", of("challenger")),
    ):
        assert first["InferenceComponentArn"] == f"{PREFIX}:inference-component/first"
        assert first["EndpointArn"] == f"{PREFIX}:endpoint/shared"
        assert first["VariantName"] == "main"
        assert first["RuntimeConfig"] == {"DesiredCopyCount": 2, "CurrentCopyCount": 2}
        assert first["Specification"]["ModelName"] == "champion"
        answers = [ask(cloud, shared, "First") for _ in range(20)]
        assert {answer["tag"] for answer in answers} == {"champion"}
        assert len({answer["pid"] for answer in answers}) == 2
        answer = cloud.invoke(shared, InferenceComponentName="Second")
        assert (answer["Body"]["tag"], answer["InvokedProductionVariant"]) == ("challenger", "main")
        assert len(servers(cloud) - before) == 3
    assert servers(cloud) == before


def test_components_are_listed(cloud: Emulator, shared: str) -> None:
    sagemaker = cloud.client("sagemaker")
    with (
        component(cloud, shared, "list-a", of("champion")),
        component(cloud, shared, "list-b", of("champion")),
        component(cloud, shared, "list-c", of("champion")),
    ):
        assert {"list-a", "list-b", "list-c"} <= set(all_names(cloud))
        arguments = {"NameContains": "LIST", "SortBy": "Name", "SortOrder": "Ascending", "StatusEquals": "InService"}
        found = sagemaker.list_inference_components(**arguments, VariantNameEquals="main")["InferenceComponents"]
        assert [item["InferenceComponentName"] for item in found] == ["list-a", "list-b", "list-c"]
        assert sagemaker.list_inference_components(VariantNameEquals="other")["InferenceComponents"] == []
        arn = f"{PREFIX}:inference-component/list-a"
        sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "a", "Value": "1"}])
        assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "1"}]


def test_copies_come_and_go_down_to_none(cloud: Emulator, shared: str) -> None:
    sagemaker = cloud.client("sagemaker")
    with component(cloud, shared, "elastic", of("champion")):
        for count in (3, 0, 1):
            sagemaker.update_inference_component_runtime_config(
                InferenceComponentName="elastic", DesiredRuntimeConfig={"CopyCount": count}
            )
            found = settle(cloud, "elastic")
            assert found["RuntimeConfig"] == {"DesiredCopyCount": count, "CurrentCopyCount": count}
            if count:
                assert ask(cloud, shared, "elastic")["tag"] == "champion"
                continue
            error = refusal(lambda: ask(cloud, shared, "elastic"))["Error"]
            assert error["Code"] == "ValidationError"
            assert error["Message"] == (
                "Inference Component has no capacity to process this request. ApplicationAutoScaling may be "
                "in-progress (if configured) or try to increase the capacity by invoking "
                "UpdateInferenceComponentRuntimeConfig API."
            )
        until(lambda: statistic(cloud, "AWS/SageMaker", "NoCapacityInvocationFailures", "elastic") == 1)


def test_a_container_needs_no_model(cloud: Emulator, shared: str) -> None:
    container = {"Image": "image:2", "ArtifactUrl": "s3://models/model.tar.gz", "Environment": {"TAG": "bare"}}
    specification = {"Container": container, "ComputeResourceRequirements": SMALL}
    with component(cloud, shared, "bare", specification) as found:
        assert found["Specification"]["Container"]["DeployedImage"]["SpecifiedImage"] == "image:2"
        assert ask(cloud, shared, "bare")["tag"] == "bare"


def test_an_update_replaces_copies_batch_by_batch_and_loses_no_request(cloud: Emulator, shared: str) -> None:
    stop, tags, errors = threading.Event(), list[str](), list[str]()

    def call() -> None:
        while not stop.is_set():
            try:
                tags.append(ask(cloud, shared, "rolled")["tag"])
            except cloud.client("sagemaker-runtime").exceptions.ClientError as error:
                errors.append(str(error))

    with component(cloud, shared, "rolled", of("champion"), copies=2):
        caller = threading.Thread(target=call)
        caller.start()
        try:
            until(lambda: len(tags) > 5)
            cloud.client("sagemaker").update_inference_component(
                InferenceComponentName="rolled",
                Specification=of("challenger"),
                DeploymentConfig={"RollingUpdatePolicy": ROLLING},
            )
            found = settle(cloud, "rolled")
            seen = len(tags)
            until(lambda: len(tags) > seen + 5)
        finally:
            stop.set()
            caller.join()
        assert errors == []
        assert found["Specification"]["ModelName"] == "challenger"
        assert found["LastDeploymentConfig"]["RollingUpdatePolicy"]["WaitIntervalInSeconds"] == 60
        assert found["RuntimeConfig"] == {"DesiredCopyCount": 2, "CurrentCopyCount": 2}
        assert set(tags[:5]) == {"champion"}
        assert set(tags[seen + 1 :]) == {"challenger"}


def test_an_update_that_does_not_start_leaves_the_old_copies(cloud: Emulator, shared: str) -> None:
    with component(cloud, shared, "kept", of("champion"), copies=2):
        before = {ask(cloud, shared, "kept")["pid"] for _ in range(20)}
        cloud.client("sagemaker").update_inference_component(
            InferenceComponentName="kept", Specification=of("broken"), RuntimeConfig={"CopyCount": 3}
        )
        found = settle(cloud, "kept")
        assert found["InferenceComponentStatus"] == "InService"
        assert "did not pass the ping health check" in found["FailureReason"]
        assert found["Specification"]["ModelName"] == "champion"
        assert found["RuntimeConfig"] == {"DesiredCopyCount": 2, "CurrentCopyCount": 2}
        assert {ask(cloud, shared, "kept")["pid"] for _ in range(20)} == before


def test_an_alarm_turns_an_update_back(cloud: Emulator, shared: str) -> None:
    cloudwatch, sagemaker = cloud.client("cloudwatch"), cloud.client("sagemaker")
    alarm = {"AlarmName": "component-alarm", "Namespace": "Own", "MetricName": "M", "Statistic": "Sum", "Period": 60}
    cloudwatch.put_metric_alarm(
        **alarm, EvaluationPeriods=1, Threshold=1, ComparisonOperator="GreaterThanThreshold", TreatMissingData="ignore"
    )
    update = {
        "InferenceComponentName": "alarmed",
        "Specification": of("challenger"),
        "DeploymentConfig": {
            "RollingUpdatePolicy": {**ROLLING, "WaitIntervalInSeconds": 3600},
            "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "component-alarm"}]},
        },
    }
    with component(cloud, shared, "alarmed", of("champion"), copies=2):
        sagemaker.update_inference_component(**update)
        until(lambda: ask(cloud, shared, "alarmed")["tag"] == "challenger")
        cloudwatch.set_alarm_state(AlarmName="component-alarm", StateValue="ALARM", StateReason="told to")
        found = settle(cloud, "alarmed")
        assert "component-alarm. The inference component was rolled back" in found["FailureReason"]
        assert {ask(cloud, shared, "alarmed")["tag"] for _ in range(10)} == {"champion"}
    unknown = {"Alarms": [{"AlarmName": "nobody"}]}
    with component(cloud, shared, "unalarmed", of("champion")):
        update |= {"InferenceComponentName": "unalarmed"}
        update["DeploymentConfig"] = {"RollingUpdatePolicy": ROLLING, "AutoRollbackConfiguration": unknown}
        error = refusal(lambda: sagemaker.update_inference_component(**update))["Error"]
        assert "Could not find alarm nobody" in error["Message"]


def test_a_copy_that_dies_is_replaced(cloud: Emulator, shared: str) -> None:
    with component(cloud, shared, "mortal", of("champion")):
        pid = ask(cloud, shared, "mortal")["pid"]
        os.kill(pid, signal.SIGKILL)
        error = cloud.client("sagemaker-runtime").exceptions.ClientError

        def answer() -> Members | None:
            try:
                return ask(cloud, shared, "mortal")
            except error:
                return None

        assert until(answer)["pid"] != pid
        until(lambda: described(cloud, "mortal")["RuntimeConfig"]["CurrentCopyCount"] == 1)


def test_a_failure_is_told_and_logged_by_component(cloud: Emulator, shared: str) -> None:
    with component(cloud, shared, "failing", of("champion")):
        response = refusal(lambda: ask(cloud, shared, "failing", {"fail": True}))
        assert "Received server error (500) from primary" in response["Error"]["Message"]
        group, _, stream = response["LogStreamArn"].partition(":log-group:")[2].partition(":log-stream:")
        assert group == "/aws/sagemaker/InferenceComponents/failing"
        assert stream.startswith("main/i-")

        def said() -> str:
            logs = cloud.client("logs")
            groups = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
            events = logs.get_log_events(logGroupName=group, logStreamName=stream)["events"] if groups else []
            return " ".join(event["message"] for event in events)

        until(lambda: "the model does not like this" in said())


def test_a_component_streams_its_answer(cloud: Emulator, shared: str) -> None:
    with component(cloud, shared, "streaming", of("champion")):
        stream = cloud.client("sagemaker-runtime").invoke_endpoint_with_response_stream(
            EndpointName=shared,
            InferenceComponentName="streaming",
            ContentType="application/json",
            Body=b'{"parts": {"number": 2}}',
        )
        assert stream["InvokedProductionVariant"] == "main"
        assert b"".join(event["PayloadPart"]["Bytes"] for event in stream["Body"]) == b"part 0;part 1;end"


def test_metrics_are_by_component(cloud: Emulator, shared: str) -> None:
    with component(cloud, shared, "measured", of("champion"), copies=2):
        for _ in range(4):
            ask(cloud, shared, "measured")
        refusal(lambda: ask(cloud, shared, "measured", {"fail": True}))
        until(lambda: statistic(cloud, "AWS/SageMaker", "Invocations", "measured") == 5)
        assert statistic(cloud, "AWS/SageMaker", "InvocationsPerCopy", "measured") == 2.5
        assert statistic(cloud, "AWS/SageMaker", "Invocation5XXErrors", "measured") == 1
        assert statistic(cloud, "AWS/SageMaker", "ModelLatency", "measured") > 0
        space = "/aws/sagemaker/InferenceComponents"
        until(lambda: statistic(cloud, space, "MemoryUtilizationNormalized", "measured") > 0)
        assert statistic(cloud, space, "CPUUtilizationNormalized", "measured", "SampleCount") > 0


def test_nothing_is_left_of_a_component(cloud: Emulator, shared: str, cloud_directory: Path) -> None:
    before = sorted((cloud_directory / "sagemaker" / "instances").iterdir())
    with component(cloud, shared, "traceless", of("champion")):
        assert sorted((cloud_directory / "sagemaker" / "instances").iterdir()) != before
    assert sorted((cloud_directory / "sagemaker" / "instances").iterdir()) == before
    error = refusal(lambda: described(cloud, "traceless"))["Error"]
    assert error["Message"] == f'Could not find inference component "{PREFIX}:inference-component/traceless".'


def test_rights_on_the_endpoint_and_on_the_component_are_needed(cloud: Emulator, shared: str) -> None:
    arns = {"endpoint": f"{PREFIX}:endpoint/shared", "component": f"{PREFIX}:inference-component/guarded"}
    with component(cloud, shared, "guarded", of("champion")):
        for name, resources, is_allowed in (
            ("of-both", list(arns.values()), True),
            ("of-the-endpoint", [arns["endpoint"]], False),
            ("of-the-component", [arns["component"]], False),
        ):
            allowed = {"Effect": "Allow", "Action": "sagemaker:InvokeEndpoint", "Resource": resources}
            caller = cloud.client("sagemaker-runtime", cloud.user(name, allowed))
            call = partial(
                caller.invoke_endpoint, EndpointName=shared, InferenceComponentName="guarded", Body=b"{}",
                ContentType="application/json",
            )  # fmt: skip
            if is_allowed:
                call()
            else:
                assert refusal(call)["Error"]["Code"] == "AccessDeniedException"
        manager = cloud.client("sagemaker", cloud.user("manager"))
        error = refusal(lambda: manager.delete_inference_component(InferenceComponentName="guarded"))["Error"]
        assert f"sagemaker:DeleteInferenceComponent on resource: {arns['component']}" in error["Message"]


def test_each_instance_type_may_have_a_specification(cloud: Emulator, shared: str) -> None:
    specifications = [
        of("challenger", InstanceType="ml.c5.large"),
        of("champion", InstanceType="ml.m5.xlarge"),
    ]
    cloud.client("sagemaker").create_inference_component(
        InferenceComponentName="chosen",
        EndpointName=shared,
        Specifications=specifications,
        RuntimeConfig={"CopyCount": 1},
    )
    try:
        assert [one["ModelName"] for one in settle(cloud, "chosen")["Specifications"]] == ["challenger", "champion"]
        assert ask(cloud, shared, "chosen")["tag"] == "champion"
    finally:
        delete(cloud, "chosen")
