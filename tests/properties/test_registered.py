"""Any registered version and any experiment of valid arguments is a valid template; any other is refused in words."""

from __future__ import annotations

from pathlib import Path

from tests.properties.batch import Batch
from tests.properties.registered import registered, tried

REGIONS = (None, None, "eu-west-1")


def test_registered_models_make_valid_templates_or_are_refused(tmp_path: Path) -> None:
    batch = Batch(tmp_path, regions=REGIONS)
    for kind in (registered, tried):
        batch.valid(kind, examples=10)
        batch.wild(kind, examples=40, choices=15)
    assert batch.findings() == {}
    assert len(batch.refused) > 20
    assert batch.accepted >= 20
