"""What AWS refuses of an update that CloudFormation begins: taken names, and what an endpoint cannot become."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from tests.constructs.builders import references
from tests.constructs.updates.plan import Plan, Template

Variants = Mapping[str, Mapping[str, Any]]

# What tells a resource from its like in an account and region; a template sets these to literals.
_NAMES: Final = {
    "AWS::ApiGateway::DomainName": ("DomainName",),
    "AWS::ApplicationAutoScaling::ScalableTarget": ("ResourceId", "ScalableDimension"),
    "AWS::ApplicationAutoScaling::ScalingPolicy": ("PolicyName",),
    "AWS::CloudWatch::Alarm": ("AlarmName",),
    "AWS::Logs::LogGroup": ("LogGroupName",),
    "AWS::SageMaker::Endpoint": ("EndpointName",),
    "AWS::SageMaker::InferenceComponent": ("InferenceComponentName",),
    "AWS::StepFunctions::StateMachine": ("StateMachineName",),
}
_DOCS: Final = "https://docs.aws.amazon.com/sagemaker/latest/dg"
SOURCES: Final = {
    "scaled": f"{_DOCS}/endpoint-scaling-update.html",
    "renamed": f"{_DOCS}/deployment-guardrails-exclusions.html",
    "serverless": f"{_DOCS}/serverless-endpoints-update.html",
    "asynchronous": "https://github.com/aws/sagemaker-python-sdk/pull/3124",
}


def taken(plan: Plan) -> set[str]:
    """The types of the resources that are made while another one of the same name exists."""
    names = {_full_name(each) for each in plan.before["Resources"].values()} - {None}
    made = (plan.after["Resources"][step.id] for step in plan.steps if step.what == "create")
    return {each["Type"] for each in made if _full_name(each) in names}


def read_twice(plan: Plan) -> list[str]:
    """Event source mappings that are made while Lambda has another one of the same source and function.

    https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html: ResourceConflictException
    """
    replaced = set(plan.ids("replaced"))
    mappings = plan.ids("replaced", "Lambda::EventSourceMapping")
    return [each for each in mappings if not _reads_else(plan, each, replaced)]


def lost_exports(plan: Plan) -> set[str]:
    """Exports that another stack may import, and that would have another value or go: CloudFormation refuses both."""
    replaced = set(plan.ids("replaced"))
    old, new = (template.get("Outputs", {}) for template in (plan.before, plan.after))
    return {
        name
        for name, output in old.items()
        if "Export" in output and (output != new.get(name) or not replaced.isdisjoint(references(output["Value"])))
    }


def refusals(before: Template, after: Template) -> set[str]:
    """Why SageMaker refuses to update an endpoint that is in both templates under one name: keys of `SOURCES`.

    What is registered for scaling while an endpoint is updated is what the old template registers: CloudFormation
    deletes only afterwards, and makes a target after its endpoint.
    """
    found: set[str] = set()
    for key, endpoint in _of(before, "AWS::SageMaker::Endpoint").items():
        successor = after["Resources"].get(key)
        if successor is None or _name(successor) != _name(endpoint):
            continue
        found.update(_of_endpoint(before, after, key, _scaled(before, _name(endpoint))))
    return found


def _of_endpoint(before: Template, after: Template, key: str, scaled: set[str]) -> Iterator[str]:
    old_config, new_config = (_config(template, key) for template in (before, after))
    old, new = (_variants(config, "ProductionVariants") for config in (old_config, new_config))
    if any(name not in new or _hardware(old[name]) != _hardware(new[name]) for name in scaled):
        yield "scaled"
    if old.keys().isdisjoint(new):
        yield "renamed"
    if ("AsyncInferenceConfig" in old_config) != ("AsyncInferenceConfig" in new_config):
        yield "asynchronous"
    if _serverless(new) and not _serverless(old):
        yield "serverless"


def _full_name(resource: Mapping[str, Any]) -> tuple[object, ...] | None:
    properties = resource.get("Properties", {})
    names = [properties.get(name) for name in _NAMES.get(resource["Type"], ())]
    return (resource["Type"], *names) if any(isinstance(name, str) for name in names) else None


def _reads_else(plan: Plan, mapping: str, replaced: set[str]) -> bool:
    properties = plan.after["Resources"][mapping]["Properties"]
    what = [properties[name] for name in ("EventSourceArn", "FunctionName")]
    return not {"EventSourceArn", "FunctionName"}.isdisjoint(plan.changed(mapping)) or not replaced.isdisjoint(
        references(what)
    )


def _of(template: Template, kind: str) -> dict[str, Mapping[str, Any]]:
    return {key: each for key, each in template["Resources"].items() if each["Type"] == kind}


def _name(endpoint: Mapping[str, Any]) -> str:
    name: str = endpoint["Properties"]["EndpointName"]
    return name


def _config(template: Template, endpoint: str) -> Mapping[str, Any]:
    (key,) = references(template["Resources"][endpoint]["Properties"]["EndpointConfigName"])
    properties: Mapping[str, Any] = template["Resources"][key]["Properties"]
    return properties


def _variants(config: Mapping[str, Any], name: str) -> Variants:
    return {variant["VariantName"]: variant for variant in config.get(name, ())}


def _hardware(variant: Mapping[str, Any]) -> object:
    return variant.get("InstanceType"), variant.get("InstancePools"), "ServerlessConfig" in variant


def _serverless(variants: Variants) -> bool:
    return any("ServerlessConfig" in variant for variant in variants.values())


def _scaled(template: Template, endpoint: str) -> set[str]:
    targets = _of(template, "AWS::ApplicationAutoScaling::ScalableTarget").values()
    prefix = f"endpoint/{endpoint}/variant/"
    ids = [target["Properties"]["ResourceId"] for target in targets]
    return {each.removeprefix(prefix) for each in ids if each.startswith(prefix)}
