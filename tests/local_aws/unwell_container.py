"""The container of tests/runtime, which says that it is not well once its model has set UNWELL."""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.runtime import container

if __name__ == "__main__":
    well = container._Requests.do_GET

    def do_get(self: container._Requests) -> None:
        if "UNWELL" in os.environ:
            self._answer(503, b"")
        else:
            well(self)

    container._Requests.do_GET = do_get  # type: ignore[method-assign]  # the one difference
    container.main()
