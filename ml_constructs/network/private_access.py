"""The callers' side of private access: from their own VPC to a SageMaker endpoint of this account or of another."""

from __future__ import annotations

from collections.abc import Sequence
from types import NoneType
from typing import Final

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from ml_constructs._checks import check_grantee, check_pattern, check_type, is_token
from ml_constructs._environment import check_account, environment_of
from ml_constructs._names import lower_case_arn
from ml_constructs.network.inference_network import InferenceNetwork

_ENDPOINT: Final = r"arn:[\w-]+:sagemaker:[\w-]+:\d{12}:endpoint/[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}"
_COMPONENT: Final = r"arn:[\w-]+:sagemaker:[\w-]+:\d{12}:inference-component/[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}"
_ROLE: Final = r"arn:[\w-]+:iam::\d{12}:role/\S+"
_RUNTIME: Final = "sagemaker.runtime"
_STS: Final = "sts"
_FIPS: Final = "-fips"
_GOV_CLOUD: Final = "us-gov-"


class PrivateAccess(Construct):
    """Lets callers in a VPC invoke one SageMaker endpoint, and no other, without a way to the internet.

    The interface endpoints are the network's, which several of these may share: private DNS exists once per VPC and
    service. SageMaker finds an endpoint in the account of whoever signs the request, so that callers of another account
    assume a role of the endpoint's, an `InvokerRole`. For these the network reaches STS as well.

    Args:
        scope: The parent construct.
        construct_id: The id in `scope`.
        network: The network in the callers' VPC, or in a central one that theirs is connected with. Its runtime
            endpoint, and that of STS, are opened as far as they are its own.
        endpoint_arn: The SageMaker endpoint, in this region. SageMaker writes its name in lower case.
        component_arn: The only inference component to call on it. Default: requests name none.
        role_arn: The role of the endpoint's account that callers assume. Required where that is not the network's
            account. Default: callers invoke the endpoint as who they are.
        accounts: Whose roles may assume `role_arn` through this network, which differs for a central one. Default: the
            network's account.
        session_tags: Whether callers carry tags over to the role, for which there is another action. Default: False.
        asynchronous: Whether the endpoint is asynchronous, for which there is another action. Default: False.

    Raises:
        ValueError: an ARN is malformed or in another region, `role_arn` is of another account than the endpoint or is
            missing, or `accounts` or `session_tags` come without it.

    See https://docs.aws.amazon.com/sagemaker/latest/dg/interface-vpc-endpoint.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        network: InferenceNetwork,
        endpoint_arn: str,
        component_arn: str | None = None,
        role_arn: str | None = None,
        accounts: Sequence[str] | None = None,
        session_tags: bool = False,
        asynchronous: bool = False,
    ) -> None:
        check_type(InferenceNetwork, network=network)
        check_type(str, endpoint_arn=endpoint_arn)
        check_type((str, NoneType), component_arn=component_arn, role_arn=role_arn)
        check_type(bool, session_tags=session_tags, asynchronous=asynchronous)
        check_pattern("endpoint_arn", endpoint_arn, _ENDPOINT, "the ARN of a SageMaker endpoint")
        check_pattern("component_arn", component_arn, _COMPONENT, "the ARN of an inference component")
        check_pattern("role_arn", role_arn, _ROLE, "the ARN of a role")
        check_account(scope, network=network)
        _check_places(network, endpoint_arn, component_arn, role_arn)
        if accounts is not None and role_arn is None:
            raise ValueError(f"accounts must not be given without role_arn, which they assume, got {accounts!r}")
        if session_tags and role_arn is None:
            raise ValueError("session_tags must be False without role_arn, which takes them, got True")
        if component_arn is not None and asynchronous:
            raise ValueError(f"component_arn must not be given for an asynchronous endpoint, got {component_arn!r}")

        super().__init__(scope, construct_id)
        self.network: Final = network
        self.role_arn: Final = role_arn
        self._assume = ["sts:AssumeRole", *(["sts:TagSession"] if session_tags else [])]
        self._action = "sagemaker:InvokeEndpointAsync" if asynchronous else "sagemaker:InvokeEndpoint"
        self._resources = [lower_case_arn(arn) for arn in (endpoint_arn, component_arn) if arn is not None]
        for resource in self._resources:
            network.allow_invoke(resource, self._action, role_arn=role_arn)
        if role_arn is not None:
            self._reach_sts()
            network.allow_assume(role_arn, accounts=accounts, session_tags=session_tags)

    @property
    def vpc_endpoint_ids(self) -> list[str]:
        """The ids of the network's runtime endpoints, which an `InvokerRole` of the endpoint's account names."""
        return [
            endpoint.vpc_endpoint_id
            for name, endpoint in self.network.interface_endpoints.items()
            if name.startswith(_RUNTIME)
        ]

    def grant_invoke(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee`, of this account, invoke the endpoint: through the role, if there is one, or else directly."""
        check_grantee(grantee)
        if self.role_arn is not None:
            return iam.Grant.add_to_principal(grantee=grantee, actions=self._assume, resource_arns=[self.role_arn])
        return iam.Grant.add_to_principal(grantee=grantee, actions=[self._action], resource_arns=self._resources)

    def _reach_sts(self) -> None:
        """Create the endpoint of STS, closed but for what is allowed, unless somebody decides about it."""
        names = set(self.network.interface_endpoints)
        runtimes = {name for name in names if name.startswith(_RUNTIME)}
        if not runtimes or any(name in names for name in (_STS, f"{_STS}{_FIPS}")):
            return
        # The FIPS endpoint of STS in GovCloud is its only one, under the plain name.
        fips = all(name.endswith(_FIPS) for name in runtimes)
        fips = fips and not environment_of(self).region.startswith(_GOV_CLOUD)
        service = ec2.InterfaceVpcEndpointAwsService
        self.network.add_interface_endpoint(service.STS_FIPS if fips else service.STS, statements=())


def _check_places(
    network: InferenceNetwork, endpoint_arn: str, component_arn: str | None, role_arn: str | None
) -> None:
    """Raise `ValueError` unless everything is where requests look for it, as far as that is known."""
    here = environment_of(network)
    region, account = _place(endpoint_arn)
    if region is not None and not is_token(here.region) and region != here.region:
        raise ValueError(f"endpoint_arn must be in the region of network, {here.region}, got {endpoint_arn!r}")
    if (
        component_arn is not None
        and account is not None
        and _place(component_arn) not in {(None, None), (region, account)}
    ):
        raise ValueError(f"component_arn must be where the endpoint is, got {component_arn!r}")
    if account is None:
        return
    if role_arn is None and not is_token(here.account) and account != here.account:
        raise ValueError(
            f"role_arn must be given for an endpoint of another account than the network's, {here.account}, got None"
        )
    if role_arn is not None and _place(role_arn)[1] not in {None, account}:
        raise ValueError(f"role_arn must be of the endpoint's account, {account}, got {role_arn!r}")


def _place(arn: str) -> tuple[str | None, str | None]:
    """The region and the account of an ARN, unless it is a token."""
    if is_token(arn):
        return None, None
    _, _, _, region, account, _ = arn.split(":", 5)
    return region, account
