"""Synthesises a CDK app as the CDK's command line does, without AWS and without that command line.

https://docs.aws.amazon.com/cdk/v2/guide/cli.html
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from ml_constructs.policy.template import mapping

_TOLD: Final = 12  # lines of an app's complaint that are shown
# What the command line sets so that templates say where their resources come from; nothing is bundled in containers.
_CONTEXT: Final = {
    "aws:cdk:enable-path-metadata": True,
    "aws:cdk:enable-asset-metadata": True,
    "aws:cdk:bundling-stacks": [],
    "aws:cdk:version-reporting": False,
}


def synthesise(directory: Path, output: Path) -> list[str]:
    """Run the app of a cdk.json with this interpreter first on the path; returns what a reader should know of it.

    An app whose own plugins fail it has still written its assembly, which is reviewed then.

    Raises:
        ValueError: the cdk.json cannot be read, or the app fails before it has written an assembly.
    """
    settings = _read(directory / "cdk.json")
    command = settings.get("app")
    if not isinstance(command, str) or not command.strip():
        raise ValueError(f"cdk.json must name the app's command, got {command!r}")
    context = {**mapping(settings, "context"), **_CONTEXT}
    if (directory / "cdk.context.json").is_file():
        context = {**_read(directory / "cdk.context.json"), **context}
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))
    output.mkdir(parents=True, exist_ok=True)
    try:
        ended = subprocess.run(  # noqa: S602 - cdk.json holds a command for a shell, and the user asks for it
            command,
            shell=True,
            cwd=directory,
            env={**os.environ, "PATH": path, "CDK_OUTDIR": str(output), "CDK_CONTEXT_JSON": json.dumps(context)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except OSError as error:
        raise ValueError(f"app cannot be started: {error.strerror}") from error
    if (output / "manifest.json").is_file():
        failed = ended.returncode and not (output / "validation-report.json").is_file()
        return [f"the app ended with status {ended.returncode} after it had written its stacks"] if failed else []
    lines = ended.stderr.decode(errors="replace").strip().splitlines()[-_TOLD:]
    told = "\n    ".join(lines)
    raise ValueError(f"app must write a cloud assembly, it ended with status {ended.returncode}:\n    {told}")


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{path.name} must be JSON: {error}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path.name} must be a JSON object")  # noqa: TRY004 - about the file
    return content
