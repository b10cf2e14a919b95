"""The instances behind one endpoint configuration."""

from __future__ import annotations

import itertools
import shutil
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.local_aws.sagemaker.artefact import ArtefactError, fetch
from tests.local_aws.sagemaker.container_logs import ContainerLogs, Source
from tests.local_aws.sagemaker.instance import Instance
from tests.local_aws.sagemaker.settings import Settings

LEAST_OUTSTANDING: Final = "LEAST_OUTSTANDING_REQUESTS"

_GRACE_SECONDS: Final = 0.02
_DRAIN_SECONDS: Final = 10.0
_LONGEST_PAUSE: Final = 30.0  # seconds between attempts to replace an instance that never becomes healthy

_numbers = itertools.count(1)


class LaunchError(Exception):
    """Instances did not come into service; the text is the endpoint's FailureReason."""


@dataclass
class Variant:
    """A model, its share of the traffic, and the instances that serve it."""

    name: str
    model: Mapping[str, Any]
    weight: float
    count: int
    startup_seconds: float
    is_least_outstanding: bool = False
    instances: list[Instance] = field(default_factory=list)
    desired_weight: float = 0.0
    running: int = 0
    """The instances that there ought to be at present; those that are replaced count."""

    def __post_init__(self) -> None:
        self.desired_weight = self.weight

    @property
    def container(self) -> Mapping[str, Any]:
        """The only container of the model."""
        found: Mapping[str, Any] = self.model.get("PrimaryContainer") or self.model["Containers"][0]
        return found

    @property
    def artefact(self) -> str | None:
        """Where the model's archive lies."""
        source = self.container.get("ModelDataSource", {}).get("S3DataSource", {}).get("S3Uri")
        url: str | None = self.container.get("ModelDataUrl") or source
        return url


class Fleet:
    """All variants of an endpoint configuration."""

    def __init__(
        self,
        *,
        endpoint: str,
        config: str,
        variants: list[Variant],
        account: str,
        region: str,
        settings: Settings,
        logs: ContainerLogs,
    ) -> None:
        self.config = config
        self.variants = {variant.name: variant for variant in variants}
        self._endpoint = endpoint
        self._account = account
        self._region = region
        self._settings = settings
        self.directory = settings.directory / "instances" / f"{endpoint}-{next(_numbers)}"
        self._logs = logs
        self._stopped = threading.Event()
        self._lock = threading.RLock()  # a deployment and the replacement of instances may meet
        self._changing = threading.Lock()  # held for a moment: instances are withdrawn while others start
        self._failures = 0
        self._next_attempt = 0.0

    def launch(self, counts: Mapping[str, int] | None = None) -> None:
        """Bring every variant to its number of instances.

        Raises:
            LaunchError: an artefact cannot be read, or a container is not healthy in time. What ran before goes on.
        """
        for variant in self.variants.values():
            self.scale(variant, variant.count if counts is None else counts[variant.name])

    def scale(self, variant: Variant, count: int) -> None:
        """Start or stop instances of one variant.

        Raises:
            LaunchError: the new instances did not come into service; the old ones still are.
        """
        with self._lock:
            self._scale(variant, count)

    def _scale(self, variant: Variant, count: int) -> None:
        started: list[Instance] = []
        try:
            model = self._unpacked(variant)
            while len(started) < count - len(variant.instances):
                started.append(self._start(variant, model))
            for instance in started:
                if not instance.wait_until_healthy(variant.startup_seconds, self._stopped):
                    raise LaunchError(  # noqa: TRY301 - the instances that did start must end too
                        f"The primary container for production variant {variant.name} did not pass the ping health "
                        "check. Please check CloudWatch logs for this endpoint."
                    )
        except (ArtefactError, OSError, LaunchError) as error:
            _stop(started)
            raise LaunchError("The endpoint was deleted." if self._stopped.is_set() else str(error)) from error
        if self._stopped.is_set():
            _stop(started)
            raise LaunchError("The endpoint was deleted.")
        with self._changing:
            surplus = variant.instances[count:]
            variant.instances = variant.instances[:count] + started
            variant.running = count
        _stop(surplus)

    def withdraw(self) -> bool:
        """Take the instances that died or hang out of service; gives whether any are to be replaced."""
        limit = self._settings.failed_pings
        for variant in self.variants.values():
            with self._changing:
                unfit = [one for one in variant.instances if not one.is_running or one.failed_pings >= limit]
                variant.instances = [one for one in variant.instances if one not in unfit]
            for instance in unfit:
                instance.kill()  # whoever waits for its answer learns that there will be none
        return not self._stopped.is_set() and any(
            len(variant.instances) < variant.running for variant in self.variants.values()
        )

    def replace(self) -> None:
        """Start what was withdrawn anew, as SageMaker does; later and later where that fails."""
        if time.monotonic() < self._next_attempt or not self._lock.acquire(blocking=False):
            return  # a deployment, or an earlier replacement, is at work: the next round looks again
        try:
            for variant in self.variants.values():
                if len(variant.instances) < variant.running:
                    self._scale(variant, variant.running)
            self._failures = 0
        except LaunchError:
            self._failures += 1
            self._next_attempt = time.monotonic() + min(_LONGEST_PAUSE, 0.5 * 2**self._failures)
        finally:
            self._lock.release()

    def stop(self, *, is_draining: bool = True) -> None:
        """End all instances, once they have answered what they were asked, and remove their files; logs stay."""
        self._stopped.set()
        with self._lock:
            instances = [one for variant in self.variants.values() for one in variant.instances]
            _stop(instances, is_draining=is_draining)
            for variant in self.variants.values():
                variant.instances, variant.running = [], 0
        shutil.rmtree(self.directory, ignore_errors=True)

    def _unpacked(self, variant: Variant) -> Path:
        model = self.directory / variant.name / "opt" / "ml" / "model"
        if model.exists():
            return model
        model.mkdir(parents=True)
        if variant.artefact is not None:
            try:
                role = variant.model.get("ExecutionRoleArn", "")
                limit = self._settings.max_model_bytes
                fetch(variant.artefact, role, model, account=self._account, region=self._region, limit=limit)
            except ArtefactError:
                shutil.rmtree(model, ignore_errors=True)
                raise
        return model

    def _start(self, variant: Variant, model: Path) -> Instance:
        environment = {"AWS_REGION": self._region, "SAGEMAKER_REGION": self._region}
        instance = Instance(
            program=self._settings.container,
            model=model,
            environment=environment | dict(variant.container.get("Environment", {})),
            logs=self._settings.directory / "logs" / self._endpoint / variant.name,
        )
        source = Source(
            account=self._account,
            region=self._region,
            role=variant.model.get("ExecutionRoleArn", ""),
            endpoint=self._endpoint,
            variant=variant.name,
            instance=instance,
        )
        self._logs.follow(source)
        return instance


def _stop(instances: list[Instance], *, is_draining: bool = True) -> None:
    if is_draining and instances:
        for instance in instances:
            instance.connections.settle()
        time.sleep(_GRACE_SECONDS)  # the very first request of an instance
        deadline = time.monotonic() + _DRAIN_SECONDS
        while any(one.in_flight and one.is_running for one in instances) and time.monotonic() < deadline:
            time.sleep(_GRACE_SECONDS)
    for instance in instances:
        instance.terminate()  # all of them, before the first is waited for
    for instance in instances:
        instance.stop()
