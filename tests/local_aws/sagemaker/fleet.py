"""The instances behind one endpoint configuration, or the copies of an inference component."""

from __future__ import annotations

import itertools
import shutil
import threading
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from tests.local_aws.sagemaker.artefact import ArtefactError
from tests.local_aws.sagemaker.container_logs import ContainerLogs
from tests.local_aws.sagemaker.containers import PRIMARY, ContainerSpec, containers_of, is_direct
from tests.local_aws.sagemaker.instance import Instance
from tests.local_aws.sagemaker.placement import Hosting, Slot
from tests.local_aws.sagemaker.settings import Settings
from tests.local_aws.sagemaker.starter import Starter

if TYPE_CHECKING:
    from tests.local_aws.sagemaker.serverless import Pool

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
    model: Mapping[str, Any] | None
    """As CreateModel got it; none where inference components bring theirs."""

    weight: float
    count: int
    startup_seconds: float
    is_least_outstanding: bool = False
    instances: list[Instance] = field(default_factory=list)
    desired_weight: float = 0.0
    running: int = 0
    """The instances that there ought to be at present; those that are replaced count."""

    hosting: Hosting | None = None
    """Where there is no model: what the instances offer to inference components."""

    component: str | None = None
    """The inference component whose copies these are."""

    log_role: str | None = None
    """Whose rights logs are written with, if not those of the role that reads the artefact."""

    shadow: Variant | None = None
    """The variant that gets copies of its requests."""

    is_shadow: bool = False
    pool: Pool | None = None
    """Starts and stops the instances of a serverless variant."""

    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)
    """A deployment and the replacement of instances may meet; other variants do not wait for that."""

    failures: int = 0
    next_attempt: float = 0.0

    def __post_init__(self) -> None:
        self.desired_weight = self.weight

    @cached_property
    def containers(self) -> tuple[ContainerSpec, ...]:
        """What runs on each instance."""
        return () if self.model is None else containers_of(self.model)

    @cached_property
    def is_direct(self) -> bool:
        """Whether a request names the container that it is for."""
        return self.model is not None and is_direct(self.model)

    @property
    def role(self) -> str:
        """The execution role."""
        if self.hosting is not None:
            return self.hosting.role
        return "" if self.model is None else self.model.get("ExecutionRoleArn", "")

    def unhealthy(self, containers: list[str]) -> str:
        """What is said of it when containers do not come up; all of them are named.

        https://docs.aws.amazon.com/sagemaker/latest/dg/inference-pipeline-troubleshoot.html
        """
        if self.pool is not None:
            return (
                "Unable to successfully stand up your model within the allotted 180 second timeout. Please ensure that "
                "downloading your model artifacts, starting your model container and passing the ping health checks "
                "can be completed within 180 seconds."
            )
        names = ", ".join(containers) if len(self.containers) > 1 else PRIMARY
        noun = "container" if len(containers) == 1 else "containers"
        return (
            f"The {names} {noun} for production variant {self.name} did not pass the ping health check. Please check "
            "CloudWatch logs for this endpoint."
        )


class Fleet:
    """All variants of an endpoint configuration: those that answer, and those that get copies of requests.

    Args:
        endpoint: The name of the endpoint.
        config: The name of the configuration.
        variants: What it has.
        account: The account of the endpoint.
        region: Its region.
        settings: How the service behaves.
        logs: Delivers what containers print.
        place: Finds room for a copy of an inference component, or raises LaunchError.
    """

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
        place: Callable[[], Slot] | None = None,
    ) -> None:
        self.config = config
        self.variants = {variant.name: variant for variant in variants}
        self.production = {variant.name: variant for variant in variants if not variant.is_shadow}
        self._settings = settings
        self.directory = settings.directory / "instances" / f"{endpoint}-{next(_numbers)}"
        self._starter = Starter(
            endpoint=endpoint,
            account=account,
            region=region,
            settings=settings,
            logs=logs,
            directory=self.directory,
        )
        self._place = place
        self._stopped = threading.Event()
        self._changing = threading.Lock()  # held for a moment: instances are withdrawn while others start

    @property
    def is_shared(self) -> bool:
        """Whether the instances wait for inference components."""
        return any(variant.model is None for variant in self.variants.values())

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
        with variant.lock:
            self._scale(variant, count)

    def _scale(self, variant: Variant, count: int) -> None:
        started: list[Instance] = []
        try:
            self._starter.prepare(variant)
            while len(started) < count - len(variant.instances):
                started.append(self._start(variant))
            for instance in started:
                unhealthy = instance.wait_until_healthy(variant.startup_seconds, self._stopped)
                if unhealthy:
                    raise LaunchError(variant.unhealthy(unhealthy))  # noqa: TRY301 - those that did start must end too
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

    def put_last(self, variant: Variant, instances: Collection[str]) -> None:
        """Let these instances be the first to go when there are to be fewer."""
        with self._changing:
            variant.instances = sorted(variant.instances, key=lambda one: one.id in instances)

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
        for variant in self.variants.values():
            if len(variant.instances) < variant.running:
                self._replace(variant)

    def _replace(self, variant: Variant) -> None:
        if time.monotonic() < variant.next_attempt or not variant.lock.acquire(blocking=False):
            return  # a deployment, or an earlier replacement, is at work: the next round looks again
        try:
            self._scale(variant, variant.running)
            variant.failures = 0
        except LaunchError:
            variant.failures += 1
            variant.next_attempt = time.monotonic() + min(_LONGEST_PAUSE, 0.5 * 2**variant.failures)
        finally:
            variant.lock.release()

    def stop(self, *, is_draining: bool = True) -> None:
        """End all instances, once they have answered what they were asked, and remove their files; logs stay."""
        self._stopped.set()
        with ExitStack() as locks:
            for variant in self.variants.values():
                locks.enter_context(variant.lock)
            instances = [one for variant in self.variants.values() for one in variant.instances]
            _stop(instances, is_draining=is_draining)
            for variant in self.variants.values():
                variant.instances, variant.running = [], 0
        shutil.rmtree(self.directory, ignore_errors=True)

    def _start(self, variant: Variant) -> Instance:
        if self._place is None:
            return self._starter.start(variant)
        slot = self._place()
        try:
            instance = self._starter.start(variant, slot.host.id)
        except OSError:
            slot.free()
            raise
        instance.slot = slot
        return instance


def _stop(instances: list[Instance], *, is_draining: bool = True) -> None:
    if is_draining and instances:
        for instance in instances:
            instance.settle()
        time.sleep(_GRACE_SECONDS)  # the very first request of an instance
        deadline = time.monotonic() + _DRAIN_SECONDS
        while any(one.in_flight and one.is_running for one in instances) and time.monotonic() < deadline:
            time.sleep(_GRACE_SECONDS)
    for instance in instances:
        instance.terminate()  # all of them, before the first is waited for
    for instance in instances:
        instance.stop()
