"""Any model of valid arguments is a valid template; any other is refused in words, or valid, too."""

from __future__ import annotations

from pathlib import Path

from tests.properties.arguments import Drawn
from tests.properties.batch import Batch
from tests.properties.models import model


def alone(d: Drawn) -> None:
    model(d, "Model")


def test_models_make_valid_templates_or_are_refused(tmp_path: Path) -> None:
    batch = Batch(tmp_path)
    batch.valid(alone, examples=20)
    batch.wild(alone, examples=60, choices=8)
    assert batch.findings() == {}
    assert len(batch.refused) > 20
    assert batch.accepted >= 20
