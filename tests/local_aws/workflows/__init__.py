"""What Step Functions does and MiniStack does not: more calls of AWS services, and the rights of a role."""

from __future__ import annotations

from tests.local_aws import seams
from tests.local_aws.workflows import tasks


def install() -> None:
    """Look at each task before it runs, and run those that MiniStack cannot."""
    seams.guard_workflow_tasks(tasks.check)
    seams.name_machines_of_tokens()
    seams.add_workflow_calls(tasks.CALLS, tasks.call)
