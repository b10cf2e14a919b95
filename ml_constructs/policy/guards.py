"""What protects the endpoints of a stack, read from its template: each line is a fact that a reviewer can look up."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from ml_constructs.policy.finding import ReviewedStack
from ml_constructs.policy.review import StackReview
from ml_constructs.policy.template import mapping

_ROUTES_OUT: Final = ("AWS::EC2::NatGateway", "AWS::EC2::InternetGateway", "AWS::EC2::EgressOnlyInternetGateway")


def summary(stack: StackReview) -> ReviewedStack:
    """A stack in few words."""
    return ReviewedStack(
        name=stack.name,
        file=stack.file or str(stack.template_path),
        size=stack.template_path.stat().st_size,
        services=dict(sorted(stack.services.items())),
        guards=guards(stack),
    )


def guards(stack: StackReview) -> dict[str, str]:
    """What guards the stack, by subject; subjects that the stack has nothing of are left out."""
    found = {
        "deployment": _deployments(stack),
        "alarms": _alarms(stack),
        "scaling": _scaling(stack),
        "encryption": _encryption(stack),
        "isolation": _isolation(stack),
        "access": _access(stack),
        "audit": _audit(stack),
    }
    return {subject: text for subject, text in found.items() if text}


def _deployments(stack: StackReview) -> str:
    texts = []
    for endpoint in stack.resources("AWS::SageMaker::Endpoint"):
        config = mapping(endpoint, "DeploymentConfig")
        routing = mapping(config, "BlueGreenUpdatePolicy", "TrafficRoutingConfiguration")
        strategy = "rolling" if "RollingUpdatePolicy" in config else str(routing.get("Type", "all at once")).lower()
        size = (mapping(routing, "CanarySize") or mapping(routing, "LinearStepSize")).get("Value")
        alarms = len(_as_list(mapping(config, "AutoRollbackConfiguration").get("Alarms", [])))
        share = "" if size is None else f" {size} %"
        texts.append(f"{strategy.replace('_', ' ')}{share}, rolls back on {_count(alarms, 'alarm')}")
    return "; ".join(texts)


def _alarms(stack: StackReview) -> str:
    alarms = stack.resources("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
    if not alarms:
        return ""
    notified = sum(bool(alarm.get("AlarmActions")) for alarm in alarms)
    boards = len(stack.resources("AWS::CloudWatch::Dashboard"))
    return f"{_count(len(alarms), 'alarm')}, {notified} with an action; {_count(boards, 'dashboard')}"


def _scaling(stack: StackReview) -> str:
    targets = stack.resources("AWS::ApplicationAutoScaling::ScalableTarget")
    if not targets:
        return ""
    ranges = ", ".join(
        f"{_last(target.get('ResourceId'))} {_shown(target.get('MinCapacity'))} to {_shown(target.get('MaxCapacity'))}"
        for target in targets
    )
    policies = len(stack.resources("AWS::ApplicationAutoScaling::ScalingPolicy"))
    return f"{ranges}; {'1 policy' if policies == 1 else f'{policies} policies'}"


def _encryption(stack: StackReview) -> str:
    keys = {name for name, each in stack.all_resources.items() if each["Type"] == "AWS::KMS::Key"}
    if not keys:
        return ""
    rotated = sum(key.get("EnableKeyRotation") is True for key in stack.resources("AWS::KMS::Key"))
    users = sum(
        not each["Type"].startswith(("AWS::KMS::", "AWS::IAM::")) and _mentions(each.get("Properties", {}), keys)
        for each in stack.all_resources.values()
    )
    return f"{_count(len(keys), 'customer-managed key')}, {rotated} rotated; encrypts {_count(users, 'resource')}"


def _isolation(stack: StackReview) -> str:
    models = stack.resources("AWS::SageMaker::Model")
    subnets = stack.resources("AWS::EC2::Subnet")
    texts = []
    if models:
        isolated = sum(model.get("EnableNetworkIsolation") is True for model in models)
        in_vpc = sum("VpcConfig" in model for model in models)
        texts.append(f"{isolated} of {_count(len(models), 'model')} without network, {in_vpc} in a VPC")
    if subnets:
        zones = len({json.dumps(subnet.get("AvailabilityZone")) for subnet in subnets})
        routes = len(stack.resources(*_ROUTES_OUT))
        texts.append(f"{_count(len(subnets), 'subnet')} in {_count(zones, 'zone')}, {_count(routes, 'route')} out")
    return "; ".join(texts)


def _access(stack: StackReview) -> str:
    texts = []
    methods = [each for each in stack.resources("AWS::ApiGateway::Method") if each.get("HttpMethod") != "OPTIONS"]
    if methods:
        open_methods = sum(method.get("AuthorizationType", "NONE") == "NONE" for method in methods)
        texts.append(f"{_count(len(methods), 'API method')}, {open_methods} without authorisation")
    firewalls = len(stack.resources("AWS::WAFv2::WebACLAssociation"))
    if firewalls:
        texts.append(_count(firewalls, "web ACL"))
    statements = [
        statement
        for policy in stack.resources("AWS::IAM::ManagedPolicy", "AWS::IAM::Policy")
        for statement in _as_list(mapping(policy, "PolicyDocument").get("Statement", []))
        if mapping(statement).get("Effect") == "Allow"
    ]
    if statements:
        wide = sum("*" in _as_list(statement.get("Action")) for statement in statements)
        texts.append(f"{_count(len(statements), 'policy statement')}, {wide} for all actions")
    return "; ".join(texts)


def _audit(stack: StackReview) -> str:
    trails = stack.resources("AWS::CloudTrail::Trail")
    captures = sum("DataCaptureConfig" in each for each in stack.resources("AWS::SageMaker::EndpointConfig"))
    flows = len(stack.resources("AWS::EC2::FlowLog"))
    counted = ((len(trails), "trail"), (flows, "flow log"), (captures, "endpoint with captured traffic"))
    return "; ".join(_count(number, noun) for number, noun in counted if number)


def _mentions(value: Any, names: set[str]) -> bool:  # noqa: ANN401 - any CloudFormation expression
    match value:
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), _]} if name in names:
            return True
        case Mapping():
            return any(_mentions(each, names) for each in value.values())
        case list():
            return any(_mentions(each, names) for each in value)
    return False


def _as_list(value: Any) -> list[Any]:  # noqa: ANN401 - a policy element is one or many
    return value if isinstance(value, list) else [value]


def _last(resource_id: Any) -> str:  # noqa: ANN401 - any CloudFormation expression
    """The variant or component that a scalable target names, as far as the template says it."""
    match resource_id:
        case str() | {"Fn::Sub": str()}:
            text = resource_id if isinstance(resource_id, str) else resource_id["Fn::Sub"]
            return str(text).rsplit("/", 1)[-1]
        case {"Fn::Join": [str(separator), [*parts]]}:
            return _last(separator.join(each if isinstance(each, str) else "?" for each in parts))
    return "?"


def _shown(capacity: Any) -> str:  # noqa: ANN401 - any CloudFormation expression
    return str(capacity) if isinstance(capacity, (int, str)) else "?"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
