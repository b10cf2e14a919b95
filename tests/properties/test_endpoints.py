"""Any endpoint of valid arguments is a valid template; any other is refused in words, or valid, too."""

from __future__ import annotations

from pathlib import Path

from tests.properties.batch import Batch
from tests.properties.endpoints import queued, serverless, several, shadowed

KINDS = (several, shadowed, queued, serverless)


def test_endpoints_make_valid_templates_or_are_refused(tmp_path: Path) -> None:
    batch = Batch(tmp_path)
    for kind in KINDS:
        batch.valid(kind, examples=8)
        batch.wild(kind, examples=40, choices=35)
    assert batch.findings() == {}
    assert len(batch.refused) > 10 * len(KINDS)
    assert batch.accepted >= 8 * len(KINDS)
