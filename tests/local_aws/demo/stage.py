"""What every act needs: the cloud, the command line, the callers' rights, and the screen."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from botocore.credentials import Credentials  # type: ignore[import-untyped]  # ships no types

from tests.end_to_end.deployment import Answer, Deployment
from tests.local_aws.demo.commands import Command
from tests.local_aws.demo.load import BODY, Journal
from tests.local_aws.demo.observation import Observer
from tests.local_aws.demo.screen import Screen, StoryError
from tests.local_aws.launcher import ACCOUNT, REGION, ROOT, Cloud

STACK: Final = "Realtime"
LIMIT: Final = 300.0  # seconds that anything may take, on the slowest machine
_CDK: Final = ROOT / "node_modules" / ".bin" / "cdk"


@dataclass(kw_only=True)
class Stage:
    """One run of the demo."""

    screen: Screen
    cloud: Cloud
    assembly: Path
    resources: ExitStack
    journal: Journal = field(default_factory=Journal)
    seconds: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.deployment = Deployment(self.cloud)
        self.observer = Observer(self.deployment.client, self.journal, STACK)

    @contextmanager
    def act(self, title: str) -> Iterator[None]:
        """Announce an act, and keep how long it takes."""
        self.screen.title(f"{len(self.seconds) + 1}  {title}")
        began = time.monotonic()
        yield
        self.seconds[title] = time.monotonic() - began

    def cdk(self, name: str, *arguments: str, directory: Path = ROOT) -> Command:
        """Start the pinned command line, against the local cloud and nothing else; it ends with the demo."""
        environment = self.cloud.environment
        programs = f"{Path(sys.executable).parent}{os.pathsep}{environment.get('PATH', os.defpath)}"
        command = Command(
            [str(_CDK), *arguments, "--no-notices", "--no-color"],
            environment=environment | {"PATH": programs, "PYTHONPATH": str(ROOT)},
            directory=directory,
            log=self.cloud.run / f"cdk-{name}.log",
        )
        return self.resources.enter_context(command)

    def synth(self, name: str, directory: Path, program: str | None = None) -> Command:
        """Start a synth of the example app, or of another one."""
        shutil.rmtree(directory, ignore_errors=True)  # never show what an earlier run left
        app = () if program is None else ("--app", program)
        return self.cdk(name, "synth", "--quiet", "--output", str(directory), *app)

    def python(self, *arguments: str) -> str:
        """A command line that runs this interpreter."""
        return shlex.join([sys.executable, *arguments])

    def deploy(self, name: str, assembly: Path) -> Command:
        """Start a deployment from an assembly."""
        options = ("--require-approval", "never", "--progress", "events", "--outputs-file", str(self._outputs))
        return self.cdk(name, "deploy", STACK, "--app", str(assembly), *options, directory=self.cloud.run)

    def prepare_mistake(self) -> None:
        """Start to synthesise the deployment that goes wrong."""
        directory = self.cloud.run / "mistake"
        program = self.python("-m", "tests.local_aws.demo.worse", str(directory / "model"))
        self._mistake = self.synth("mistake", directory / "out", program)

    def mistake(self) -> Path:
        """The assembly of the deployment that goes wrong.

        Raises:
            StoryError: it could not be synthesised.
        """
        if self._mistake.wait(LIMIT):
            raise StoryError(f"the worse challenger could not be synthesised (log: {self._mistake.log})")
        return self.cloud.run / "mistake" / "out"

    def read_outputs(self) -> None:
        """Learn where the API is."""
        self.deployment.outputs |= json.loads(self._outputs.read_text())

    def caller(self, name: str) -> Credentials:
        """A new user who may call the API, and nothing else."""
        resource = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{self.deployment.api}/live/POST/invocations"
        statement: Mapping[str, Any] = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": resource}
        return self.deployment.user(name, dict(statement))

    def post(self, credentials: Credentials | None) -> Answer:
        """One request to the API."""
        return self.deployment.post(BODY, credentials)

    @property
    def _outputs(self) -> Path:
        return self.cloud.run / "outputs.json"
