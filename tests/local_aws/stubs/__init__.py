"""Services, or parts of services, that MiniStack lacks or gets wrong.

What they keep is honest: created, described, deleted and refused as on AWS. What AWS would do with it, and they do not,
is said in each module.
"""

from __future__ import annotations

from tests.local_aws.stubs import alarms, waf_logging


def install() -> None:
    """Add them to the emulator."""
    alarms.install()
    waf_logging.install()
