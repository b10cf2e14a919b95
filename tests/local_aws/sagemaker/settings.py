"""How the service behaves where AWS has no setting: how fast time passes, where files lie."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_REPOSITORY: Final = Path(__file__).parents[3]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Values are in seconds of this machine's clock unless they say otherwise."""

    speed: float = 60.0
    """AWS seconds that pass in one second: waits of deployments and the period of metrics are divided by it."""

    startup_seconds: float = 20.0
    """The least time a container gets to answer /ping, however fast time passes: a process starts no faster."""

    model_timeout_seconds: float = 60.0
    """How long a model may take to answer, as on AWS."""

    stream_timeout_seconds: float = 480.0
    """How long a model may take to send the whole of a streamed answer: eight minutes, as on AWS."""

    failed_pings: int = 3
    """An instance that fails /ping so often in a row is replaced; AWS does not say when it does so."""

    fastest_ping_seconds: float = 1.0
    """The least time between two pings, however fast time passes: a busy machine answers no faster."""

    max_model_bytes: int = 4 * 1024**3
    """What a model's archive may decompress to; on AWS, the instance's volume sets the limit."""

    max_instances: int = 20
    """The quota of instances, all endpoints together: each is a process of about 130 MB."""

    max_serverless_processes: int = 4
    """The most processes of a serverless variant; more requests at the same time share them."""

    max_loaded_models: int = 5
    """How many models a container of many keeps; on AWS, the instance's memory sets the limit."""

    seed: int | None = None
    """Makes the choice of variants and instances repeatable."""

    directory: Path = _REPOSITORY / "build" / "local" / "sagemaker"
    """Logs and unpacked model artefacts."""

    container: Path = _REPOSITORY / "tests" / "runtime" / "container.py"
    """The program that stands in for every image."""

    def __post_init__(self) -> None:
        if self.speed <= 0:
            raise ValueError(f"speed must be positive, got {self.speed}")

    @classmethod
    def from_environment(cls) -> Settings:
        """Read LOCAL_AWS_SPEED, _STARTUP_SECONDS, _MODEL_TIMEOUT_SECONDS, _FASTEST_PING_SECONDS and so on."""
        given = os.environ
        seed = given.get("LOCAL_AWS_SEED")
        return cls(
            speed=float(given.get("LOCAL_AWS_SPEED", cls.speed)),
            startup_seconds=float(given.get("LOCAL_AWS_STARTUP_SECONDS", cls.startup_seconds)),
            model_timeout_seconds=float(given.get("LOCAL_AWS_MODEL_TIMEOUT_SECONDS", cls.model_timeout_seconds)),
            stream_timeout_seconds=float(given.get("LOCAL_AWS_STREAM_TIMEOUT_SECONDS", cls.stream_timeout_seconds)),
            fastest_ping_seconds=float(given.get("LOCAL_AWS_FASTEST_PING_SECONDS", cls.fastest_ping_seconds)),
            max_model_bytes=int(given.get("LOCAL_AWS_MAX_MODEL_BYTES", cls.max_model_bytes)),
            max_loaded_models=int(given.get("LOCAL_AWS_MAX_LOADED_MODELS", cls.max_loaded_models)),
            seed=None if seed is None else int(seed),
            container=Path(given.get("LOCAL_AWS_CONTAINER", cls.container)),
            directory=Path(given.get("LOCAL_AWS_DIRECTORY", cls.directory.parent)) / "sagemaker",
        )

    @property
    def metrics_seconds(self) -> float:
        """AWS publishes endpoint metrics once a minute."""
        return max(0.1, 60.0 / self.speed)

    @property
    def ping_seconds(self) -> float:
        """SageMaker asks for /ping every few seconds."""
        return max(self.fastest_ping_seconds, 5.0 / self.speed)

    @property
    def serverless_idle_seconds(self) -> float:
        """A process of a serverless variant goes after five minutes without requests; AWS does not say when."""
        return 300.0 / self.speed

    @property
    def logs_seconds(self) -> float:
        """Logs appear within seconds."""
        return max(0.5, 5.0 / self.speed)
