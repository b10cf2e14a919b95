"""AWS::WAFv2::WebACLAssociation and LoggingConfiguration. No request is inspected.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_WAFv2.html
"""

from __future__ import annotations

from typing import Final

from tests.local_aws.cloudformation.client import arguments, client
from tests.local_aws.cloudformation.resource import Created, ResourceType
from tests.local_aws.seams import Properties


def associate(_logical_id: str, properties: Properties, _stack: str) -> Created:
    """AssociateWebACL."""
    client("wafv2").associate_web_acl(**arguments("wafv2", "associate_web_acl", properties))
    return f"{properties['WebACLArn']}|{properties['ResourceArn']}", {}


def disassociate(_association: str, properties: Properties) -> None:
    """DisassociateWebACL, unless the resource has got another ACL meanwhile."""
    service = client("wafv2")
    try:
        current = service.get_web_acl_for_resource(ResourceArn=properties["ResourceArn"])["WebACL"]["ARN"]
    except service.exceptions.WAFNonexistentItemException:
        return
    if current == properties["WebACLArn"]:
        service.disassociate_web_acl(ResourceArn=properties["ResourceArn"])


def put_logging(_logical_id: str, properties: Properties, _stack: str) -> Created:
    """PutLoggingConfiguration."""
    request = arguments("wafv2", "put_logging_configuration", {"LoggingConfiguration": properties})
    client("wafv2").put_logging_configuration(**request)
    return properties["ResourceArn"], {"ManagedByFirewallManager": False}


def update_logging(_resource: str, _old: Properties, new: Properties, stack: str) -> Created:
    """PutLoggingConfiguration for the same ACL."""
    return put_logging("", new, stack)


def delete_logging(resource: str, _properties: Properties) -> None:
    """DeleteLoggingConfiguration."""
    service = client("wafv2")
    try:
        service.delete_logging_configuration(ResourceArn=resource)
    except service.exceptions.WAFNonexistentItemException:
        return


TYPES: Final = (
    ResourceType(
        name="AWS::WAFv2::WebACLAssociation",
        create=associate,
        delete=disassociate,
        create_only=("ResourceArn", "WebACLArn"),
    ),
    ResourceType(
        name="AWS::WAFv2::LoggingConfiguration",
        create=put_logging,
        update=update_logging,
        delete=delete_logging,
        create_only=("ResourceArn",),
    ),
)
