"""The findings that an app had when it adopted the review: only those beyond them count."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from ml_constructs.policy.finding import Finding

_VERSION = 1


def read_baseline(path: Path) -> Counter[str]:
    """How many findings of each fingerprint are known.

    Raises:
        ValueError: the file cannot be read or is no baseline.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        version, findings = content["version"], Counter(str(each["fingerprint"]) for each in content["findings"])
    except OSError as error:
        raise ValueError(f"baseline {path} cannot be read: {error.strerror}; --write-baseline makes it") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"baseline {path} must be a file that --write-baseline made: {error!r}") from error
    if version != _VERSION:
        raise ValueError(f"baseline {path} must have version {_VERSION}, got {version!r}")
    return findings


def write_baseline(path: Path, findings: Iterable[Finding]) -> None:
    """Write what is found as what is known, a line for each finding, so that its changes can be reviewed.

    Raises:
        ValueError: the file cannot be written.
    """
    lines = sorted(
        json.dumps({"rule": each.rule, "stack": each.stack, "path": each.path, "fingerprint": each.fingerprint})
        for each in findings
    )
    try:
        path.write_text(f'{{"version": {_VERSION}, "findings": [\n' + ",\n".join(lines) + "\n]}\n", encoding="utf-8")
    except OSError as error:
        raise ValueError(f"baseline {path} cannot be written: {error.strerror}") from error


def part(findings: Iterable[Finding], known: Counter[str]) -> tuple[list[Finding], list[Finding]]:
    """The findings that are new, and those that are known."""
    left = Counter(known)
    new: list[Finding] = []
    old: list[Finding] = []
    for each in findings:
        if left[each.fingerprint] > 0:
            left[each.fingerprint] -= 1
            old.append(each)
        else:
            new.append(each)
    return new, old
