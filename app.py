"""The example stacks, reviewed at synth by cdk-nag and by aws-cdk's own rules."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks

from stacks.asynchronous import AsynchronousSettings, AsynchronousStack
from stacks.dog_breeds import DogBreedsSettings, DogBreedsStack
from stacks.multi_region import MultiRegionSettings, RegionSettings, add_multi_region
from stacks.pipeline import PipelineSettings, PipelineStack
from stacks.private_api import PrivateApiSettings, PrivateApiStack
from stacks.queue import QueueSettings, QueueStack
from stacks.realtime import RealtimeSettings, RealtimeStack
from stacks.serverless import ServerlessSettings, ServerlessStack
from stacks.shadow import ShadowSettings, ShadowStack
from stacks.shared import SharedSettings, SharedStack
from stacks.stream import StreamSettings, StreamStack

MODELS = Path(__file__).parent / "build" / "models"  # made by `make models`


def build(app: App, models: Path = MODELS) -> App:
    """Add every example stack to an app."""
    champion, challenger = models / "tabular-champion", models / "tabular-challenger"
    RealtimeStack(app, "Realtime", settings=RealtimeSettings(champion=champion, challenger=challenger))
    DogBreedsStack(
        app,
        "DogBreeds",
        settings=DogBreedsSettings(
            bucket="amzn-s3-demo-bucket", key="dog-breeds/2026-11-01/model.tar.gz", version="2026-11-01"
        ),
    )
    ServerlessStack(app, "Serverless", settings=ServerlessSettings(model=champion))
    AsynchronousStack(
        app,
        "Asynchronous",
        settings=AsynchronousSettings(
            bucket="amzn-s3-demo-bucket", key="documents/2026-11-01/model.tar.gz", version="2026-11-01"
        ),
    )
    ShadowStack(app, "Shadow", settings=ShadowSettings(champion=champion, challenger=challenger))
    SharedStack(app, "Shared", settings=SharedSettings(busy=champion, idle=challenger))
    PipelineStack(
        app,
        "Pipeline",
        settings=PipelineSettings(bucket="amzn-s3-demo-bucket", prefix="decisions", version="2026-11-01"),
    )
    PrivateApiStack(app, "PrivateApi", settings=PrivateApiSettings(model=champion))
    QueueStack(app, "Queue", settings=QueueSettings(model=champion))
    StreamStack(app, "Stream", settings=StreamSettings(model=champion))
    add_multi_region(
        app,
        "MultiRegion",
        MultiRegionSettings(
            account="111122223333",
            main=RegionSettings(name="us-east-1", certificate_arn=_certificate("us-east-1")),
            standby=RegionSettings(name="eu-west-1", certificate_arn=_certificate("eu-west-1")),
            domain_name="scores.example.com",
            hosted_zone_id="Z0123456789ABCDEFGHIJ",
            key="tabular/2026-11-01/model.tar.gz",
            version="2026-11-01",
        ),
    )
    return app


def _certificate(region: str) -> str:
    return f"arn:aws:acm:{region}:111122223333:certificate/12345678-1234-1234-1234-123456789012"


def review(app: App) -> App:
    """Let the policy packs fail the synth on whatever nobody acknowledged."""
    Validations.of(app).add_plugins(AwsSolutionsChecks(app), NIST80053R5Checks(app), ServerlessChecks(app))
    return app


if __name__ == "__main__":
    review(build(App())).synth()
