"""The instances beneath inference components: room for copies, and their number."""

from __future__ import annotations

from functools import partial

import pytest

from tests.local_aws.sagemaker_components import (
    HALF,
    NO_ROOM,
    ask,
    configure,
    create,
    delete,
    described,
    instances,
    make_role,
    of,
    settle,
    sharing,
)
from tests.local_aws.sagemaker_harness import Emulator, refusal, servers, until


@pytest.fixture(scope="module")
def role(cloud: Emulator) -> str:
    return make_role(cloud, "beneath")


def test_what_finds_no_room_fails_and_disturbs_nobody(cloud: Emulator, role: str) -> None:
    with sharing(cloud, role, "tight", InstanceType="ml.m5.large") as endpoint:
        assert create(cloud, endpoint, "fits", of("champion", HALF), 2)["InferenceComponentStatus"] == "InService"
        before = servers(cloud)
        found = create(cloud, endpoint, "surplus", of("challenger", HALF))
        assert found["InferenceComponentStatus"] == "Failed"
        assert found["FailureReason"] == f"{NO_ROOM} for inference component surplus."
        assert found["RuntimeConfig"]["CurrentCopyCount"] == 0
        assert servers(cloud) == before
        assert ask(cloud, endpoint, "fits")["tag"] == "champion"
        cloud.client("sagemaker").update_inference_component_runtime_config(
            InferenceComponentName="fits", DesiredRuntimeConfig={"CopyCount": 3}
        )
        found = settle(cloud, "fits")
        assert found["RuntimeConfig"] == {"DesiredCopyCount": 2, "CurrentCopyCount": 2}
        assert found["FailureReason"].startswith(NO_ROOM)
        # A failed one can be mended once there is room.
        delete(cloud, "fits")
        cloud.client("sagemaker").update_inference_component(
            InferenceComponentName="surplus", Specification=of("challenger", HALF)
        )
        assert settle(cloud, "surplus")["InferenceComponentStatus"] == "InService"
        assert ask(cloud, endpoint, "surplus")["tag"] == "challenger"


def _has_instances(cloud: Emulator, endpoint: str, count: int) -> bool:
    return instances(cloud, endpoint) == count


def test_managed_scaling_adds_instances_and_ends_idle_ones(cloud: Emulator, role: str) -> None:
    scaling = {"Status": "ENABLED", "MinInstanceCount": 0, "MaxInstanceCount": 3}
    runtime = partial(cloud.client("sagemaker").update_inference_component_runtime_config)
    with sharing(cloud, role, "managed", ManagedInstanceScaling=scaling) as endpoint:
        found = cloud.client("sagemaker").describe_endpoint(EndpointName=endpoint)["ProductionVariants"][0]
        assert found["ManagedInstanceScaling"] == scaling
        assert create(cloud, endpoint, "growing", of("champion", HALF), 5)["InferenceComponentStatus"] == "InService"
        assert instances(cloud, endpoint) == 3
        assert create(cloud, endpoint, "last", of("champion", HALF))["InferenceComponentStatus"] == "InService"
        found = create(cloud, endpoint, "beyond", of("champion", HALF))
        assert found["FailureReason"].startswith(NO_ROOM)
        for name in ("last", "beyond"):
            delete(cloud, name)
        for count, expected in ((1, 1), (0, 0), (1, 1)):
            runtime(InferenceComponentName="growing", DesiredRuntimeConfig={"CopyCount": count})
            assert settle(cloud, "growing")["RuntimeConfig"]["CurrentCopyCount"] == count
            until(partial(_has_instances, cloud, endpoint, expected))
        assert ask(cloud, endpoint, "growing")["tag"] == "champion"


def test_consolidation_moves_copies_together(cloud: Emulator, role: str) -> None:
    scaling = {
        "Status": "ENABLED",
        "MinInstanceCount": 1,
        "MaxInstanceCount": 2,
        "ScaleInPolicy": {"Strategy": "CONSOLIDATION", "MaximumStepSize": 1, "CooldownInMinutes": 5},
    }
    with sharing(cloud, role, "together", InitialInstanceCount=2, ManagedInstanceScaling=scaling) as endpoint:
        create(cloud, endpoint, "spread", of("champion", HALF), 3)  # two here, one there
        runtime = cloud.client("sagemaker").update_inference_component_runtime_config
        runtime(InferenceComponentName="spread", DesiredRuntimeConfig={"CopyCount": 2})  # one here, one there
        until(lambda: instances(cloud, endpoint) == 1)
        assert len({ask(cloud, endpoint, "spread")["pid"] for _ in range(20)}) == 2


def test_the_instances_are_updated_beneath_the_copies(cloud: Emulator, role: str) -> None:
    sagemaker = cloud.client("sagemaker")
    configure(cloud, role, "larger", InstanceType="ml.m5.xlarge")
    configure(cloud, role, "smaller", InstanceType="ml.t2.medium")
    cloud.config("with-models", {"VariantName": "main", "ModelName": "champion"})
    cloud.config("renamed", {"VariantName": "other"}, ExecutionRoleArn=role)
    with sharing(cloud, role, "renewed", InitialInstanceCount=2) as endpoint:
        create(cloud, endpoint, "lasting", of("champion", {**HALF, "MinMemoryRequiredInMb": 5000}), 2)
        before = {ask(cloud, endpoint, "lasting")["pid"] for _ in range(20)}
        sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName="larger")
        assert cloud.settle(endpoint)["EndpointConfigName"] == "larger"
        assert {ask(cloud, endpoint, "lasting")["pid"] for _ in range(20)} == before
        sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName="smaller")
        found = cloud.settle(endpoint)
        assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", "larger")
        assert found["FailureReason"].startswith(NO_ROOM)
        assert {ask(cloud, endpoint, "lasting")["pid"] for _ in range(20)} == before
        for config, expected in (
            ("with-models", "cannot change between production variants with a ModelName"),
            ("renamed", 'is on variant "main", which the endpoint configuration does not have'),
        ):
            update = partial(sagemaker.update_endpoint, EndpointName=endpoint, EndpointConfigName=config)
            assert expected in refusal(update)["Error"]["Message"]


def test_instances_that_copies_need_stay(cloud: Emulator, role: str) -> None:
    sagemaker = cloud.client("sagemaker")

    def resize(count: int) -> None:
        wanted = [{"VariantName": "main", "DesiredInstanceCount": count}]
        sagemaker.update_endpoint_weights_and_capacities(EndpointName="needed", DesiredWeightsAndCapacities=wanted)

    with sharing(cloud, role, "needed", InitialInstanceCount=3) as endpoint:
        create(cloud, endpoint, "three", of("champion", HALF), 3)  # one on each
        error = refusal(lambda: resize(1))["Error"]
        assert "do not fit on 1 instances" in error["Message"]
        resize(2)
        cloud.settle(endpoint)
        assert instances(cloud, endpoint) == 2
        assert described(cloud, "three")["RuntimeConfig"]["CurrentCopyCount"] == 3
