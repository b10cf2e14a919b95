"""Shadow variants: they get copies of requests, and nobody hears their answers.

Whatever becomes of a copy, the caller neither waits for it nor learns of it.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-shadow-deployment.html
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Final

from tests.local_aws.sagemaker.caller import Caller
from tests.local_aws.sagemaker.capture import Capture, Exchange
from tests.local_aws.sagemaker.fleet import Variant
from tests.local_aws.sagemaker.metrics import Metrics
from tests.local_aws.sagemaker.requests import Request
from tests.local_aws.sagemaker.store import Endpoint
from tests.local_aws.sagemaker.traffic import Router

MOST_COPIES: Final = 256  # under way at the same time: a shadow that hangs must not fill the memory

_log = logging.getLogger("sagemaker")


class Shadows:
    """Copies requests, on the emulator's event loop."""

    def __init__(self, router: Router, caller: Caller, metrics: Metrics, capture: Capture) -> None:
        self._router = router
        self._caller = caller
        self._metrics = metrics
        self._capture = capture
        self._copies: set[asyncio.Task[None]] = set()

    def copy(self, endpoint: Endpoint, variant: Variant, request: Request) -> None:
        """Send the variant's shadow a copy, for the share of requests that its weight stands for."""
        shadow = variant.shadow
        if shadow is None or not variant.weight or len(self._copies) >= MOST_COPIES:
            return
        if self._router.is_sampled(100 * shadow.weight / variant.weight):
            copy = asyncio.create_task(self._send(endpoint, shadow, request))
            self._copies.add(copy)  # the event loop keeps no task alive
            copy.add_done_callback(self._copies.discard)

    async def _send(self, endpoint: Endpoint, shadow: Variant, request: Request) -> None:
        try:
            started = time.perf_counter()
            outcome = await self._caller.ask(shadow, request.for_container(), request.body)
            self._metrics.record(
                endpoint,
                shadow,
                status=outcome.status,
                model_seconds=outcome.seconds,
                overhead_seconds=time.perf_counter() - started - outcome.seconds,
            )
            if outcome.answer is not None and outcome.is_success:
                exchange = Exchange(request.members, request.body, outcome.answer)
                self._capture.sample(endpoint, shadow, exchange, self._router)
        except Exception:  # noqa: BLE001 - logged; nobody waits for a copy
            _log.exception("a copy of a request was not answered")
