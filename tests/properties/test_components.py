"""Any shared endpoint of valid arguments is a valid template; any other is refused in words, or valid, too."""

from __future__ import annotations

from pathlib import Path

from tests.properties.batch import Batch
from tests.properties.components import REGIONS, sharing


def test_components_make_valid_templates_or_are_refused(tmp_path: Path) -> None:
    batch = Batch(tmp_path, regions=REGIONS)
    batch.valid(sharing, examples=14)
    batch.wild(sharing, examples=80, choices=45)
    assert batch.findings() == {}
    assert len(batch.refused) > 20
    assert batch.accepted >= 14
