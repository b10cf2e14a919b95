"""The families with local disks are in the library for constructs and in rules for templates: both say the same."""

from __future__ import annotations

import re

import botocore.session  # type: ignore[import-untyped]

from ml_constructs._instance_types import has_local_storage
from ml_constructs.policy.rule import LIBRARY


def test_rules_know_the_types_with_local_disks() -> None:
    found = re.search(r"^with_local_disks := `(.+)`", (LIBRARY / "hosting.rego").read_text(), re.MULTILINE)
    assert found
    service = botocore.session.get_session().get_service_model("sagemaker")
    types: list[str] = service.shape_for("ProductionVariantInstanceType").enum
    local = {each for each in types if has_local_storage(each)}
    assert {each for each in types if re.search(found[1], each)} == local
    assert "ml.g4dn.xlarge" in local
    assert "ml.m5.large" not in local
