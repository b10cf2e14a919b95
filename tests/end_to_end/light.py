"""An endpoint and the function in front of it, with models that start at once: what the stories of updates need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aws_cdk import App, CfnOutput, Duration, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

import ml_constructs as ml

STACK: Final = "Light"
SERVES: Final = """
import json

VERSION = 1

def model_fn(model_dir):
    return VERSION

def input_fn(body, content_type):
    return json.loads(body)

def predict_fn(data, model):
    return {"version": model, "sum": sum(map(sum, data["instances"]))}

def output_fn(prediction, accept):
    return json.dumps(prediction), "application/json"
"""
RETRAINED: Final = SERVES.replace("VERSION = 1", "VERSION = 2")
FAILS: Final = SERVES.replace('return {"version"', 'raise RuntimeError("worse")\n    return {"version"')
ENDS: Final = "raise SystemExit('the model cannot be loaded')\n"


@dataclass(frozen=True, kw_only=True)
class Variant:
    """What a variant of the light stack serves, on one instance."""

    name: str
    program: str = SERVES
    weight: float = 1
    is_scaled: bool = False


class LightStack(Stack):
    """The constructs that an update concerns, without network, API, capture, alarms and audit."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        variants: Sequence[Variant],
        models: Path,
        wait: Duration,
        is_granted: bool,
    ) -> None:
        super().__init__(scope, construct_id)
        key = ml.EncryptionKey(self, "Key")
        endpoint = ml.Endpoint(
            self,
            "Endpoint",
            variants=[
                ml.InstanceVariant(
                    name=variant.name,
                    model=self._model(variant, models),
                    instance_type="ml.m5.large",
                    instance_count=1,
                    weight=variant.weight,
                )
                for variant in variants
            ],
            deployment=ml.Deployment.canary(
                wait=wait,
                termination_wait=Duration.seconds(0),
                # A busy machine is slow; that must not look like a worse model.
                rollback=ml.RollbackThresholds(model_latency=Duration.minutes(2)),
            ),
            encryption_key=key,
        )
        for variant in variants:
            if variant.is_scaled:
                endpoint.auto_scale(variant.name, min_capacity=1, max_capacity=2).on_invocations(1_000_000)
        front_end = ml.FunctionFrontEnd(self, "FrontEnd", endpoint=endpoint, encryption_key=key)
        if not is_granted:
            _take_grant(front_end)
        CfnOutput(self, "Function", value=front_end.alias.function_arn)

    def _model(self, variant: Variant, models: Path) -> ml.Model:
        code = models / variant.name / "code"
        code.mkdir(parents=True)
        (code / "inference.py").write_text(variant.program)
        image = ml.ContainerImage.from_framework("xgboost", version="3.0-5")
        data = ml.ModelData.from_directory(code.parent)
        return ml.Model(self, f"Model-{variant.name}", containers=[ml.Container(image=image, model_data=data)])


def _take_grant(front_end: ml.FunctionFrontEnd) -> None:
    """Leave the function nothing but its logs."""
    policy = front_end.node.find_child("Policy").node.default_child
    assert isinstance(policy, iam.CfnManagedPolicy)
    statement = iam.PolicyStatement(
        actions=["logs:CreateLogStream", "logs:PutLogEvents"],
        resources=[Stack.of(front_end).format_arn(service="logs", resource="log-group:*")],
    )
    policy.policy_document = iam.PolicyDocument(statements=[statement])


def synthesise(directory: Path, *variants: Variant, wait: Duration | None = None, is_granted: bool = True) -> Path:
    """Write an assembly of the light stack into a new directory; `wait` is the canary's, by default a minute."""
    app = App(outdir=str(directory / "out"), builtin_cloud_formation_validation=False)
    LightStack(
        app,
        STACK,
        variants=variants,
        models=directory / "models",
        wait=Duration.minutes(1) if wait is None else wait,
        is_granted=is_granted,
    )
    app.synth()
    return directory / "out"
