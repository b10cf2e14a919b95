"""What a shared endpoint and the components on it must agree on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from aws_cdk import Annotations
from constructs import Construct

from ml_constructs._checks import check_each, check_length, is_token
from ml_constructs._environment import check_account, environment_of, outermost_stack
from ml_constructs._instance_types import vcpus_of_type
from ml_constructs.components.specification import ComponentSpecification
from ml_constructs.interfaces.endpoint import IEndpoint
from ml_constructs.interfaces.shared_endpoint import ISharedEndpoint
from ml_constructs.models.model import Model

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateInferenceComponent.html; the service takes no list
# of one: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sagemaker-inferencecomponent.html
SPECIFICATIONS: Final = (2, 5)
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
_POLICIES_OF_ROLE: Final = 10
_OF_THE_ENDPOINT: Final = 2  # network interfaces, captured data


def check_specifications(
    specification: ComponentSpecification | Sequence[ComponentSpecification],
) -> tuple[ComponentSpecification, ...]:
    """The specifications; `ValueError` unless one is for every instance type, or each of several for another one."""
    if isinstance(specification, ComponentSpecification):
        if specification.instance_type is not None:
            raise ValueError(
                "specification must have an instance_type only in a list of several, got "
                f"{specification.instance_type!r}"
            )
        return (specification,)
    check_each("ComponentSpecification", ComponentSpecification, specification=specification)
    check_length("specification", specification, *SPECIFICATIONS)
    types = [each.instance_type for each in specification]
    if None in types:
        raise ValueError(f"specification must have an instance_type in a list of {len(types)}, got one without")
    known = [each for each in types if not is_token(each)]
    twice = sorted({str(each) for each in known if known.count(each) > 1})
    if twice:
        raise ValueError(f"specification must have different instance types, got {', '.join(twice)} more than once")
    return tuple(specification)


def check_new_name(endpoint: IEndpoint, component_name: str | None) -> None:
    """Raise `ValueError` if another component of this app on the endpoint has the name."""
    known = endpoint.components if isinstance(endpoint, ISharedEndpoint) else ()
    if component_name is not None and component_name in {each.component_name for each in known}:
        raise ValueError(f"component_name must be unique on its endpoint, got {component_name!r} again")


def check_on_endpoint(
    scope: Construct, endpoint: ISharedEndpoint, specifications: Sequence[ComponentSpecification]
) -> None:
    """Raise `ValueError` unless the endpoint can run the specifications, as far as it is known."""
    variant = endpoint.variant
    offered = () if variant is None else variant.instance_types
    for specification in specifications:
        model = specification.model
        if isinstance(model, Model):
            check_account(scope, model=model)
            if variant is not None:
                _check_surroundings(model, endpoint)
        wanted = specification.instance_type
        known = wanted is not None and variant is not None and not any(map(is_token, (wanted, *offered)))
        if known and wanted not in offered:
            raise ValueError(
                f"instance_type must be one of variant {endpoint.variant_name}, {', '.join(offered)}, got {wanted!r}"
            )
        types = offered if wanted is None else (wanted,)
        for instance_type in types:
            specification.check_instance_type(instance_type)
        _check_cores(specification.cpu_cores, types)
        _check_accelerators(specification.accelerators, types)


def _check_surroundings(model: Model, endpoint: ISharedEndpoint) -> None:
    """The endpoint decides for all its containers; a model that says otherwise would not get what it says."""
    if model.network is not None and model.network is not endpoint.network:
        raise ValueError(
            f"model must be in the network of the endpoint, or say none, got one in {model.network.node.path}"
        )
    if model.network_isolation != endpoint.network_isolation:
        raise ValueError(
            f"model must have the network_isolation of the endpoint, {endpoint.network_isolation}, "
            f"got {model.network_isolation}"
        )


def _check_accelerators(accelerators: float | None, instance_types: Sequence[str]) -> None:
    """Raise `ValueError` where no instance type has any: the families C, M, R and T."""
    without = [each for each in instance_types if re.match(r"ml\.[cmrt]\d", each)]
    if accelerators is None or is_token(accelerators):
        return
    if without and len(without) == len(instance_types):
        raise ValueError(
            f"accelerators must not be given for instance types without any, {', '.join(without)}, got {accelerators}"
        )


def _check_cores(cores: float | None, instance_types: Sequence[str]) -> None:
    """Raise `ValueError` if no copy would ever find room."""
    counts = [vcpus_of_type(each) for each in instance_types]
    if cores is None or is_token(cores) or not counts:
        return
    known = [count for count in counts if count is not None]
    if len(known) == len(counts) and cores > max(known):
        raise ValueError(f"cpu_cores must be at most those of an instance, {max(known)}, got {cores:g}")


def warn_of_component(component: Construct, endpoint: ISharedEndpoint, models: Sequence[object]) -> None:
    """Warn of models in another stack, and of more policies than IAM attaches to a role unless asked."""
    here = environment_of(component).stack_path
    for model in models:
        if not isinstance(model, Model) or environment_of(model).stack_path == here:
            continue
        if outermost_stack(model).node.path != outermost_stack(component).node.path:
            Annotations.of(component).add_warning_v2(
                "ml-constructs:ModelInOtherStack",
                f"the model {model.node.path} is in another stack: a changed model has another name, but "
                "CloudFormation refuses to change a name that one stack exports and another imports. Create the "
                "model in the component's stack, or acknowledge this if the model never changes.",
            )
    # Each component has a policy on the endpoint's role, and a second one while it is updated.
    if len(endpoint.components) == _POLICIES_OF_ROLE - _OF_THE_ENDPOINT:
        Annotations.of(component).add_warning_v2(
            "ml-constructs:RolePolicies",
            f"{len(endpoint.components)} components have a policy each on the role of endpoint "
            f"{endpoint.endpoint_name}; IAM attaches {_POLICIES_OF_ROLE} to a role unless its quota is raised, to 25 "
            "at most: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html. Raise it, or "
            "acknowledge this.",
        )
