"""The policies of VPC endpoints: encrypted in transit, and closed until something is allowed."""

from __future__ import annotations

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam


class EndpointPolicies:
    """What the VPC endpoints of one network let this account's principals do."""

    def __init__(self, account: str) -> None:
        self._account = account
        self._statements: dict[tuple[str, ...], iam.PolicyStatement] = {}
        self._allowed: set[tuple[str, ...]] = set()

    def allow(self, endpoint: ec2.VpcEndpoint, name: str, resource_arn: str, actions: tuple[str, ...]) -> None:
        """Allow actions on a resource once, in one statement per set of actions: a policy holds 20,480 characters.

        Args:
            endpoint: The VPC endpoint.
            name: What tells the endpoint from the others of the network.
            resource_arn: The resource.
            actions: The actions, in any order.
        """
        actions = tuple(sorted(set(actions)))
        if (name, resource_arn, *actions) in self._allowed:
            return
        self._allowed.add((name, resource_arn, *actions))
        if (name, *actions) in self._statements:
            self._statements[name, *actions].add_resources(resource_arn)
            return
        statement = iam.PolicyStatement(
            principals=[iam.StarPrincipal()],
            actions=list(actions),
            resources=[resource_arn],
            conditions={"StringEquals": {"aws:PrincipalAccount": self._account}},
        )
        self._statements[name, *actions] = statement
        endpoint.add_to_policy(statement)

    def within_account(self) -> iam.PolicyStatement:
        """Allow this account's principals to do to this account's resources what their own policies allow."""
        within = {"aws:PrincipalAccount": self._account, "aws:ResourceAccount": self._account}
        return iam.PolicyStatement(
            principals=[iam.StarPrincipal()],
            actions=["*"],  # an endpoint's policy only limits; roles name actions and resources
            resources=["*"],
            conditions={"StringEquals": within},
        )


def deny_plain_text() -> iam.PolicyStatement:
    """What every endpoint's policy begins with: an endpoint without any statement would allow everything."""
    return iam.PolicyStatement(
        effect=iam.Effect.DENY,
        principals=[iam.StarPrincipal()],
        actions=["*"],
        resources=["*"],
        conditions={"Bool": {"aws:SecureTransport": "false"}},
    )
