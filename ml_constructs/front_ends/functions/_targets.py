"""Which of an endpoint's models or containers callers may choose."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from ml_constructs._checks import check_each, check_length, is_token
from ml_constructs.interfaces.component import IInferenceComponent

# All variables of a function have 4 KB: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
_LONGEST: Final = 3_000


def target_choices(
    target_models: Sequence[str] | None, target_containers: Sequence[str] | None, component: IInferenceComponent | None
) -> dict[str, str]:
    """The variables from which the runtime code knows it; `ValueError` unless it can."""
    given = {"target_models": target_models, "target_containers": target_containers}
    variables: dict[str, str] = {}
    for argument, values in given.items():
        if values is None:
            continue
        check_each("text", str, **{argument: values})
        check_length(argument, values, 1, 1000)
        if component is not None:
            raise ValueError(f"{argument} must not be given with component, which is one model, got {values!r}")
        if is_token(values):
            raise ValueError(
                f"{argument} must be a list that is known at synth, though its members need not, got a token"
            )
        if not all(values):
            raise ValueError(f"{argument} must not have an empty member, got {values!r}")
        text = json.dumps(list(values))
        if len(text.encode()) > _LONGEST:
            raise ValueError(
                f"{argument} must take at most {_LONGEST:,} bytes as JSON, because all variables of a function "
                f"have 4 KB; use wildcards, got {len(text.encode()):,}"
            )
        variables[argument.upper()] = text
    if len(variables) > 1:
        raise ValueError(f"target_models must not be given beside target_containers, got {target_models!r}")
    return variables
