"""What a copy of an inference component runs, and what must be read to run it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from ml_constructs.components.specification import ComponentSpecification
from ml_constructs.models._execution_role import pull
from ml_constructs.models.container import Container
from ml_constructs.models.model import Model
from ml_constructs.permissions import Permission


@dataclass(frozen=True, kw_only=True)
class Served:
    """A model or a container in the stack of its component.

    Args:
        model_name: The model, if there is one.
        container: The image, the archive and the environment, if there is none.
        reads: What a role needs to run it, as far as known.
    """

    model_name: str | None = None
    container: dict[str, Any] | None = None
    reads: Sequence[Permission] = ()


def serve(scope: Construct, specification: ComponentSpecification) -> Served:
    """Make what a specification serves usable in the stack of `scope`."""
    if specification.container is not None:
        return _serve_container(scope, specification.container)
    model = specification.model
    assert model is not None  # noqa: S101 - one of both is given
    return Served(model_name=model.model_name, reads=model.reads if isinstance(model, Model) else ())


def _serve_container(scope: Construct, container: Container) -> Served:
    bound = container.bind(scope)
    return Served(
        container={
            "image": bound.images[0].uri,
            "artifact_url": bound.data[0].url if bound.data else None,
            "environment": dict(container.environment) or None,
        },
        reads=[*pull(bound.images), *(each for data in bound.data for each in data.permissions)],
    )


def render(specifications: Sequence[ComponentSpecification], served: Sequence[Served]) -> dict[str, Any]:
    """One specification, or one for each instance type, as properties of the component."""
    component = sagemaker.CfnInferenceComponent
    if len(specifications) == 1:
        (one,), (specification,) = served, specifications
        container = (
            None
            if one.container is None
            else component.InferenceComponentContainerSpecificationProperty(**one.container)
        )
        return {
            "specification": component.InferenceComponentSpecificationProperty(
                **specification.render({"model_name": one.model_name, "container": container})
            )
        }
    return {
        "specifications": [
            component.InferenceComponentSpecificationForInstanceTypeProperty(
                instance_type=specification.instance_type or "",  # given by each of several
                **specification.render(
                    {
                        "model_name": one.model_name,
                        "container": None
                        if one.container is None
                        else component.InferenceComponentContainerSpecificationForInstanceTypeProperty(**one.container),
                    }
                ),
            )
            for specification, one in zip(specifications, served, strict=True)
        ]
    }
