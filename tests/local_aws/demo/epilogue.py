"""What the demo leaves the user with."""

from __future__ import annotations

from typing import Final

from tests.local_aws.demo import view
from tests.local_aws.demo.stage import Stage

_NOT_PROVEN: Final = (
    ("network", "no packet is filtered: isolation, PrivateLink and security groups"),
    ("keys", "grants and policies of KMS keys"),
    ("quotas", "and which instance types exist, and what they can bear"),
    ("logs", "delivery of CloudTrail, flow logs and access logs"),
    ("images", "AWS's containers: a small process of ours keeps their contract"),
    ("WAF", "the rules of the web ACL"),
)
_NEXT: Final = (
    ("make local", "keeps such a cloud running until Ctrl-C, and says how to use it"),
    ("make test-local", "deploys the examples, changes them, destroys them"),
    ("make help", "lists the rest"),
)


def show(stage: Stage) -> None:
    """How long it took, how to go on, and what was not proven."""
    screen = stage.screen
    screen.title("What this does not prove")
    screen.console.print(view.table(_NOT_PROVEN))
    screen.title("How to go on")
    screen.console.print(view.table(_NEXT))
    screen.say("In an account of your own, with credentials for it:")
    screen.line("PATH=$PWD/.venv/bin:$PATH node_modules/.bin/cdk deploy Realtime")
    acts = ", ".join(f"{seconds:.0f} s" for seconds in stage.seconds.values())
    screen.title(f"All as told, in {sum(stage.seconds.values()):.0f} seconds; by act: {acts}.")
