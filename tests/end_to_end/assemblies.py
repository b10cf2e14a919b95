"""The realtime example as it changes from one deployment to the next, each a cloud assembly on disk."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

from aws_cdk import App, Aws
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker

from stacks.realtime import RealtimeSettings, RealtimeStack

ROOT: Final = Path(__file__).parents[2]
MODELS: Final = ROOT / "build" / "models"
STACK: Final = "Realtime"

Change = Callable[[RealtimeStack], None]


def synthesise(
    directory: Path, *, champion: Path | None = None, challenger_percent: int = 10, change: Change | None = None
) -> Path:
    """Write an assembly of the realtime stack, with the flags of the example app; `change` may alter its resources."""
    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    app = App(context=context, outdir=str(directory), builtin_cloud_formation_validation=False)
    settings = RealtimeSettings(
        champion=champion or MODELS / "tabular-champion",
        challenger=MODELS / "tabular-challenger",
        challenger_percent=challenger_percent,
    )
    stack = RealtimeStack(app, STACK, settings=settings)
    if change is not None:
        change(stack)
    app.synth()
    return directory


def failing_model(directory: Path) -> Path:
    """A model whose container is healthy, and fails at every request."""
    shutil.copytree(MODELS / "tabular-champion", directory)
    program = directory / "code" / "inference.py"
    program.write_text(f"{program.read_text()}\n\ndef predict_fn(rows, booster):\n    raise RuntimeError('worse')\n")
    return directory


def broken_model(directory: Path) -> Path:
    """A model whose container ends while it starts."""
    shutil.copytree(MODELS / "tabular-champion", directory)
    (directory / "code" / "inference.py").write_text("raise SystemExit('the model cannot be loaded')\n")
    return directory


def retrained_model(directory: Path) -> Path:
    """Another model data archive that serves as the champion does."""
    shutil.copytree(MODELS / "tabular-champion", directory)
    (directory / "code" / "NOTES.txt").write_text("trained again\n")
    return directory


def without_grant(stack: RealtimeStack) -> None:
    """Take the right to invoke the endpoint from the function behind the API."""
    policy = stack.node.find_child("Api").node.find_child("Function").node.find_child("Policy").node.default_child
    assert isinstance(policy, iam.CfnManagedPolicy)
    policy.policy_document = iam.PolicyDocument(
        statements=[
            iam.PolicyStatement(
                actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                resources=[f"arn:{Aws.PARTITION}:logs:{Aws.REGION}:{Aws.ACCOUNT_ID}:log-group:*"],
            )
        ]
    )


def with_dark_variant(stack: RealtimeStack) -> None:
    """Add a third variant with the challenger's model, which gets no traffic."""
    config = stack.node.find_child("Endpoint").node.find_child("Config")
    model = stack.node.find_child("Challenger").node.default_child
    assert isinstance(config, sagemaker.CfnEndpointConfig)
    assert isinstance(model, sagemaker.CfnModel)
    dark = {
        "VariantName": "dark",
        "ModelName": model.attr_model_name,
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
        "InitialVariantWeight": 0,
    }
    config.add_property_override("ProductionVariants.2", dark)
