"""Tells what somebody has accepted: beside its cause in the app or the template, or in the policy file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Final

from ml_constructs.policy.finding import Acknowledged, Finding
from ml_constructs.policy.review import StackReview, plain_rule
from ml_constructs.policy.template import mapping

OURS: Final = "ml-constructs"
_NAG: Final = "cdk_nag"


def acknowledge(
    findings: Iterable[Finding],
    stacks: Sequence[StackReview],
    synth: Sequence[Acknowledged],
    policy: Sequence[Acknowledged],
    today: date,
) -> tuple[list[Finding], list[Acknowledged], list[str]]:
    """Parts findings into those that are left and those accepted; says which acknowledgements no longer hold.

    An acknowledgement answers the findings of its rule, whichever tool has it, on its path and on all below it.

    Args:
        findings: What was found.
        stacks: Where, with what the app and the templates accept.
        synth: What the app accepts by the report of its synth.
        policy: What the policy file accepts.
        today: The day on which acknowledgements must hold.
    """
    notes: set[str] = set()
    by_stack: dict[str, dict[str, list[Acknowledged]]] = {}
    above: list[Acknowledged] = list(synth)
    for stack in stacks:
        # The metadata of a stack accepts for the stacks nested in it as well.
        above += (*stack.acknowledged, *stack.expected)
        inside, complaints = _in_template(stack)
        notes.update(complaints)
        by_stack[stack.name] = _by_rule(_holding(inside, today, notes, stack.name))
    everywhere = _by_rule(above)
    wanted = _by_rule(_holding(policy, today, notes, "the policy file"))
    used: set[int] = set()
    left: list[Finding] = []
    accepted: list[Acknowledged] = []
    for finding in findings:
        answers = (
            each
            for table in (by_stack.get(finding.stack, {}), everywhere, wanted)
            for rule in (finding.rule, *finding.same)
            for each in table.get(plain_rule(rule), ())
            if _covers(each.path, finding)
        )
        answer = next(answers, None)
        if answer is None:
            left.append(finding)
        else:
            used.add(id(answer))
            accepted.append(replace(answer, finding=finding))
    for each in (each for group in wanted.values() for each in group if id(each) not in used):
        notes.add(f"the policy file accepts {each.rule} at {each.path}, and nothing is found there: remove that")
    return left, accepted, sorted(notes)


def _covers(path: str, finding: Finding) -> bool:
    places = (finding.path, f"{finding.stack}/{finding.path}".rstrip("/"), f"{finding.stack}/{finding.logical_id}")
    return not path or any(place == path or place.startswith(f"{path}/") for place in places)


def _by_rule(acknowledgements: Iterable[Acknowledged]) -> dict[str, list[Acknowledged]]:
    found: dict[str, list[Acknowledged]] = defaultdict(list)
    for each in acknowledgements:
        found[plain_rule(each.rule)].append(each)
    return found


def _holding(
    acknowledgements: Iterable[Acknowledged], today: date, notes: set[str], where: str
) -> Iterator[Acknowledged]:
    for each in acknowledgements:
        if each.until is not None and each.until < today:
            place = f" at {each.path}" if each.path else ""
            notes.add(f"{where} accepted {each.rule}{place} until {each.until}, which has passed: {each.reason}")
        else:
            yield each


def _in_template(stack: StackReview) -> tuple[list[Acknowledged], list[str]]:
    """What the metadata of a template and its resources accept, and what of it cannot be understood."""
    found: list[Acknowledged] = []
    complaints: list[str] = []
    places = [("", stack.template), *((stack.path(name), each) for name, each in stack.all_resources.items())]
    for path, holder in places:
        metadata = mapping(holder, "Metadata")
        for entry in _entries(mapping(metadata, _NAG).get("rules_to_suppress")):
            rules = [f"{entry.get('id')}[{each}]" for each in _entries_of_text(entry.get("applies_to"))]
            reason = entry.get("reason")
            if isinstance(entry.get("id"), str) and isinstance(reason, str):
                found += [Acknowledged(path=path, rule=rule, reason=reason) for rule in rules or [entry["id"]]]
        for entry in _entries(mapping(metadata, OURS).get("acknowledge")):
            try:
                found.append(parse(entry, path=path))
            except ValueError as error:
                complaints.append(f"{stack.name}: metadata {OURS} of {path or 'the template'} is ignored: {error}")
    return found, complaints


def parse(entry: Mapping[str, Any], *, path: str | None = None) -> Acknowledged:
    """An acknowledgement from a table with id, reason, perhaps until, and path where that is not known.

    Raises:
        ValueError: something is missing, unknown or of the wrong kind.
    """
    wanted = {"id", "reason"} if path is not None else {"id", "path", "reason"}
    unknown, missing = sorted(map(str, set(entry) - wanted - {"until"})), sorted(wanted - set(entry))
    if unknown or missing:
        said = f"lacks {', '.join(missing)}" if missing else f"has no {', '.join(unknown)}"
        raise ValueError(f"an acknowledgement needs {', '.join(sorted(wanted))} and may have until; it {said}")
    for name in wanted:
        if not isinstance(entry[name], str) or not entry[name].strip():
            raise ValueError(f"{name} of an acknowledgement must be text, got {entry[name]!r}")
    until = entry.get("until")
    if isinstance(until, str):
        try:
            until = date.fromisoformat(until)
        except ValueError:
            until = entry["until"]
    if until is not None and type(until) is not date:
        raise ValueError(f"until of an acknowledgement must be a date such as 2027-01-31, got {entry['until']!r}")
    place = path if path is not None else entry["path"].strip("/")
    return Acknowledged(path=place, rule=entry["id"], reason=entry["reason"], until=until)


def _entries(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _entries_of_text(value: object) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
