"""Makes instances: brings the artefacts to where the containers look for them, and starts the processes."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.local_aws.sagemaker.artefact import ArtefactError, fetch
from tests.local_aws.sagemaker.container_logs import ContainerLogs, Source
from tests.local_aws.sagemaker.containers import ContainerSpec, ModelData
from tests.local_aws.sagemaker.instance import Instance, new_id
from tests.local_aws.sagemaker.model_server import LogStream, ModelServer
from tests.local_aws.sagemaker.multi_model import MultiModelServer
from tests.local_aws.sagemaker.settings import Settings

if TYPE_CHECKING:
    from tests.local_aws.sagemaker.fleet import Variant

_ADDITIONAL = "additional-model-data-sources"


class Starter:
    """Makes the instances of one fleet.

    Args:
        endpoint: The name of the endpoint.
        account: Its account.
        region: Its region.
        settings: How the service behaves.
        logs: Delivers what the containers print.
        directory: For artefacts; whoever stops the instances removes it.
    """

    def __init__(
        self, *, endpoint: str, account: str, region: str, settings: Settings, logs: ContainerLogs, directory: Path
    ) -> None:
        self._endpoint = endpoint
        self._account = account
        self._region = region
        self._settings = settings
        self._logs = logs
        self._directory = directory

    def prepare(self, variant: Variant) -> None:
        """Download what the containers of a variant serve, unless that was done.

        Raises:
            ArtefactError: something cannot be read, or is not sound.
        """
        for spec in variant.containers:
            home = self._home(variant, spec)
            if home.exists():
                continue
            model = home / "model"
            model.mkdir(parents=True)
            wanted: dict[Path, ModelData | None] = {} if spec.is_multi_model else {model: spec.data}
            wanted |= {home / _ADDITIONAL / channel: data for channel, data in spec.additional.items()}
            try:
                for target, data in wanted.items():
                    target.mkdir(parents=True, exist_ok=True)
                    if data is not None:
                        self._fetch(variant.role, spec, data, target)
            except ArtefactError:
                shutil.rmtree(home, ignore_errors=True)
                raise

    def start(self, variant: Variant, place: str | None = None) -> Instance:
        """Start an instance of a variant that was prepared.

        Args:
            variant: The variant.
            place: The instance that it is a copy on. Default: it is an instance of its own.
        """
        instance_id = new_id()
        servers: list[ModelServer] = []
        try:
            servers.extend(self._serve(variant, spec, instance_id, place) for spec in variant.containers)
        except OSError:
            Instance(instance_id, servers).stop()
            raise
        for server in servers:
            self._logs.follow(
                Source(
                    account=self._account, region=self._region, role=variant.log_role or variant.role, server=server
                ),
            )
        return Instance(instance_id, servers)

    def _serve(self, variant: Variant, spec: ContainerSpec, instance_id: str, place: str | None) -> ModelServer:
        home = self._home(variant, spec)
        environment = {"AWS_REGION": self._region, "SAGEMAKER_REGION": self._region}
        is_alone = len(variant.containers) == 1
        part = instance_id if is_alone else f"{instance_id}/{spec.name}"
        logs = self._settings.directory / "logs" / self._endpoint / (variant.component or variant.name)
        settings: dict[str, Any] = {
            "program": self._settings.container,
            "environment": environment | dict(spec.environment),
            "log": logs / f"{part}.log",
            "stream": LogStream(
                log_group(self._endpoint, variant.component),
                f"{variant.name}/{part}" if place is None else f"{variant.name}/{place}/{part}",
            ),
        }
        if spec.is_multi_model and spec.data is not None:
            url = spec.data.url.rstrip("/") + "/"
            return MultiModelServer(
                spec.name,
                prefix=url,
                fetch=lambda target, path: self._fetch(variant.role, spec, ModelData(url + target), path),
                most=self._settings.max_loaded_models,
                is_keeping=spec.is_keeping_models,
                model=home / "models" / instance_id,
                **settings,
            )
        return ModelServer(spec.name, model=home / "model", **settings)

    def _fetch(self, role: str, spec: ContainerSpec, data: ModelData, target: Path) -> None:
        fetch(
            data,
            role,
            target,
            container=f"container_{spec.number}",
            account=self._account,
            region=self._region,
            limit=self._settings.max_model_bytes,
        )

    def _home(self, variant: Variant, spec: ContainerSpec) -> Path:
        """Stands in for `/opt/ml` of a container, on all instances."""
        within = self._directory / variant.name
        return (within if len(variant.containers) == 1 else within / spec.name) / "opt" / "ml"


def log_group(endpoint: str, component: str | None = None) -> str:
    """The log group of an endpoint, or of an inference component.

    https://docs.aws.amazon.com/sagemaker/latest/dg/logging-cloudwatch.html
    """
    return (
        f"/aws/sagemaker/Endpoints/{endpoint}"
        if component is None
        else f"/aws/sagemaker/InferenceComponents/{component}"
    )
