"""Security groups without the rule that allows everything."""

from __future__ import annotations

import re
from typing import Final

from aws_cdk import aws_ec2 as ec2
from constructs import Construct

# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html
DESCRIPTION_PATTERN: Final = r"[a-zA-Z0-9 ._:/()#,@\[\]+=&;{}!$*-]{1,255}"


def security_group_description(text: str) -> str:
    """A description in the characters that EC2 takes, 255 at most."""
    return re.sub(r"[^a-zA-Z0-9 ._:/()#,@\[\]+=&;{}!$*-]", "-", text)[:255]


def closed_security_group(scope: Construct, construct_id: str, *, vpc: ec2.IVpc, description: str) -> ec2.SecurityGroup:
    """Create a security group that nothing may reach, and that reaches nothing.

    EC2 adds a rule that allows everything to a group without outbound rules of its own, so this one has one.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-ec2-securitygroup.html
    """
    group = ec2.SecurityGroup(scope, construct_id, vpc=vpc, description=description, allow_all_outbound=False)
    group.add_egress_rule(ec2.Peer.ipv4("127.0.0.1/32"), ec2.Port.all_traffic(), "Nothing outbound")
    return group


def https() -> ec2.Port:
    """Made when needed: a module that calls the CDK while it is imported waits for the jsii kernel to start."""
    return ec2.Port.tcp(443)
