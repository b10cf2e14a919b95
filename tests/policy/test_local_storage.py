"""The families with local disks are in the library for constructs and in rules for templates: both say the same."""

from __future__ import annotations

import re

import botocore.session  # type: ignore[import-untyped]
import pytest

from ml_constructs._instance_types import has_local_storage
from ml_constructs.policy.rule import RULES


@pytest.mark.parametrize("rule", ["endpoint_config_key", "endpoint_config_key_local_storage"])
def test_rules_know_the_types_with_local_disks(rule: str) -> None:
    text = (RULES / "endpoints" / f"{rule}.rego").read_text()
    found = re.search(r"_local := `(.+)`", text)
    assert found
    service = botocore.session.get_session().get_service_model("sagemaker")
    types: list[str] = service.shape_for("ProductionVariantInstanceType").enum
    local = {each for each in types if has_local_storage(each)}
    assert {each for each in types if re.search(found[1], each)} == local
    assert "ml.g4dn.xlarge" in local
    assert "ml.m5.large" not in local
