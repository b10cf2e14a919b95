"""AWS::EC2::FlowLog and the rules of security groups. No packet passes, so none is refused or logged.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_EC2.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from tests.local_aws import seams
from tests.local_aws.cloudformation.client import arguments, client
from tests.local_aws.cloudformation.resource import Created, ResourceType, extend
from tests.local_aws.seams import Attributes, Properties

_RULE_LENGTH: Final = 64
_PEERS: Final = (
    "CidrIp",
    "CidrIpv6",
    "DestinationPrefixListId",
    "DestinationSecurityGroupId",
    "SourcePrefixListId",
    "SourceSecurityGroupId",
)
_RULE: Final = ("Description", "FromPort", "GroupId", "IpProtocol", "SourceSecurityGroupOwnerId", "ToPort", *_PEERS)


def create_flow_log(_logical_id: str, properties: Properties, _stack: str) -> Created:
    """CreateFlowLogs for one resource."""
    given = {key: value for key, value in properties.items() if key not in {"ResourceId", "Tags"}}
    request = arguments("ec2", "create_flow_logs", {"ResourceIds": [properties["ResourceId"]]} | given)
    if properties.get("Tags"):
        request["TagSpecifications"] = [{"ResourceType": "vpc-flow-log", "Tags": properties["Tags"]}]
    answer = client("ec2").create_flow_logs(**request)
    if answer.get("Unsuccessful"):
        raise RuntimeError(answer["Unsuccessful"][0]["Error"]["Message"])
    return answer["FlowLogIds"][0], {"Id": answer["FlowLogIds"][0]}


def retag_flow_log(flow_log: str, old: Properties, new: Properties, _stack: str) -> Created:
    """CreateTags and DeleteTags: nothing else of a flow log can change."""
    kept = {tag["Key"] for tag in new.get("Tags", [])}
    gone = [{"Key": tag["Key"]} for tag in old.get("Tags", []) if tag["Key"] not in kept]
    if gone:
        client("ec2").delete_tags(Resources=[flow_log], Tags=gone)
    if new.get("Tags"):
        client("ec2").create_tags(Resources=[flow_log], Tags=new["Tags"])
    return flow_log, {"Id": flow_log}


def delete_flow_log(flow_log: str, _properties: Properties) -> None:
    """DeleteFlowLogs."""
    client("ec2").delete_flow_logs(FlowLogIds=[flow_log])


def permission(properties: Properties) -> dict[str, Any]:
    """A rule's properties as an `IpPermission` of the API.

    Raises:
        ValueError: the rule names no peer, or more than one.
    """
    given = [name for name in _PEERS if properties.get(name) is not None]
    if len(given) != 1:
        raise ValueError(f"a security group rule names exactly one peer, got {given or 'none'}")
    peer, description = given[0], {"Description": properties["Description"]} if "Description" in properties else {}
    where, key = {
        "CidrIp": ("IpRanges", "CidrIp"),
        "CidrIpv6": ("Ipv6Ranges", "CidrIpv6"),
        "DestinationPrefixListId": ("PrefixListIds", "PrefixListId"),
        "SourcePrefixListId": ("PrefixListIds", "PrefixListId"),
        "DestinationSecurityGroupId": ("UserIdGroupPairs", "GroupId"),
        "SourceSecurityGroupId": ("UserIdGroupPairs", "GroupId"),
    }[peer]
    ports: dict[str, Any] = {name: int(properties[name]) for name in ("FromPort", "ToPort") if name in properties}
    return {"IpProtocol": str(properties["IpProtocol"]), **ports, where: [{key: properties[peer], **description}]}


def _rules(direction: str) -> ResourceType:
    def create(logical_id: str, properties: Properties, stack: str) -> Created:
        authorize: Callable[..., Any] = getattr(client("ec2"), f"authorize_security_group_{direction}")
        authorize(GroupId=properties["GroupId"], IpPermissions=[permission(properties)])
        rule = seams.physical_name(stack, logical_id, length=_RULE_LENGTH, lowercase=True)
        return f"sgr-{rule}", {"Id": f"sgr-{rule}"}

    def delete(_rule: str, properties: Properties) -> None:
        service = client("ec2")
        try:
            getattr(service, f"revoke_security_group_{direction}")(
                GroupId=properties["GroupId"], IpPermissions=[permission(properties)]
            )
        except service.exceptions.ClientError as error:
            if "NotFound" not in error.response["Error"]["Code"]:
                raise

    return ResourceType(
        name=f"AWS::EC2::SecurityGroup{direction.capitalize()}", create=create, delete=delete, create_only=_RULE
    )


def _range_of_vpc(vpc: str, _properties: Properties) -> Attributes:
    """The emulator's provisioner does not offer these attributes."""
    described = client("ec2").describe_vpcs(VpcIds=[vpc])["Vpcs"][0]
    associations = [item["AssociationId"] for item in described.get("CidrBlockAssociationSet", [])]
    return {"CidrBlock": described["CidrBlock"], "CidrBlockAssociations": associations, "Ipv6CidrBlocks": []}


def install() -> None:
    """Complete the types that MiniStack has."""
    extend("AWS::EC2::VPC", _range_of_vpc)


TYPES: Final = (
    ResourceType(
        name="AWS::EC2::FlowLog",
        create=create_flow_log,
        update=retag_flow_log,
        delete=delete_flow_log,
        create_only=(
            "DeliverCrossAccountRole",
            "DeliverLogsPermissionArn",
            "DestinationOptions",
            "LogDestination",
            "LogDestinationType",
            "LogFormat",
            "LogGroupName",
            "MaxAggregationInterval",
            "ResourceId",
            "ResourceType",
            "TrafficType",
        ),
    ),
    _rules("ingress"),
    _rules("egress"),
)
