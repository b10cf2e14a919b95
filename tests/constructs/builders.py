"""Small builders and lookups that the tests of the core share."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from aws_cdk import App, CfnParameter, Stack
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Annotations, Match, Template
from constructs import Construct

from ml_constructs.endpoint_config.instance_variant import InstanceVariant
from ml_constructs.models.container import Container
from ml_constructs.models.images import ContainerImage
from ml_constructs.models.model import IModel, Model
from ml_constructs.models.model_data import ModelData
from ml_constructs.models.model_data_source import ModelDataSource
from ml_constructs.models.multi_model_data import MultiModelData

Resource = dict[str, Any]
AnyData = ModelData | ModelDataSource | MultiModelData

IMPORTED = Model.from_model_name("some-model")
XGBOOST = ContainerImage.from_framework("xgboost", version="3.0-5")


def text(stack: Stack, name: str = "Text") -> str:
    """A string that is known only at deployment."""
    return CfnParameter(stack, name).value_as_string


def number(stack: Stack, name: str = "Number") -> Any:  # noqa: ANN401 - a token passes as int and as float
    """A number that is known only at deployment."""
    return CfnParameter(stack, name, type="Number").value_as_number


def write_files(directory: Path, files: Mapping[str, str]) -> Path:
    """A directory with these files."""
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return directory


def stored(scope: Construct, key: str = "models/v1/model.tar.gz", version: str = "v1") -> ModelData:
    """Model data in a bucket that exists."""
    bucket = scope.node.try_find_child("Bucket") or s3.Bucket.from_bucket_name(scope, "Bucket", "example-models")
    assert isinstance(bucket, Construct)
    return ModelData.from_bucket(bucket, key, version=version)  # type: ignore[arg-type] # found by its id


def model(scope: Construct, construct_id: str = "Model", *, data: AnyData | None = None, **options: Any) -> Model:  # noqa: ANN401
    """A model of one XGBoost container."""
    container = Container(image=XGBOOST, model_data=stored(scope) if data is None else data)
    return Model(scope, construct_id, containers=[container], **options)


def variant(served: IModel = IMPORTED, name: str = "only", **options: Any) -> InstanceVariant:  # noqa: ANN401
    """A variant on two ml.m5.large."""
    return InstanceVariant(name=name, model=served, **{"instance_type": "ml.m5.large", **options})


def synthesised(stack: Stack) -> dict[str, Any]:
    """The template of a stack, nested or not, after the whole app is synthesised."""
    return dict(Template.from_stack(stack).to_json())


def resources(stack: Stack, kind: str) -> dict[str, Resource]:
    """All resources of a type by logical id."""
    return {key: value for key, value in synthesised(stack).get("Resources", {}).items() if value["Type"] == kind}


def only(stack: Stack, kind: str) -> Resource:
    """The one resource of a type."""
    found = list(resources(stack, kind).values())
    assert len(found) == 1, found
    return found[0]


def properties(stack: Stack, kind: str) -> dict[str, Any]:
    """The properties of the one resource of a type."""
    return dict(only(stack, kind)["Properties"])


def warnings(stack: Stack) -> list[str]:
    """The warnings of a stack."""
    return [str(entry.entry.data) for entry in Annotations.from_stack(stack).find_warning("*", Match.any_value())]


def strings(value: object) -> Iterator[str]:
    """Every string in a template, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield key
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)


def references(value: object) -> Iterator[str]:
    """What a part of a template refers to by Ref, GetAtt, Sub and DependsOn."""
    if isinstance(value, list):
        for inner in value:
            yield from references(inner)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            if key in {"Ref", "DependsOn"}:
                yield from [inner] if isinstance(inner, str) else inner
            elif key == "Fn::GetAtt":
                yield inner[0] if isinstance(inner, list) else inner.partition(".")[0]
            elif key == "Fn::Sub":
                source = inner if isinstance(inner, str) else inner[0]
                yield from (name.partition(".")[0] for name in re.findall(r"\$\{([^!}]+)\}", source))
                yield from references(inner)
            else:
                yield from references(inner)


def creation_order(template: Mapping[str, Any]) -> list[str]:
    """Logical ids in an order in which CloudFormation can create them; fails on a cycle."""
    known = template["Resources"]
    graph = {key: {name for name in references(value) if name in known} for key, value in known.items()}
    return list(TopologicalSorter(graph).static_order())


def statements(policy: Resource) -> list[dict[str, Any]]:
    """The statements of a managed policy, actions and resources always as lists."""
    listed = []
    for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
        actions, named = statement["Action"], statement["Resource"]
        listed.append(
            {
                **statement,
                "Action": [actions] if isinstance(actions, str) else actions,
                "Resource": named if isinstance(named, list) else [named],
            }
        )
    return listed


def fresh() -> tuple[App, Stack]:
    """An app and a stack of its own, to compare two templates."""
    app = App(builtin_cloud_formation_validation=False)
    return app, Stack(app, "Stack")
