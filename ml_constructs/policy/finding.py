"""The values of a review: what was found, what of it was accepted, and all of it together."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from ml_constructs.policy.rule import Severity

_INDEX = re.compile(r"(?<=[./])\d+(?=[./]|$)")


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One fault of one resource, whichever tools saw it."""

    rule: str
    """The id to acknowledge it by: `SAGEMAKER_...`, `AwsSolutions-IAM5[Resource::*]`, `E3012`."""
    severity: Severity
    title: str
    """What the rule demands, or what is wrong, in one sentence; the same for each finding of a rule of ours."""
    message: str = ""
    """What is wrong with this resource; empty where the title says it."""
    stack: str = ""
    """The stack's path in the app, or the template's file name."""
    path: str = ""
    """The construct's path in the app, or the logical id where the template knows none; empty: the whole template."""
    resource_type: str = ""
    logical_id: str = ""
    property_path: str = ""
    """`Properties.Tags.0.Key`; empty: the whole resource."""
    file: str = ""
    """The template, as a person here would name it: relative to the working directory if it lies in it."""
    line: int = 0
    """The line in the file, from 1; 0: unknown."""
    fix: str = ""
    source: str = ""
    """The address of a page that says more; empty: none is known."""
    tools: tuple[str, ...] = ()
    """The packs that saw it, sorted, e.g. `("aws-solutions", "sagemaker")`."""
    same: tuple[str, ...] = ()
    """Ids of the other rules that saw it, sorted."""
    subject: str = ""
    """What equivalent rules of several tools have in common; empty: no other tool has such a rule."""

    @property
    def fingerprint(self) -> str:
        """Which fault of which resource this is: stays the same when other resources, list members or lines change."""
        fault = (self.subject,) if self.subject else (self.rule, _INDEX.sub("*", self.property_path))
        text = "\0".join((self.stack, self.path, *fault))
        return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:32]

    @property
    def order(self) -> tuple[str | int, ...]:
        """The worst first, then by stack, path and rule: the same in every run."""
        where = (self.stack, self.path, self.rule, self.property_path, self.line, self.message)
        return (-self.severity, *where)


@dataclass(frozen=True, kw_only=True)
class Acknowledged:
    """A finding that somebody accepted, and why."""

    path: str
    rule: str
    """As the acknowledgement names it."""
    reason: str
    until: date | None = None
    """The last day on which it holds; None: for good."""
    finding: Finding | None = field(default=None, compare=False)
    """What it answers; None where an assembly is read and not reviewed."""


@dataclass(frozen=True, kw_only=True)
class ReviewedStack:
    """A stack or template that was reviewed."""

    name: str
    file: str
    size: int
    """Bytes of the template."""
    services: Mapping[str, int]
    """Number of resources by service, e.g. `{"SageMaker": 4}`."""
    guards: Mapping[str, str]
    """What protects its endpoints, by subject."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A whole review; each tuple is sorted."""

    findings: tuple[Finding, ...]
    """What is left to fix or to acknowledge, the worst first."""
    known: tuple[Finding, ...] = ()
    """What the baseline already has."""
    acknowledged: tuple[Acknowledged, ...] = ()
    stacks: tuple[ReviewedStack, ...] = ()
    packs: tuple[str, ...] = ()
    """The packs that ran, in the order of the command's help."""
    profile: str = "production"
    notes: tuple[str, ...] = ()
    """What a reader should know: tools that are not installed, acknowledgements that have expired or answer nothing."""
    errors: tuple[str, ...] = ()
    """What could not be reviewed, and why."""
