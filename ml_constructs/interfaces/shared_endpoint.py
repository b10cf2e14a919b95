"""What every shared endpoint offers, owned or imported, to the inference components on it and to their callers."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct, IDependable

from ml_constructs._checks import check_given, check_grantee, check_offers
from ml_constructs.endpoint_config.shared_variant import SharedVariant
from ml_constructs.interfaces.component import IInferenceComponent
from ml_constructs.interfaces.endpoint import IEndpoint
from ml_constructs.network.inference_network import InferenceNetwork
from ml_constructs.permissions import Permission


class ISharedEndpoint(IEndpoint):
    """An endpoint for inference components, owned or imported."""

    variant_name: str
    """The one variant, on which components run."""
    variant: SharedVariant | None = None
    """What is known of its instances; None for an imported endpoint."""
    network: InferenceNetwork | None = None
    """The network of the instances, as far as known."""
    network_isolation: bool | None = None
    """Whether all containers are cut off from every network; None for an imported endpoint."""
    encryption_key: kms.IKey | None = None
    """Encrypts volumes, and the logs of components unless they say otherwise; None for an imported endpoint."""
    role: iam.IRole | None = None
    """The role that SageMaker assumes to run components; None for an imported endpoint that did not tell it."""
    _known: list[IInferenceComponent]
    _invokers: list[iam.IGrantable]

    @property
    def components(self) -> list[IInferenceComponent]:
        """The components of this app on the endpoint."""
        return list(self._known)

    def add_component(self, component: IInferenceComponent) -> None:
        """Note a component; called by each that is made. Whoever may invoke the endpoint may invoke it."""
        check_given(component=component)
        check_offers("component_arn", "an inference component", component=component)
        self._known.append(component)
        for grantee in self._invokers:
            grantee.grant_principal.add_to_principal_policy(_invoke(component.component_arn))

    def allow(self, scope: Construct, construct_id: str, permissions: Sequence[Permission]) -> list[IDependable]:
        """Give the execution role permissions, from the stack of `scope`; returns what makes them work."""
        raise NotImplementedError

    def resource(self) -> Construct | None:
        """What must exist before a component does; None for an imported endpoint."""
        return None

    def grant_invoke(
        self,
        grantee: iam.IGrantable,
        *,
        target_models: Sequence[str] | None = None,
        target_containers: Sequence[str] | None = None,
    ) -> iam.Grant:
        """Let `grantee` invoke every component of this app on the endpoint, also those that are made later.

        To allow one component alone, use its own `grant_invoke`: IAM asks for the endpoint and for the component.

        Args:
            grantee: Who may invoke.
            target_models: Not accepted: components have one model each.
            target_containers: Not accepted: components have one container each.

        Raises:
            ValueError: one of the two is given.
        """
        for argument, value in (("target_models", target_models), ("target_containers", target_containers)):
            if value is not None:
                raise ValueError(f"{argument} must not be given for a shared endpoint, got {value!r}")
        check_grantee(grantee)
        self._invokers.append(grantee)
        return iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["sagemaker:InvokeEndpoint"],
            resource_arns=[self.endpoint_arn, *(component.component_arn for component in self._known)],
        )


def _invoke(component_arn: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=["sagemaker:InvokeEndpoint"], resources=[component_arn])
