"""Many stacks in one app, synthesised once and judged by aws-cdk's validation and by cfn-lint."""

from __future__ import annotations

import json
import traceback
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

from aws_cdk import App, Environment, Stack
from cfnlint.config import ConfigMixIn  # type: ignore[import-untyped]
from cfnlint.decode import cfn_json  # type: ignore[import-untyped]
from cfnlint.runner import Runner  # type: ignore[import-untyped]
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.constructs.builders import write_files
from tests.properties.arguments import Drawn

REGIONS = (None, None, None, "eu-west-1", "cn-north-1")

_ERRORS = "EF"  # W and I are advice
_ANYWHERE = "us-east-1"  # where cfn-lint looks types up for a stack without a region


class Batch:
    """An app for the stacks of one test: the validation takes longer to start than for all the stacks."""

    def __init__(self, directory: Path, regions: Sequence[str | None] = REGIONS) -> None:
        self._directory = directory / "cdk.out"
        self._app = App(outdir=str(self._directory))
        self._files = write_files(directory / "files", {"image/Dockerfile": "FROM scratch", "model/weights": "0"})
        self._regions = regions
        self._numbers = count()
        self._told: dict[str, list[str]] = {}
        self.refused: list[str] = []

    @property
    def accepted(self) -> int:
        """How many stacks were built."""
        return len(self._told)

    def valid(self, make: Callable[[Drawn], None], examples: int) -> None:
        """Build stacks of valid arguments; none may be refused."""

        @settings(max_examples=examples, suppress_health_check=[HealthCheck.too_slow])
        @given(data=st.data())
        def example(data: st.DataObject) -> None:
            self._build(make, data)

        example()

    def wild(self, make: Callable[[Drawn], None], examples: int, *, choices: int) -> None:
        """Build stacks with one of so many choices beyond a limit: refused in words, or else judged like the others."""

        @settings(max_examples=examples, suppress_health_check=[HealthCheck.too_slow])
        @given(data=st.data())
        def example(data: st.DataObject) -> None:
            try:
                self._build(make, data, wild=choices)
            except (ValueError, TypeError) as error:  # jsii's are none of these
                _check_words(error)
                self.refused.append(str(error))

        example()

    def stack(self, region: str | None = None) -> Stack:
        """One more stack, without a region unless one is named."""
        env = None if region is None else Environment(account="111122223333", region=region)
        return Stack(self._app, f"Stack{next(self._numbers)}", env=env)

    def remove(self, stack: Stack) -> None:
        """Forget a stack."""
        self._app.node.try_remove_child(stack.node.id)

    def findings(self) -> dict[str, list[str]]:
        """What is wrong with the templates, by stack, and the arguments that the stack was built of."""
        found: dict[str, list[str]] = defaultdict(list)
        stacks = self._app.synth().stacks
        report = self._directory / "validation-report.json"
        if report.exists():
            for stack, finding in _validated(json.loads(report.read_text())):
                found[stack].append(finding)
        for artifact in stacks:
            known = artifact.environment.region in self._regions
            region = artifact.environment.region if known else _ANYWHERE
            found[artifact.stack_name] += _linted(Path(artifact.template_full_path).read_text(), region)
        return {name: [*each, *self._told.get(name, ())] for name, each in found.items() if each}

    def _build(self, make: Callable[[Drawn], None], data: st.DataObject, *, wild: int = 0) -> None:
        region = data.draw(st.sampled_from(self._regions), label="region")
        stack = self.stack(region)
        told = [f"region={region}"]
        drawn = Drawn(data, stack, told=told, files=self._files, wild=wild)
        try:
            make(drawn)
        except BaseException:  # hypothesis gives examples up by exceptions, too
            self.remove(stack)
            raise
        if wild and not drawn.strange:
            self.remove(stack)
        else:
            self._told[stack.stack_name] = told


def _check_words(error: Exception) -> None:
    where = traceback.extract_tb(error.__traceback__)[-1].filename
    assert "ml_constructs" in where, where
    assert "got " in str(error).lower(), error


def _validated(report: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (construct["constructPath"].partition("/")[0], f"{violation['ruleName']} {violation['description']}")
        for plugin in report["pluginReports"]
        for violation in plugin["violations"]
        if violation["ruleName"][0] in _ERRORS
        for construct in violation["violatingConstructs"]
    ]


def _linted(template: str, region: str) -> list[str]:
    # As JSON: cfn-lint reads every text as YAML first, which takes no keys of more than 1,024 characters.
    matches = _linter(region).validate_template(cfn_json.loads(template))
    return [f"{match.rule.id} {match.message} in line {match.linenumber}" for match in matches]


@cache
def _linter(region: str) -> Any:  # noqa: ANN401 - cfn-lint has no types
    return Runner(ConfigMixIn([], regions=[region], ignore_checks=["I", "W"]))
