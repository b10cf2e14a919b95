"""The network of inference: isolated subnets, and a private path to exactly the services that code in them calls."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType, NoneType
from typing import Final

import jsii
from aws_cdk import Annotations, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from ml_constructs._checks import (
    check_each,
    check_given,
    check_offers,
    check_pattern,
    check_type,
    is_token,
)
from ml_constructs._environment import check_account, check_region
from ml_constructs._names import lower_case_arn
from ml_constructs.network._endpoint_policies import Callers, EndpointPolicies, deny_plain_text
from ml_constructs.network._flow_log import record_traffic
from ml_constructs.network._isolated_vpc import isolated_vpc
from ml_constructs.network._security_groups import (
    DESCRIPTION_PATTERN,
    closed_security_group,
    https,
    security_group_description,
)
from ml_constructs.network._service_names import name_in_every_partition
from ml_constructs.network._subnets import ZONES, check_addresses, check_max_azs, check_route_tables, choose_subnets

__all__ = ["InferenceNetwork", "security_group_description"]

_RUNTIME: Final = "sagemaker.runtime"  # also the beginning of the FIPS variant's name
_STS: Final = frozenset({"sts", "sts-fips"})
_ARN: Final = r"arn:[^\s]+|\*"
_ROLE_ARN: Final = r"arn:[\w-]+:iam::\d{12}:role/\S+"
_INVOKE: Final = "sagemaker:InvokeEndpoint"  # also the beginning of its asynchronous and streaming variants


@jsii.implements(ec2.IConnectable)
class InferenceNetwork(Construct):
    """A VPC of isolated subnets over several Availability Zones, without NAT or internet gateway.

    Code in them reaches Amazon S3 through a gateway endpoint, and other services through PrivateLink. The policies
    of these endpoints start closed: `allow_invoke` opens the SageMaker runtime for one SageMaker endpoint, `allow_s3`
    opens S3 for one bucket or path. The policies of a caller's role apply as well.

    Args:
        scope: The parent construct.
        construct_id: The id in `scope`.
        max_azs: Availability Zones to use, 2 to 16, as far as they exist. Default: 3. An environment-agnostic stack
            knows of two; name three in `availability_zones`.
        availability_zones: Names of the zones of a new VPC, 2 to 16, instead of `max_azs`; tokens such as
            `Fn.select(2, Fn.get_azs())` pass. Default: the first `max_azs` of the stack's region.
        cidr: The IPv4 range of a new VPC, /16 to /28. A subnet takes a sixteenth of it. Default: 10.0.0.0/16.
        vpc: An existing VPC to use, created elsewhere, imported or looked up. Its owner records its traffic. Default: a
            new VPC.
        subnets: The subnets of `vpc` to use. Default: one isolated subnet per zone, else one private subnet per zone.
        interface_endpoints: Services to reach through PrivateLink, one network interface per zone each. Default: the
            SageMaker runtime. Pass `()` where `vpc` has its own: private DNS exists once per VPC and service.
        private_dns: Whether the interface endpoints answer to the names of their services in this VPC. Default: True.
            Pass False beside a `SharedDns`, which makes these names known here and in other VPCs.
        s3_endpoint: Whether to create the S3 gateway endpoint. Default: True. Pass False where `vpc` has one already.
        s3_prefix_list: The id of the region's prefix list `com.amazonaws.<region>.s3`, which narrows outbound rules.
            Default: rules that name no address, in subnets that lead nowhere else.
        flow_log_key: Encrypts the flow log of a new VPC. Default: a new `EncryptionKey`.
        flow_log_retention: How long the flow log is kept. Default: one year.
        flow_log_interval: Over which time flows are aggregated. Default: one minute.
        removal_policy: What happens to the flow log, and to a new key, on deletion. Default: RETAIN.

    Raises:
        ValueError: `max_azs`, `availability_zones`, `cidr` or `s3_prefix_list` is out of range; `vpc` offers public
            subnets only, or comes with arguments of a new VPC; a service is named twice.

    See https://docs.aws.amazon.com/sagemaker/latest/dg/host-vpc.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        max_azs: int = 3,
        availability_zones: Sequence[str] | None = None,
        cidr: str | None = None,
        vpc: ec2.IVpc | None = None,
        subnets: ec2.SubnetSelection | None = None,
        interface_endpoints: Sequence[ec2.InterfaceVpcEndpointAwsService] | None = None,
        private_dns: bool = True,
        s3_endpoint: bool = True,
        s3_prefix_list: str | None = None,
        flow_log_key: kms.IKey | None = None,
        flow_log_retention: logs.RetentionDays = logs.RetentionDays.ONE_YEAR,
        flow_log_interval: ec2.FlowLogMaxAggregationInterval = ec2.FlowLogMaxAggregationInterval.ONE_MINUTE,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
    ) -> None:
        check_type(bool, private_dns=private_dns, s3_endpoint=s3_endpoint)
        check_type(logs.RetentionDays, flow_log_retention=flow_log_retention)
        check_type(ec2.FlowLogMaxAggregationInterval, flow_log_interval=flow_log_interval)
        check_type(RemovalPolicy, removal_policy=removal_policy)
        check_type((ec2.SubnetSelection, NoneType), subnets=subnets)
        check_type((str, NoneType), cidr=cidr)
        check_offers("key_arn", "a KMS key", flow_log_key=flow_log_key)
        check_offers("vpc_id", "a VPC", vpc=vpc)
        check_account(scope, vpc=vpc)
        check_region(scope, flow_log_key=flow_log_key)
        check_max_azs(max_azs)
        check_pattern("s3_prefix_list", s3_prefix_list, r"pl-[0-9a-f]{8,17}", "the id of a prefix list")
        services = _choose_services(interface_endpoints)
        if vpc is None:
            if subnets is not None:
                raise ValueError(f"subnets must not be given without vpc, got {subnets}")
            addresses = check_addresses(cidr, max_azs, availability_zones)
        else:
            _check_absent_with_vpc(availability_zones=availability_zones, cidr=cidr, flow_log_key=flow_log_key)
            chosen, isolated = choose_subnets(vpc, subnets, max_azs)
            if s3_endpoint:
                check_route_tables(chosen)

        super().__init__(scope, construct_id)
        self._s3_prefix_list = s3_prefix_list
        self._private_dns = private_dns
        self._policies = EndpointPolicies(Stack.of(self).account)
        self._endpoints: dict[str, ec2.InterfaceVpcEndpoint] = {}

        if vpc is None:
            self._new = True
            self._isolated = True
            created = isolated_vpc(
                self, "Vpc", addresses=addresses, max_azs=max_azs, availability_zones=availability_zones
            )
            self._vpc: ec2.IVpc = created
            self._subnets = list(created.isolated_subnets)
            record_traffic(
                self,
                created,
                key=flow_log_key,
                retention=flow_log_retention,
                interval=flow_log_interval,
                removal_policy=removal_policy,
            )
        else:
            self._new = False
            self._isolated = isolated
            self._vpc = vpc
            self._subnets = chosen
        zones = {subnet.availability_zone for subnet in self._subnets}
        if len(zones) < ZONES[0] and not any(map(is_token, zones)):
            Annotations.of(self).add_warning_v2(
                "ml-constructs:SingleAz", "vpc offers subnets in one availability zone: an outage of it stops inference"
            )

        self._security_group = closed_security_group(
            self,
            "EndpointSecurityGroup",
            vpc=self._vpc,
            description=security_group_description(f"Interface endpoints of {self.node.path}"),
        )
        self._connections = ec2.Connections(security_groups=[self._security_group], default_port=https())
        self._s3_endpoint = self._create_s3_endpoint() if s3_endpoint else None
        for service in services:
            is_runtime = service.short_name.startswith(_RUNTIME)
            self.add_interface_endpoint(service, statements=() if is_runtime else None)

    @property
    def vpc(self) -> ec2.IVpc:
        """The VPC."""
        return self._vpc

    @property
    def subnets(self) -> list[ec2.ISubnet]:
        """The subnets of models and functions, 1 to 16."""
        return list(self._subnets)

    @property
    def subnet_selection(self) -> ec2.SubnetSelection:
        """The same subnets, as aws-cdk's constructs take them."""
        return ec2.SubnetSelection(subnets=self.subnets)

    @property
    def connections(self) -> ec2.Connections:
        """Who may reach the interface endpoints, at port 443 unless told: nobody, until a security group is let in."""
        return self._connections

    @property
    def s3_endpoint(self) -> ec2.GatewayVpcEndpoint | None:
        """The S3 gateway endpoint; None where the owner of the VPC has one."""
        return self._s3_endpoint

    @property
    def interface_endpoints(self) -> Mapping[str, ec2.InterfaceVpcEndpoint]:
        """The interface endpoints by the service's short name, e.g. `sagemaker.runtime`."""
        return MappingProxyType(self._endpoints)

    @property
    def private_dns(self) -> bool:
        """Whether the interface endpoints answer to the names of their services, in this VPC alone."""
        return self._private_dns

    def add_interface_endpoint(
        self, service: ec2.InterfaceVpcEndpointAwsService, *, statements: Sequence[iam.PolicyStatement] | None = None
    ) -> ec2.InterfaceVpcEndpoint:
        """Reach a further service through PrivateLink, at a cost per zone and hour.

        For a service that supports no endpoint policies, use `network.vpc.add_interface_endpoint`.

        Args:
            service: The service.
            statements: What the endpoint's policy allows, with principals. Default: this account's principals may do to
                this account's resources what their own policies allow. `()` allows nothing yet.

        Raises:
            ValueError: the network reaches the service already.

        See https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html
        """
        check_given(service=service)
        check_offers("short_name", "a service with a short name", service=service)
        if statements is not None:
            check_each("policy statements", iam.PolicyStatement, statements=statements)
        name = service.short_name
        if name in self._endpoints:
            raise ValueError(f"service must be one without an endpoint in this network, got {name}")
        endpoint = ec2.InterfaceVpcEndpoint(
            self,
            "".join(part[:1].upper() + part[1:] for part in name.replace("-", ".").split(".")),
            vpc=self._vpc,
            service=service,
            subnets=self.subnet_selection,
            security_groups=[self._security_group],
            private_dns_enabled=self._private_dns,
            open=False,
        )
        if statements is None:
            statements = [self._policies.within_account()]
        for statement in (deny_plain_text(), *statements):
            endpoint.add_to_policy(statement)
        name_in_every_partition(endpoint, service)
        self._endpoints[name] = endpoint
        return endpoint

    def allow_invoke(self, endpoint_arn: str, *actions: str, role_arn: str | None = None) -> None:
        """Let this account's roles invoke one SageMaker endpoint from this network; their policies must allow it too.

        Where the network has no runtime endpoint of its own this changes nothing: the VPC's owner decides.

        Args:
            endpoint_arn: The endpoint, or an inference component, as its name makes it known before it exists.
            actions: `sagemaker:InvokeEndpoint`, or its asynchronous or streaming variant. Default: the first.
            role_arn: The only role that may, of any account. Default: every role of this account.

        Raises:
            ValueError: an action does not invoke an endpoint, or `role_arn` is malformed.

        See https://docs.aws.amazon.com/sagemaker/latest/dg/interface-vpc-endpoint.html
        """
        check_type(str, endpoint_arn=endpoint_arn)
        check_pattern("endpoint_arn", endpoint_arn, _ARN, "an ARN")
        check_each("actions", str, actions=actions)
        for action in actions:
            if not is_token(action) and not action.startswith(_INVOKE):
                raise ValueError(f"actions must begin with {_INVOKE}, got {action!r}")
        check_type((str, NoneType), role_arn=role_arn)
        check_pattern("role_arn", role_arn, _ROLE_ARN, "the ARN of a role")
        callers = None if role_arn is None else Callers.role(role_arn)
        for name, endpoint in self._endpoints.items():
            if name.startswith(_RUNTIME):
                self._policies.allow(endpoint, name, lower_case_arn(endpoint_arn), actions or (_INVOKE,), callers)

    def allow_assume(self, role_arn: str, *, accounts: Sequence[str] | None = None, session_tags: bool = False) -> None:
        """Let roles assume one role, of any account, from this network; their policies, and its own, must allow it too.

        Where the network has no STS endpoint of its own this changes nothing: the VPC's owner decides.

        Args:
            role_arn: The role to assume, as its name makes it known before it exists.
            accounts: Whose roles may. Default: this account's.
            session_tags: Whether with tags. Default: False.

        Raises:
            ValueError: `role_arn` or an account is malformed.

        See https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sts_vpc_endpoint_policies.html
        """
        check_type(str, role_arn=role_arn)
        check_type(bool, session_tags=session_tags)
        check_pattern("role_arn", role_arn, _ROLE_ARN, "the ARN of a role")
        callers = None if accounts is None else Callers.accounts(accounts)
        tagging = ("sts:TagSession",) if session_tags else ()
        for name, endpoint in self._endpoints.items():
            if name in _STS:
                self._policies.allow(endpoint, name, role_arn, ("sts:AssumeRole", *tagging), callers)

    def allow_s3(self, resource_arn: str, *actions: str) -> None:
        """Let this account's roles act on a bucket or its objects from this network; their policies must allow it too.

        SageMaker transfers model artefacts and customers' data through the VPC of a model, even for a container in
        network isolation. Without an S3 endpoint of the network's own this changes nothing: the VPC's owner decides.

        Args:
            resource_arn: The bucket, or its objects, e.g. `bucket.arn_for_objects("models/*")`.
            actions: Actions of S3, e.g. `s3:GetObject`; at least one.

        Raises:
            ValueError: there is no action, or one of another service.
        """
        check_type(str, resource_arn=resource_arn)
        check_pattern("resource_arn", resource_arn, _ARN, "an ARN")
        check_each("actions", str, actions=actions)
        if not actions or not all(is_token(action) or re.fullmatch(r"s3:[a-zA-Z*?]+", action) for action in actions):
            raise ValueError(f"actions must be one or more actions that begin with s3:, got {actions!r}")
        if self._s3_endpoint is not None:
            self._policies.allow(self._s3_endpoint, "s3", resource_arn, actions)

    def create_security_group(
        self, scope: Construct, construct_id: str, *, description: str, endpoints: bool = True, s3: bool = False
    ) -> ec2.SecurityGroup:
        """Create a security group that nothing may reach, and that reaches only what its members call.

        Args:
            scope: The parent of the security group.
            construct_id: The id in `scope`.
            description: What its members are, 1 to 255 of the characters that EC2 takes.
            endpoints: Whether members reach the interface endpoints. Default: True, for functions. A model needs none.
            s3: Whether members reach S3. Default: False. A model does, because SageMaker downloads its artefacts so.

        Raises:
            ValueError: `description` is malformed; or `endpoints` is True, `vpc` brings its own, and does not know its
                address range.
        """
        check_type(str, description=description)
        check_type(bool, endpoints=endpoints, s3=s3)
        check_pattern(
            "description", description, DESCRIPTION_PATTERN, "1 to 255 letters, digits and ._-:/()#,@[]+=&;{}!$*"
        )
        owners = self._owners_endpoints() if endpoints and not self._endpoints and not self._new else None
        group = closed_security_group(scope, construct_id, vpc=self._vpc, description=description)
        if owners is not None:
            group.add_egress_rule(owners, https(), "Interface endpoints of the VPC")
        elif endpoints and self._endpoints:
            group.connections.allow_to_default_port(self, "Interface endpoints")
        if s3:
            # No property of CloudFormation yields the id of the prefix list that AWS manages for S3.
            prefix_list = self._s3_prefix_list
            peer = ec2.Peer.any_ipv4() if prefix_list is None else ec2.Peer.prefix_list(prefix_list)
            group.add_egress_rule(peer, https(), "S3 through the gateway endpoint")
            if prefix_list is None and not self._isolated:
                Annotations.of(group).add_warning_v2(
                    "ml-constructs:OpenEgress",
                    "the subnets have a route out of the VPC, so outbound HTTPS reaches it: set s3_prefix_list",
                )
        return group

    def _create_s3_endpoint(self) -> ec2.GatewayVpcEndpoint:
        endpoint = ec2.GatewayVpcEndpoint(
            self,
            "S3",
            vpc=self._vpc,
            service=ec2.GatewayVpcEndpointAwsService.S3,
            subnets=[self.subnet_selection],
        )
        endpoint.add_to_policy(deny_plain_text())
        return endpoint

    def _owners_endpoints(self) -> ec2.IPeer:
        try:
            return ec2.Peer.ipv4(self._vpc.vpc_cidr_block)
        except RuntimeError as error:  # aws-cdk's way to say that an imported VPC came without its range
            raise ValueError("vpc must know its vpc_cidr_block when interface_endpoints is empty") from error


def _choose_services(
    services: Sequence[ec2.InterfaceVpcEndpointAwsService] | None,
) -> list[ec2.InterfaceVpcEndpointAwsService]:
    if services is None:
        return [ec2.InterfaceVpcEndpointAwsService.SAGEMAKER_RUNTIME]
    check_each("services", "short_name", interface_endpoints=services)
    names = [service.short_name for service in services]
    if len(set(names)) < len(names):
        raise ValueError(f"interface_endpoints must name each service once, got {', '.join(names)}")
    return list(services)


def _check_absent_with_vpc(**arguments: object) -> None:
    for argument, value in arguments.items():
        if value is not None:
            raise ValueError(f"{argument} must not be given with vpc, whose owner decides it, got {value!r}")
