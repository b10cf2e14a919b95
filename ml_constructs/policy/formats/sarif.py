"""A review as SARIF 2.1.0, as code scanning takes it.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/sarif-v2.1.0-errata01-os-complete.html,
https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from pathlib import PurePath
from typing import Any, Final
from urllib.parse import quote

from ml_constructs.policy.finding import Acknowledged, Finding, Outcome
from ml_constructs.policy.formats.wording import (
    base,
    clean,
    construct,
    count,
    documented,
    is_link,
    reason,
    verdict,
    word,
)
from ml_constructs.policy.review import plain_rule
from ml_constructs.policy.rule import Rule, Severity

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
# Code scanning refuses a run with more: .../troubleshooting-sarif-uploads/results-exceed-limit
MAX_RESULTS: Final = 25_000
_MAX_TAGS: Final = 10  # shown of a rule
_ROOT: Final = "%SRCROOT%"
_SOMEWHERE: Final = "cdk.json"  # code scanning refuses a result without a file; this one is the app's
# From 7.0 on `high`, from 4.0 on `medium`.
_SECURITY: Final = {Severity.ERROR: "7.5", Severity.WARNING: "5.0"}
_SECURITY_TOPICS: Final = frozenset({"audit", "network", "permissions"})
# Access, audit, identification and communication; NIST SP 800-53 controls operations, too.
_SECURITY_CONTROLS: Final = re.compile(r"SecurityHub |NIST\.800-53\.r5 (AC|AU|IA|SC)-")
_SECURITY_PACKS: Final = frozenset({"aws-solutions", "hipaa", "nist-r4", "nist-r5", "pci", "parliament"})


@dataclass(frozen=True, kw_only=True)
class _Rules:
    """Descriptors of the rules that results refer to, in the order in which they come."""

    known: dict[str, Rule] = field(default_factory=documented)
    index: dict[str, int] = field(default_factory=dict)
    descriptors: list[dict[str, Any]] = field(default_factory=list)

    def refer(self, finding: Finding) -> dict[str, Any]:
        name = clean(base(finding.rule))
        if name not in self.index:
            self.index[name] = len(self.descriptors)
            self.descriptors.append(_descriptor(name, finding, self.known.get(plain_rule(name))))
        return {"ruleId": name, "ruleIndex": self.index[name]}


def render(outcome: Outcome) -> str:
    """The whole document."""
    rules = _Rules()
    seen: Counter[str] = Counter()
    results = [_result(*each, rules, seen) for each in islice(_reported(outcome), MAX_RESULTS)]
    total = sum(1 for _ in _reported(outcome))
    notes = [("note", each) for each in outcome.notes] + [("error", each) for each in outcome.errors]
    if total > MAX_RESULTS:
        notes.append(("warning", f"{count(total - MAX_RESULTS, 'result')} of {total:,} left out: a run has no room"))
    run = {
        "tool": {"driver": {"name": "ml-constructs", **_version(), "rules": rules.descriptors}},
        "automationDetails": {"id": "ml-constructs/", "description": {"text": verdict(outcome)}},
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The directory that the review ran in."}}},
        "invocations": [
            {
                "executionSuccessful": not outcome.errors,
                "toolExecutionNotifications": [
                    {"level": level, "message": {"text": _text(each)}} for level, each in notes
                ],
            }
        ],
        "results": results,
        "properties": {"packs": list(outcome.packs), "profile": outcome.profile},
    }
    document = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return f"{json.dumps(document, ensure_ascii=False)}\n"


def _version() -> dict[str, str]:
    try:
        return {"semanticVersion": version("ml-constructs")}
    except PackageNotFoundError:  # a source tree
        return {}


def _reported(outcome: Outcome) -> Iterator[tuple[Finding, dict[str, Any]]]:
    """Each finding with its state: those to fix first, so that they are the last to be left out."""
    # Compared with a baseline: either each result has a state, or none.
    new, old = ({"baselineState": "new"}, {"baselineState": "unchanged"}) if outcome.known else ({}, {})
    yield from ((each, new) for each in outcome.findings)
    yield from ((each, old) for each in outcome.known)
    for accepted in outcome.acknowledged:
        if accepted.finding is not None:
            yield accepted.finding, {**old, "suppressions": [_suppression(accepted)]}


def _suppression(accepted: Acknowledged) -> dict[str, Any]:
    return {"kind": "external", "status": "accepted", "justification": clean(reason(accepted))}


def _result(finding: Finding, state: dict[str, Any], rules: _Rules, seen: Counter[str]) -> dict[str, Any]:
    seen[finding.fingerprint] += 1
    facts: dict[str, str | list[str]] = {
        "acknowledgeAs": finding.rule,
        "resourceType": finding.resource_type,
        "logicalId": finding.logical_id,
        "propertyPath": finding.property_path,
        "tools": list(finding.tools),
        "alsoFoundAs": list(finding.same),
    }
    return {
        **rules.refer(finding),
        "level": word(finding.severity),
        "message": {"text": _text(_said(finding))},
        "locations": [_location(finding)],
        # The number tells findings apart that share a fingerprint, e.g. two members of one list.
        "partialFingerprints": {"primaryLocationLineHash": f"{finding.fingerprint}:{seen[finding.fingerprint]}"},
        **state,
        "properties": {
            name: [clean(each) for each in value] if isinstance(value, list) else clean(value)
            for name, value in facts.items()
            if value
        },
    }


def _said(finding: Finding) -> str:
    place = construct(finding.stack, finding.path)
    at = f", {finding.property_path}" if finding.property_path else ""
    what = f"{finding.title}: {finding.message}" if finding.message else finding.title
    fix = f"\nFix: {finding.fix}" if finding.fix else ""
    return f"{what} ({place}{at}).{fix}"


def _text(text: str) -> str:
    """Plain text: brackets before a parenthesis would be a link."""
    return clean(text).replace("](", "] (")


def _location(finding: Finding) -> dict[str, Any]:
    physical = {"artifactLocation": _artifact(finding.file), "region": {"startLine": max(finding.line, 1)}}
    name = clean(construct(finding.stack, finding.path))
    logical = {"fullyQualifiedName": name, "name": name.rpartition("/")[2] or name, "kind": "resource"}
    return {"physicalLocation": physical, "logicalLocations": [logical]}


def _artifact(file: str) -> dict[str, str]:
    path = PurePath(file or _SOMEWHERE)
    if path.is_absolute():
        return {"uri": f"file://{quote(clean(path.as_posix()))}"}
    return {"uri": quote(clean(path.as_posix())), "uriBaseId": _ROOT}


def _descriptor(name: str, finding: Finding, rule: Rule | None) -> dict[str, Any]:
    title = clean(rule.title if rule else finding.title or name)
    link = rule.sources[0] if rule else finding.source
    severity = rule.severity if rule else finding.severity
    secure = _is_security(rule) if rule else not _SECURITY_PACKS.isdisjoint(finding.tools)
    tags = [*(["security"] if secure else []), *((rule.topic, *rule.controls) if rule else finding.tools)]
    return {
        "id": name,
        "name": name,
        "shortDescription": {"text": title},
        "fullDescription": {"text": clean(" ".join(rule.intent.split())) if rule else title},
        "help": {"text": _help(rule), "markdown": _page(rule)} if rule else {"text": clean(finding.fix or title)},
        **({"helpUri": link} if is_link(link) else {}),
        "defaultConfiguration": {"level": word(severity)},
        "properties": {
            "tags": list(dict.fromkeys(map(clean, tags)))[:_MAX_TAGS],
            "precision": "high",
            "problem.severity": word(severity),
            **({"security-severity": _SECURITY[severity]} if secure else {}),
        },
    }


def _is_security(rule: Rule) -> bool:
    return rule.topic in _SECURITY_TOPICS or any(map(_SECURITY_CONTROLS.match, rule.controls))


def _help(rule: Rule) -> str:
    sources = "\n".join(rule.sources)
    return f"{rule.intent.strip()}\n\nFix: {rule.fix.strip()}\n\nSources:\n{sources}"


def _page(rule: Rule) -> str:
    """Of our own words, none of a template."""
    sources = "\n".join(f"- <{each}>" for each in rule.sources)
    controls = f"\n\n**Controls**: {', '.join(rule.controls)}" if rule.controls else ""
    return (
        f"{rule.intent.strip()}\n\n**Fix**: {rule.fix.strip()}\n\n"
        f"**Fails**\n\n```yaml\n{rule.fails.strip()}\n```\n\n**Passes**\n\n```yaml\n{rule.passes.strip()}\n```\n\n"
        f"**Sources**\n\n{sources}{controls}\n"
    )
