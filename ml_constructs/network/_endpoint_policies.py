"""The policies of VPC endpoints: encrypted in transit, and closed until something is allowed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam

from ml_constructs._checks import check_each, check_length, check_pattern


@dataclass(frozen=True)
class Callers:
    """Whom a permission is for, as a condition: a policy's `Principal` must exist when the policy is saved."""

    operator: str
    key: str
    values: tuple[str, ...]

    @classmethod
    def accounts(cls, accounts: Sequence[str]) -> Callers:
        """All principals of these accounts.

        Raises:
            ValueError: there is none, or one is malformed.
        """
        check_each("accounts", str, accounts=accounts)
        check_length("accounts", accounts, 1, 1000)
        for account in accounts:
            check_pattern("accounts", account, r"\d{12}", "ids of 12 digits")
        return cls("StringEquals", "aws:PrincipalAccount", tuple(accounts))

    @classmethod
    def role(cls, role_arn: str) -> Callers:
        """One role, in whatever session."""
        return cls("ArnEquals", "aws:PrincipalArn", (role_arn,))

    def conditions(self) -> dict[str, dict[str, object]]:
        """The condition of a statement."""
        return {self.operator: {self.key: self.values[0] if len(self.values) == 1 else list(self.values)}}


class EndpointPolicies:
    """What the VPC endpoints of one network let principals do, this account's unless told."""

    def __init__(self, account: str) -> None:
        self._account = account
        self._statements: dict[tuple[str, Callers, tuple[str, ...]], iam.PolicyStatement] = {}
        self._allowed: set[tuple[str, Callers, tuple[str, ...], str]] = set()

    def allow(
        self,
        endpoint: ec2.VpcEndpoint,
        name: str,
        resource_arn: str,
        actions: tuple[str, ...],
        callers: Callers | None = None,
    ) -> None:
        """Allow actions on a resource once, in one statement per set of actions: a policy holds 20,480 characters.

        Args:
            endpoint: The VPC endpoint.
            name: What tells the endpoint from the others of the network.
            resource_arn: The resource.
            actions: The actions, in any order.
            callers: Who may. Default: this account's principals.
        """
        callers = Callers.accounts([self._account]) if callers is None else callers
        purpose = (name, callers, tuple(sorted(set(actions))))
        if (*purpose, resource_arn) in self._allowed:
            return
        self._allowed.add((*purpose, resource_arn))
        if purpose in self._statements:
            self._statements[purpose].add_resources(resource_arn)
            return
        statement = iam.PolicyStatement(
            principals=[iam.StarPrincipal()],
            actions=list(purpose[-1]),
            resources=[resource_arn],
            conditions=callers.conditions(),
        )
        self._statements[purpose] = statement
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
