"""Both judges judge: else no property of a template would be proved."""

from __future__ import annotations

from pathlib import Path

import pytest
from aws_cdk import CfnResource
from aws_cdk import aws_sagemaker as sagemaker

from tests.properties.arguments import Drawn, known_whole
from tests.properties.batch import Batch


def config(d: Drawn) -> None:
    weight = d.one("weight", known_whole(-5, -1))
    variant = sagemaker.CfnEndpointConfig.ProductionVariantProperty(variant_name="a b", initial_variant_weight=weight)
    sagemaker.CfnEndpointConfig(d.stack, "Config", production_variants=[variant])


def test_finds_what_is_wrong_with_a_template(tmp_path: Path) -> None:
    batch = Batch(tmp_path, regions=["eu-west-1"])
    fine, removed = batch.stack(), batch.stack()
    for stack in (fine, removed):
        CfnResource(stack, "Topic", type="AWS::SNS::Topic")
    batch.remove(removed)
    batch.valid(config, examples=2)
    findings = batch.findings()
    assert len(findings) == batch.accepted == 2
    for name, found in findings.items():
        assert name not in {fine.stack_name, removed.stack_name}
        weight = found.pop()
        assert found.pop() == "region=eu-west-1"
        number = weight.removeprefix("weight=")
        assert [
            each
            for each in found
            if each.startswith(f"F3034 ProductionVariants.0.InitialVariantWeight: {number} is less")
        ]
        assert [each for each in found if each.startswith("E3031 'a b' does not match")]
        assert [each for each in found if each.startswith(f"E3034 {number} is less than the minimum of 0")]


def test_tells_a_refusal_from_a_failure(tmp_path: Path) -> None:
    batch = Batch(tmp_path)
    with pytest.raises(AssertionError, match=r"test_batch\.py"):
        batch.wild(lambda _: int("got by nobody"), examples=1, choices=1)  # type: ignore[arg-type] # it raises
    with pytest.raises(RuntimeError, match="`type` property is required"):
        batch.wild(lambda d: CfnResource(d.stack, "Resource", type=""), examples=1, choices=1)  # type: ignore[arg-type]
    assert batch.accepted == 0
    assert batch.refused == []
