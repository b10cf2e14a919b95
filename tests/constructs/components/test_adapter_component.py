from __future__ import annotations

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_iam as iam

from ml_constructs.components.adapter_component import AdapterComponent
from ml_constructs.components.inference_component import InferenceComponent
from tests.constructs.builders import (
    creation_order,
    fresh,
    model,
    only,
    resources,
    statements,
    stored,
    synthesised,
    text,
)
from tests.constructs.component_builders import COMPONENT, component, shared, specification

POLICY = "AWS::IAM::ManagedPolicy"


def adapter(stack: Stack, base: InferenceComponent | None = None, version: str = "v1") -> AdapterComponent:
    base = component(stack, specification=specification(model=model(stack))) if base is None else base
    data = stored(stack, f"adapters/{version}/model.tar.gz", version)
    return AdapterComponent(stack, "Adapter", base=base, adapter=data)


def test_runs_in_the_copies_of_its_base(stack: Stack) -> None:
    made = adapter(stack)
    (found,) = (each for name, each in resources(stack, COMPONENT).items() if name.startswith("Adapter"))
    assert found["Properties"] == {
        "EndpointName": made.endpoint.endpoint_name,
        "InferenceComponentName": made.component_name,
        "Specification": {
            "BaseInferenceComponentName": made.base.component_name,
            "Container": {"ArtifactUrl": "s3://example-models/adapters/v1/model.tar.gz"},
        },
    }


def test_goes_before_its_base_does(stack: Stack) -> None:
    """SageMaker refuses to delete a component with adapters."""
    adapter(stack)
    order = creation_order(synthesised(stack))
    base, own = (
        next(name for name in resources(stack, COMPONENT) if name.startswith(each)) for each in ("Chat", "Ada")
    )
    assert order.index(base) < order.index(own)


def test_the_roles_of_the_base_read_it(stack: Stack) -> None:
    adapter(stack)
    policies = [each for name, each in resources(stack, POLICY).items() if name.startswith("Adapter")]
    assert len(policies) == 2
    for policy in policies:
        (statement,) = statements(policy)
        assert statement["Action"] == ["s3:GetObject"]
        assert "adapters/v1/model.tar.gz" in str(statement["Resource"])


def test_another_archive_is_an_update_in_place_with_another_policy() -> None:
    found = []
    for version in ("v1", "v2"):
        _, stack = fresh()
        adapter(stack, version=version)
        found.append((set(resources(stack, COMPONENT)), set(resources(stack, POLICY))))
    assert found[0][0] == found[1][0]
    assert found[0][1] != found[1][1]


def test_another_base_is_another_adapter() -> None:
    ids = []
    for name in ("One", "Two"):
        _, stack = fresh()
        adapter(stack, component(stack, name))
        ids.append({each for each in resources(stack, COMPONENT) if each.startswith("Adapter")})
    assert ids[0] != ids[1]


def test_refuses_a_name_that_is_taken(stack: Stack) -> None:
    base = component(stack, component_name="chat")
    with pytest.raises(ValueError, match=r"^component_name must be unique on its endpoint, got 'chat' again"):
        AdapterComponent(stack, "Adapter", base=base, adapter=stored(stack), component_name="chat")


def test_is_invoked_by_its_own_name(stack: Stack) -> None:
    made = adapter(stack)
    made.grant_invoke(iam.Role(stack, "Caller", assumed_by=iam.AccountRootPrincipal()))
    (statement,) = statements(only(stack, "AWS::IAM::Policy"))
    assert f"inference-component/{made.component_name}" in str(statement["Resource"])
    assert made.metric_invocations().dimensions == {"InferenceComponentName": made.component_name}


def test_whoever_invokes_the_endpoint_invokes_it(stack: Stack) -> None:
    endpoint = shared(stack)
    made = adapter(stack, component(stack, endpoint=endpoint))
    assert made in endpoint.components


def test_an_imported_base_has_its_owner_to_let_it_read(app: App, stack: Stack) -> None:
    base = InferenceComponent.from_component_name(stack, "Base", "chat", endpoint=shared(stack))
    AdapterComponent(stack, "Adapter", base=base, adapter=stored(stack), component_name="legal")
    assert not resources(stack, POLICY)
    assert only(stack, COMPONENT)["Properties"]["InferenceComponentName"] == "legal"
    app.synth()


def test_refuses_an_adapter_of_an_adapter_and_other_things(stack: Stack) -> None:
    made = adapter(stack)
    with pytest.raises(ValueError, match="base must be a component with a model of its own, got the adapter"):
        AdapterComponent(stack, "Second", base=made, adapter=stored(stack))
    with pytest.raises(TypeError, match="base must be IInferenceComponent"):
        AdapterComponent(stack, "Third", base=shared(stack, "Other"), adapter=stored(stack))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="adapter must be ModelData"):
        AdapterComponent(stack, "Fourth", base=made.base, adapter="s3://x")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="component_name must be at most 63 letters"):
        AdapterComponent(stack, "Fifth", base=made.base, adapter=stored(stack), component_name="a_b")
    AdapterComponent(stack, "Sixth", base=made.base, adapter=stored(stack), component_name=text(stack))
