"""A whole review: finds what there is to review, runs the packs beside each other, and makes one outcome of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from ml_constructs.policy.acknowledgement import acknowledge
from ml_constructs.policy.baseline import part, read_baseline
from ml_constructs.policy.finding import Acknowledged, Finding, Outcome
from ml_constructs.policy.guards import summary
from ml_constructs.policy.merge import merge
from ml_constructs.policy.packs import NAG, choose
from ml_constructs.policy.review import StackReview
from ml_constructs.policy.rule import Profile, Severity, chosen
from ml_constructs.policy.targets import Targets, find
from ml_constructs.policy.tools import CfnLint, Nag


@dataclass(frozen=True, kw_only=True)
class Request:
    """What to review, and how.

    Args:
        targets: Directories of apps or assemblies, and templates.
        packs: Names of packs, `all`, or none for the default.
        profile: Which of our rules apply.
        severity: The lowest that is reported.
        acknowledgements: What the policy file accepts.
        baseline: The file of what is known. Default: nothing is known.
        today: The day on which acknowledgements must hold.
    """

    targets: Sequence[str]
    packs: Sequence[str] = ()
    profile: Profile = Profile.PRODUCTION
    severity: Severity = Severity.WARNING
    acknowledgements: Sequence[Acknowledged] = ()
    baseline: Path | None = None
    today: date


def review(request: Request, progress: Callable[[str], None] = lambda _: None) -> Outcome:
    """Review the targets.

    Raises:
        ValueError: the request names packs or a baseline that there are not; what cannot be read of the targets is an
            error in the outcome.
    """
    packs, notes = choose(request.packs)
    known = read_baseline(request.baseline) if request.baseline else None
    with TemporaryDirectory() as scratch:
        found = find(request.targets, Path(scratch), progress)
        findings = list(_run(request, packs, found, Path(scratch), progress))
        progress("merging what they found")
        merged = _located(merge(findings), found.stacks)
        stacks = sorted(map(summary, found.stacks), key=lambda each: (each.name, each.file))
    left, accepted, stale = acknowledge(
        sorted(merged, key=lambda each: each.order),
        found.stacks,
        found.accepted,
        request.acknowledgements,
        request.today,
    )
    reported = [each for each in left if each.severity >= request.severity]
    new, old = part(reported, known) if known is not None else (reported, [])
    return Outcome(
        findings=tuple(new),
        known=tuple(old),
        acknowledged=tuple(sorted(accepted, key=lambda each: (each.path, each.rule, each.reason))),
        stacks=tuple(stacks),
        packs=packs,
        profile=request.profile.name.lower(),
        notes=tuple(sorted({*notes, *found.notes, *stale})),
        errors=tuple(sorted(found.errors)),
    )


def _run(
    request: Request, packs: Sequence[str], found: Targets, scratch: Path, progress: Callable[[str], None]
) -> Iterator[Finding]:
    stacks = found.stacks
    nag = [pack for pack in packs if pack in NAG]
    with ExitStack() as running:
        tools: list[Nag | CfnLint] = []
        if stacks and nag:
            tools.append(Nag(nag, stacks, scratch))
        if stacks and "cfn-lint" in packs:
            tools.append(CfnLint(stacks))
        for tool in tools:
            running.callback(tool.stop)
        yield from _asked(_engine(request, packs, stacks, progress), found.errors)
        if "parliament" in packs:
            progress("parliament")
            yield from _asked(_parliament(stacks), found.errors)
        for tool in tools:
            progress("cdk-nag" if isinstance(tool, Nag) else "cfn-lint")
            yield from _asked(tool.findings(), found.errors)
    if "synth" in packs:
        yield from found.findings
        yield from (each.finding for each in found.accepted if each.finding)


def _engine(
    request: Request, packs: Sequence[str], stacks: Sequence[StackReview], progress: Callable[[str], None]
) -> Iterator[Finding]:
    if not stacks or not {"sagemaker", "cloudformation"} & set(packs):
        return
    from ml_constructs.policy.engine import Engine  # noqa: PLC0415 - of the extra `review`

    progress("compiling rules")
    rules = chosen(request.profile, Severity.WARNING) if "sagemaker" in packs else ()
    engine = Engine(rules, built_in="cloudformation" in packs)
    for number, stack in enumerate(stacks, start=1):
        progress(f"{stack.name}, {number} of {len(stacks)}")
        yield from engine.findings(stack)


def _parliament(stacks: Sequence[StackReview]) -> Iterator[Finding]:
    from ml_constructs.policy.policies import findings  # noqa: PLC0415 - loads another tool's tables

    for stack in stacks:
        yield from findings(stack)


def _asked(findings: Iterator[Finding], errors: list[str]) -> Iterator[Finding]:
    try:
        yield from findings
    except ValueError as error:
        errors.append(str(error))


def _located(findings: Sequence[Finding], stacks: Sequence[StackReview]) -> list[Finding]:
    """The findings with the lines of their resources, where a tool did not tell them."""
    missing: dict[str, set[str]] = {}
    for each in findings:
        if not each.line and each.logical_id:
            missing.setdefault(each.stack, set()).add(each.logical_id)
    if not missing:
        return list(findings)
    try:
        from ml_constructs.policy.engine import lines  # noqa: PLC0415 - of the extra `review`
    except ImportError:
        return list(findings)
    found = {stack.name: lines(stack, missing[stack.name]) for stack in stacks if stack.name in missing}
    return [
        each if each.line else replace(each, line=found.get(each.stack, {}).get(each.logical_id, 0))
        for each in findings
    ]
