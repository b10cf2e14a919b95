"""A review as JUnit XML: a suite for each stack, a case for each finding; what is accepted or known is skipped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from ml_constructs.policy.finding import Finding, Outcome
from ml_constructs.policy.formats.wording import clean, count, reason, where, word

_NAME = "ml-constructs review"


def render(outcome: Outcome) -> str:
    """The whole document."""
    suites: dict[str, Element] = {each.name: _suite(each.name) for each in outcome.stacks}
    seen: Counter[tuple[str, str]] = Counter()
    for each in outcome.findings:
        failure = SubElement(_case(suites, each, seen), "failure", message=_message(each), type=word(each.severity))
        failure.text = _text(each)
    for each in outcome.known:
        SubElement(_case(suites, each, seen), "skipped", message=f"in the baseline: {_message(each)}")
    for accepted in outcome.acknowledged:
        if accepted.finding is not None:
            case = _case(suites, accepted.finding, seen)
            SubElement(case, "skipped", message=clean(f"accepted: {reason(accepted)}"))
    for suite in suites.values():
        if not len(suite):
            SubElement(suite, "testcase", name="nothing found", classname=suite.get("name", ""), time="0")
    root = Element("testsuites", name=_NAME)
    root.extend(suites[name] for name in sorted(suites))
    if outcome.errors or outcome.notes:
        root.append(_itself(outcome))
    for suite in root:
        _total(suite, suite.iter("testcase"))
        suite.set("time", "0")
    _total(root, root.iter("testcase"))
    root.set("time", "0")
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'


def _suite(name: str) -> Element:
    return Element("testsuite", name=clean(name or "review"))


def _case(suites: dict[str, Element], finding: Finding, seen: Counter[tuple[str, str]]) -> Element:
    suite = suites.setdefault(finding.stack, _suite(finding.stack))
    place = clean(finding.path or finding.stack or "review")
    name = clean(f"{finding.rule} at {finding.property_path}" if finding.property_path else finding.rule)
    seen[place, name] += 1
    # Readers of JUnit take cases of one name for one.
    numbered = f"{name} ({seen[place, name]})" if seen[place, name] > 1 else name
    case = SubElement(suite, "testcase", name=numbered, classname=place, time="0")
    if finding.file:
        case.set("file", clean(finding.file))
        case.set("line", str(finding.line or 1))
    return case


def _message(finding: Finding) -> str:
    return clean(finding.message or finding.title)


def _text(finding: Finding) -> str:
    parts = {
        "": finding.title,
        "what": finding.message,
        "where": where(finding),
        "resource": " ".join(filter(None, (finding.resource_type, finding.logical_id))),
        "property": finding.property_path,
        "fix": finding.fix,
        "see": finding.source,
        "also": ", ".join(finding.same),
    }
    return clean("\n".join(f"{name}: {text}" if name else text for name, text in parts.items() if text))


def _itself(outcome: Outcome) -> Element:
    """What the review says of itself; a part that could not be reviewed is an error."""
    suite = _suite(_NAME)
    for number, text in enumerate(outcome.errors, start=1):
        case = SubElement(suite, "testcase", name=f"reads everything ({number})", classname=_NAME, time="0")
        SubElement(case, "error", message=clean(text), type="not reviewed").text = clean(text)
    if outcome.notes:
        case = SubElement(suite, "testcase", name=count(len(outcome.notes), "note"), classname=_NAME, time="0")
        SubElement(case, "system-out").text = "\n".join(map(clean, outcome.notes))
    return suite


def _total(element: Element, cases: Iterable[Element]) -> None:
    found: Counter[str] = Counter()
    for case in cases:
        found["tests"] += 1
        found.update(each.tag for each in case)
    element.set("tests", str(found["tests"]))
    element.set("failures", str(found["failure"]))
    element.set("errors", str(found["error"]))
    element.set("skipped", str(found["skipped"]))
