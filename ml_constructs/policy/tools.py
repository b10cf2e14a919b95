"""The tools that run beside our engine, in processes of their own: cdk-nag and cfn-lint."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from ml_constructs.policy.finding import Finding
from ml_constructs.policy.packs import IGNORED, NAG
from ml_constructs.policy.review import CONTROLS, StackReview
from ml_constructs.policy.rule import Severity

NOT_REVIEWED: Final = "ml-constructs:NotReviewed"
_NAG_PAGE: Final = "https://github.com/cdklabs/cdk-nag/blob/main/RULES.md"
# Its package has no `__main__`, and its script may not be on the path.
_CFN_LINT: Final = "from cfnlint.runner import main; main()"
# The output of a stack in another region.
_STACK_OUTPUT: Final = "Fn::GetStackOutput"
# cdk-nag closes braces in the ids of findings as if they belonged to a substitution.
_OUTPUT_IN_ID: Final = re.compile(r'(\{"Fn::GetStackOutput":\{[^{}<>]*)>>')
_SENTENCE: Final = ". "


class Nag:
    """Packs of cdk-nag, started when this is made.

    Args:
        packs: Their names.
        stacks: What to judge.
        scratch: A directory for templates in JSON.
    """

    def __init__(self, packs: Sequence[str], stacks: Sequence[StackReview], scratch: Path) -> None:
        self._stacks = {str(number): stack for number, stack in enumerate(stacks)}
        templates = {name: str(_in_json(stack, scratch / f"nag{name}.json")) for name, stack in self._stacks.items()}
        self._request = {"packs": {pack: NAG[pack][0] for pack in packs}, "templates": templates}
        self._process = _start("-m", "ml_constructs.checks.nag")

    def stop(self) -> None:
        """End the process if it still runs."""
        self._process.kill()

    def findings(self) -> Iterator[Finding]:
        """What the packs find.

        Raises:
            ValueError: cdk-nag did not run.
        """
        output, complaint = self._process.communicate(json.dumps(self._request))
        if self._process.returncode:
            raise ValueError(f"cdk-nag must run, it ended with status {self._process.returncode}: {_last(complaint)}")
        answer = json.loads(output)
        for name, reason in answer["errors"].items():
            yield _not_reviewed(self._stacks[name], "cdk-nag", reason)
        for each in answer["findings"]:
            yield self._finding(each)

    def _finding(self, found: dict[str, str]) -> Finding:
        stack, logical_id = self._stacks[found["template"]], found["logical_id"]
        info, _, explanation = found["description"].partition(_SENTENCE)
        return Finding(
            rule=_OUTPUT_IN_ID.sub(r"\1}}", found["rule"]),
            severity=Severity.ERROR if found["severity"] == "error" else Severity.WARNING,
            title=info.split(CONTROLS)[0].rstrip("."),
            message=explanation,
            stack=stack.name,
            path=stack.path(logical_id),
            resource_type=stack.all_resources.get(logical_id, {}).get("Type", ""),
            logical_id=logical_id,
            file=stack.file,
            source=_NAG_PAGE,
            tools=(found["pack"],),
        )


class CfnLint:
    """cfn-lint, started when this is made.

    Args:
        stacks: What to judge.
    """

    def __init__(self, stacks: Sequence[StackReview]) -> None:
        self._stacks = {str(stack.template_path): stack for stack in stacks}
        files = (argument for path in self._stacks for argument in ("--template", path))
        self._process = _start("-c", _CFN_LINT, "--format", "json", "--ignore-checks", *IGNORED, *files)

    def stop(self) -> None:
        """End the process if it still runs."""
        self._process.kill()

    def findings(self) -> Iterator[Finding]:
        """What it finds.

        Raises:
            ValueError: it did not run.
        """
        output, complaint = self._process.communicate()
        try:
            matches = json.loads(output or "[]")
        except json.JSONDecodeError:
            matches = None
        if matches is None or (self._process.returncode and not matches):
            raise ValueError(f"cfn-lint must run, it ended with status {self._process.returncode}: {_last(complaint)}")
        for match in matches:
            if match["Level"] in {"Error", "Warning"}:
                yield self._finding(match)

    def _finding(self, match: dict[str, Any]) -> Finding:
        stack = self._stacks[match["Filename"]]
        section, name, *inside = [str(each) for each in match["Location"].get("Path") or ()] + ["", ""]
        logical_id = name if section == "Resources" and name in stack.all_resources else ""
        path = [each for each in (inside if logical_id else (section, name, *inside)) if each]
        return Finding(
            rule=match["Rule"]["Id"],
            severity=Severity.ERROR if match["Level"] == "Error" else Severity.WARNING,
            title=match["Rule"]["ShortDescription"].rstrip("."),
            message=match["Message"],
            stack=stack.name,
            path=stack.path(logical_id) if logical_id else "",
            resource_type=stack.all_resources.get(logical_id, {}).get("Type", ""),
            logical_id=logical_id,
            property_path=".".join(path),
            file=stack.file,
            line=match["Location"]["Start"]["LineNumber"],
            source=match["Rule"].get("Source", ""),
            tools=("cfn-lint",),
        )


def _not_reviewed(stack: StackReview, tool: str, reason: str) -> Finding:
    return Finding(
        rule=NOT_REVIEWED,
        severity=Severity.ERROR,
        title="Each pack can judge the whole template",
        message=f"{tool} cannot load it: {reason}",
        stack=stack.name,
        file=stack.file,
        fix="Change what it cannot load, leave its packs out, or acknowledge that they do not judge this template.",
        tools=(tool,),
    )


def _in_json(stack: StackReview, path: Path) -> Path:
    """The template for the CDK, which reads YAML without a limit and does not load each function."""
    path.write_text(json.dumps(_loadable(stack.template)))
    return path


def _loadable(value: Any) -> Any:  # noqa: ANN401 - any CloudFormation expression
    """The same with another value that only the deployment knows, where the CDK does not know the function."""
    if isinstance(value, dict):
        if len(value) == 1 and _STACK_OUTPUT in value:
            # cdk-nag names the import in the ids of findings, as it names the output itself at synth.
            return {"Fn::ImportValue": json.dumps(value, separators=(",", ":"))}
        return {key: _loadable(each) for key, each in value.items()}
    return [_loadable(each) for each in value] if isinstance(value, list) else value


def _start(*arguments: str) -> subprocess.Popen[str]:
    # From where this package is, and never from the directory under review.
    path = os.pathsep.join(filter(None, (str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH"))))
    return subprocess.Popen(  # noqa: S603 - modules of this environment
        [sys.executable, "-P", *arguments],
        env={**os.environ, "PYTHONPATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def _last(complaint: str) -> str:
    return (complaint.strip().splitlines() or ["it said nothing"])[-1]
