"""Reviewing the realtime example by all packs, beside synthesising it; and a hundred stacks of a hundred resources."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from ml_constructs.policy.judge import Request, review

TARGET: Final = 1.5
PAIRS: Final = 5
STACKS: Final = 100
RESOURCES: Final = 100
ROOT: Final = Path(__file__).parents[2]
_STACK: Final = "Realtime"
_SYNTH: Final = f"""
import sys
from pathlib import Path
from aws_cdk import App
from app import MODELS
from stacks.realtime import RealtimeSettings, RealtimeStack
app = App(outdir=sys.argv[1])
settings = RealtimeSettings(champion=MODELS / "tabular-champion", challenger=MODELS / "tabular-challenger")
RealtimeStack(app, "{_STACK}", settings=settings)
app.synth()
"""


def measure() -> tuple[float, float]:
    """Seconds: reviewing the realtime stack by all packs, and synthesising it; medians over alternating processes."""
    ours, theirs = [], []
    with TemporaryDirectory() as directory:
        for _ in range(PAIRS):
            theirs.append(_time([sys.executable, "-c", _SYNTH, directory], {0}))
            command = [
                sys.executable,
                "-m",
                "ml_constructs.policy",
                directory,
                "--packs",
                "all",
                "--profile",
                "regulated",
            ]
            ours.append(_time([*command, "--format", f"terminal={directory}/report"], {0, 1}))
    return statistics.median(ours), statistics.median(theirs)


def measure_growth() -> tuple[float, float]:
    """Seconds per stack in one process: for all stacks, and for a quarter of them; equal if the time is linear."""
    with TemporaryDirectory() as directory:
        files = [_write(Path(directory) / f"stack{number}.json", number) for number in range(STACKS)]
        few = files[: STACKS // 4]
        _review(few)
        return _review(files) / len(files), _review(few) / len(few)


def _review(files: list[str]) -> float:
    packs = ("sagemaker", "aws-solutions", "nist-r5", "nist-r4", "hipaa", "pci", "serverless", "cloudformation")
    start = time.perf_counter()
    outcome = review(Request(targets=files, packs=packs, today=date(2026, 1, 1)))
    assert not outcome.errors
    assert len(outcome.stacks) == len(files)
    return time.perf_counter() - start


def _write(path: Path, number: int) -> str:
    """A stack of a hundred resources of the kinds that an endpoint needs."""
    resources: dict[str, Any] = {}
    for each in range(RESOURCES // 5):
        resources |= {
            f"Endpoint{each}": _resource("SageMaker::Endpoint", EndpointConfigName={"Ref": f"Config{each}"}),
            f"Config{each}": _resource(
                "SageMaker::EndpointConfig",
                ProductionVariants=[
                    {
                        "VariantName": "all",
                        "ModelName": {"Fn::GetAtt": [f"Model{each}", "ModelName"]},
                        "InstanceType": "ml.m5.large",
                        "InitialInstanceCount": 1,
                        "InitialVariantWeight": 1,
                    }
                ],
            ),
            f"Model{each}": _resource(
                "SageMaker::Model",
                ExecutionRoleArn={"Fn::GetAtt": [f"Role{each}", "Arn"]},
                PrimaryContainer={"Image": f"111122223333.dkr.ecr.us-east-1.amazonaws.com/image{number}:latest"},
            ),
            f"Role{each}": _resource(
                "IAM::Role",
                AssumeRolePolicyDocument={
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "sagemaker.amazonaws.com"},
                            "Action": "sts:AssumeRole",
                        }
                    ],
                },
            ),
            f"Queue{each}": _resource("SQS::Queue"),
        }
    path.write_text(json.dumps({"Resources": resources}, indent=1))
    return str(path)


def _resource(kind: str, **properties: object) -> dict[str, object]:
    return {"Type": f"AWS::{kind}", "Properties": properties}


def _time(command: list[str], wanted: set[int]) -> float:
    start = time.perf_counter()
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode in wanted, ended.stdout + ended.stderr
    return time.perf_counter() - start
