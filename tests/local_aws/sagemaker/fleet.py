"""The instances behind one endpoint configuration."""

from __future__ import annotations

import itertools
import shutil
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.local_aws.sagemaker.artefact import ArtefactError, fetch
from tests.local_aws.sagemaker.instance import Instance
from tests.local_aws.sagemaker.settings import Settings

LEAST_OUTSTANDING: Final = "LEAST_OUTSTANDING_REQUESTS"

_GRACE_SECONDS: Final = 0.02
_DRAIN_SECONDS: Final = 10.0

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
        self, *, endpoint: str, config: str, variants: list[Variant], account: str, region: str, settings: Settings
    ) -> None:
        self.config = config
        self.variants = {variant.name: variant for variant in variants}
        self._endpoint = endpoint
        self._account = account
        self._region = region
        self._settings = settings
        self.directory = settings.directory / "instances" / f"{endpoint}-{next(_numbers)}"
        self._is_stopped = False
        self._lock = threading.RLock()  # a deployment and the replacement of dead instances may meet

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
            started += [self._start(variant, model) for _ in range(count - len(variant.instances))]
            for instance in started:
                if not instance.wait_until_healthy(variant.startup_seconds):
                    raise LaunchError(  # noqa: TRY301 - the instances that did start must end too
                        f"The primary container for production variant {variant.name} did not pass the ping health "
                        "check. Please check CloudWatch logs for this endpoint."
                    )
        except (ArtefactError, OSError, LaunchError) as error:
            _stop(started)
            raise LaunchError(str(error)) from error
        if self._is_stopped:
            _stop(started)
            raise LaunchError("The endpoint was deleted.")
        surplus = variant.instances[count:]
        variant.instances = variant.instances[:count] + started
        _stop(surplus)

    def replace_dead(self) -> None:
        """Start a new instance for each whose process has ended, as SageMaker replaces unhealthy ones."""
        for variant in self.variants.values():
            if self._is_stopped or all(instance.is_running for instance in variant.instances):
                continue
            with self._lock, suppress(LaunchError):  # the next round tries again
                alive = [instance for instance in variant.instances if instance.is_running]
                count, variant.instances = len(variant.instances), alive
                self._scale(variant, count)

    def stop(self, *, is_draining: bool = True) -> None:
        """End all instances, once they have answered what they were asked, and remove their files; logs stay."""
        self._is_stopped = True
        with self._lock:
            _stop([one for variant in self.variants.values() for one in variant.instances], is_draining=is_draining)
            for variant in self.variants.values():
                variant.instances = []
        shutil.rmtree(self.directory, ignore_errors=True)

    def _unpacked(self, variant: Variant) -> Path:
        model = self.directory / variant.name / "opt" / "ml" / "model"
        if model.exists():
            return model
        model.mkdir(parents=True)
        if variant.artefact is not None:
            try:
                role = variant.model.get("ExecutionRoleArn", "")
                fetch(variant.artefact, role, model, account=self._account, region=self._region)
            except ArtefactError:
                shutil.rmtree(model, ignore_errors=True)
                raise
        return model

    def _start(self, variant: Variant, model: Path) -> Instance:
        logs = self._settings.directory / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        environment = {"AWS_REGION": self._region, "SAGEMAKER_REGION": self._region}
        return Instance(
            program=self._settings.container,
            model=model,
            environment=environment | dict(variant.container.get("Environment", {})),
            log=logs / f"{self._endpoint}-{variant.name}.log",
        )


def _stop(instances: list[Instance], *, is_draining: bool = True) -> None:
    if is_draining and instances:
        time.sleep(_GRACE_SECONDS)  # a request that has chosen its instance, but is not counted yet
        deadline = time.monotonic() + _DRAIN_SECONDS
        while any(one.in_flight and one.is_running for one in instances) and time.monotonic() < deadline:
            time.sleep(_GRACE_SECONDS)
    for instance in instances:
        instance.stop()
