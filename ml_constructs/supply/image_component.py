"""What a golden image is made of: steps that install, check and test software."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from aws_cdk import Stack
from aws_cdk import aws_imagebuilder as imagebuilder
from constructs import Construct

from ml_constructs._checks import check_each, check_length, check_pattern, check_type, is_token
from ml_constructs._environment import environment_of

# https://docs.aws.amazon.com/imagebuilder/latest/APIReference/API_CreateComponent.html
MAX_DOCUMENT: Final = 16_000
COMPONENT_NAME: Final = r"(?!.{64})[a-z0-9](-?[a-z0-9])+"
COMPONENT_NAME_RULE: Final = "2 to 63 lower-case letters and digits, with single hyphens between them"

_VERSION: Final = r"(\d+|x)\.(\d+|x)\.(\d+|x)"
_MANY: Final = 1000
_STRICT: Final = "set -euo pipefail"  # else the last command alone would decide


@dataclass(frozen=True, kw_only=True)
class ImageComponent:
    """A part of a golden image; made by one of its two methods.

    See https://docs.aws.amazon.com/imagebuilder/latest/userguide/manage-components.html
    """

    _name: str
    _phases: tuple[tuple[str, tuple[str, ...]], ...] = ()
    _version: str | None = None
    _parameters: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @staticmethod
    def from_commands(
        name: str, *, build: Sequence[str] = (), validate: Sequence[str] = (), test: Sequence[str] = ()
    ) -> ImageComponent:
        """Commands of Bash, no secrets; each list runs in a shell that stops at the first one that fails.

        Args:
            name: 2 to 63 lower-case letters, digits and single hyphens.
            build: Install and configure.
            validate: Check what was installed, before the image is made.
            test: Check an instance of the new image.

        Raises:
            ValueError: `name` is malformed, there is no command, or the commands are longer than 16,000 characters.
        """
        check_type(str, name=name)
        check_pattern("name", name, COMPONENT_NAME, COMPONENT_NAME_RULE)
        check_each("commands", str, build=build, validate=validate, test=test)
        phases = []
        for phase, commands in (("build", build), ("validate", validate), ("test", test)):
            check_length(phase, commands, 0, _MANY)
            if is_token(commands):
                raise ValueError(f"{phase} must be a list whose commands are told apart at synth, got a token")
            if commands:
                phases.append((phase, tuple(commands)))
        if not phases:
            raise ValueError(f"build, validate or test must have a command in component {name!r}, got none")
        component = ImageComponent(_name=name, _phases=tuple(phases))
        length = len(json.dumps(component._document()))
        if length > MAX_DOCUMENT:
            raise ValueError(f"build, validate and test must have at most {MAX_DOCUMENT:,} characters, got {length:,}")
        return component

    @staticmethod
    def managed(
        name: str, *, version: str = "x.x.x", parameters: Mapping[str, Sequence[str]] | None = None
    ) -> ImageComponent:
        """A component that AWS owns, e.g. `amazon-cloudwatch-agent-linux` or `stig-build-linux-medium`.

        Args:
            name: Its name.
            version: Its version, of which each part may be `x`, the newest. Default: the newest.
            parameters: Values by the name of a parameter. Default: the component's own.

        Raises:
            ValueError: `name` or `version` is malformed.

        See https://docs.aws.amazon.com/imagebuilder/latest/userguide/use-managed-components.html
        """
        check_type(str, name=name, version=version)
        check_pattern("name", name, r"[a-z0-9_-]{1,126}", "the name of a component that AWS owns")
        check_pattern("version", version, _VERSION, "three numbers or x, such as 1.0.2 or 1.x.x")
        given = {} if parameters is None else parameters
        check_type(Mapping, parameters=given)
        for key, values in given.items():
            check_type(str, parameters=key)
            check_each("text", str, **{f"parameters[{key!r}]": values})
        return ImageComponent(_name=name, _version=version, _parameters=dict(given))

    @property
    def name(self) -> str:
        """The name."""
        return self._name

    @property
    def content(self) -> list[object]:
        """What makes the component another one: its commands, or its version and parameters."""
        parameters = {name: list(values) for name, values in self._parameters.items()}
        return [self._name, self._version, parameters, [[phase, list(each)] for phase, each in self._phases]]

    def bind(self, scope: Construct, *, prefix: str) -> imagebuilder.CfnImageRecipe.ComponentConfigurationProperty:
        """Make the component usable in a recipe; called by `GoldenImage`.

        A component never changes: other commands are another one, whose name says so.
        """
        recipe = imagebuilder.CfnImageRecipe
        if self._version is not None:
            environment = environment_of(scope)
            resource = f"component/{self._name}/{self._version}"
            return recipe.ComponentConfigurationProperty(
                component_arn=f"arn:{environment.partition}:imagebuilder:{environment.region}:aws:{resource}",
                parameters=[
                    recipe.ComponentParameterProperty(name=name, value=list(values))
                    for name, values in self._parameters.items()
                ]
                or None,
            )
        component = imagebuilder.CfnComponent(
            scope,
            f"Component-{self._name}",
            name=f"{prefix}-{self._name}-{digest_of(scope, self._document())}",
            version="1.0.0",
            platform="Linux",
            data=json.dumps(self._document()),  # JSON is YAML
        )
        return recipe.ComponentConfigurationProperty(component_arn=component.attr_arn)

    def _document(self) -> dict[str, object]:
        """https://docs.aws.amazon.com/imagebuilder/latest/userguide/toe-use-documents.html ."""
        return {
            "name": self._name,
            "schemaVersion": 1.0,
            "phases": [
                {
                    "name": phase,
                    "steps": [{"name": "Run", "action": "ExecuteBash", "inputs": {"commands": [_STRICT, *commands]}}],
                }
                for phase, commands in self._phases
            ],
        }


def digest_of(scope: Construct, content: object) -> str:
    """Eight characters that differ for other content."""
    text = json.dumps(Stack.of(scope).resolve(content), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]
