"""A rule's page."""

from __future__ import annotations

from difflib import get_close_matches
from textwrap import indent

from ml_constructs.policy.rule import PREFIX, rules


def explain(name: str) -> str:
    """What a rule of ours demands, why, a template that breaks it, one that does not, the fix, and where it says so.

    Raises:
        ValueError: there is no such rule.
    """
    known = {rule.id: rule for rule in rules()}
    wanted = name.rpartition("::")[2].upper()
    rule = known.get(wanted) or known.get(PREFIX + wanted)
    if rule is None:
        close = get_close_matches(wanted, known, n=3)
        hint = f"did you mean {' or '.join(close)}?" if close else f"rules begin with {PREFIX}"
        raise ValueError(f"--explain must name a rule of this library, got {name!r}: {hint}")
    applies = f"{rule.severity.name.lower()}, from profile {rule.profile.name.lower()} on"
    controls = f"\nControls: {', '.join(rule.controls)}\n" if rule.controls else ""
    return (
        f"{rule.id}\n{rule.title}\n\n"
        f"{applies}; {rule.topic}, in {rule.language}\n\n"
        f"{rule.intent.strip()}\n\nFix\n{indent(rule.fix.strip(), '  ')}\n\n"
        f"Fails\n{indent(rule.fails.strip(), '  ')}\n\nPasses\n{indent(rule.passes.strip(), '  ')}\n\n"
        "Sources\n" + "".join(f"  {each}\n" for each in rule.sources) + controls
    )
