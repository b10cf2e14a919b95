from __future__ import annotations

from pathlib import Path

import pytest

from tests.local_aws.demo.load import BODY
from tests.local_aws.demo.worse import CHALLENGER, MODELS, worsen
from tests.runtime.container import load_hooks


def test_the_worse_challenger_is_healthy_and_fails_at_every_request(tmp_path: Path) -> None:
    directory = worsen(tmp_path / "model")
    hooks = load_hooks(directory)
    model = hooks.model_fn(str(directory))
    rows = hooks.np.array(BODY["instances"])
    with pytest.raises(IndexError, match="30 is out of bounds"):
        hooks.predict_fn(rows, model)


def test_the_good_challenger_stays_as_it_was(tmp_path: Path) -> None:
    program = MODELS / CHALLENGER / "code" / "inference.py"
    before = program.read_text()
    first = worsen(tmp_path / "model")
    once = (first / "code" / "inference.py").read_text()
    worsen(tmp_path / "model")
    assert (first / "code" / "inference.py").read_text() == once  # written anew, and not appended to again
    assert program.read_text() == before
    assert load_hooks(MODELS / CHALLENGER).predict_fn is not None
