"""What Lambda's event source mappings do and MiniStack's do not.

A mapping is refused that AWS refuses: its function's role must be allowed to read the source and to write to the
destination of failures, and a queue must keep messages invisible for as long as the function runs. Kinesis streams are
read with the role's own rights, and batches are retried, bisected, checkpointed and given up as documented. Pipes read
queues, and Firehose delivers with its role.
"""

from __future__ import annotations

from tests.local_aws import seams
from tests.local_aws.event_sources import deliveries, mappings, pipes
from tests.local_aws.event_sources.kinesis import Poller


def install() -> None:
    """Check what is mapped, and read streams in place of MiniStack."""
    seams.accept_stream_consumers()
    seams.stop_reading_streams()
    mappings.install()
    pipes.install()
    deliveries.install()
    Poller().start()
