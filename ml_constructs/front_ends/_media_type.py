"""Media types as a call of an endpoint takes them, which may have parameters."""

from __future__ import annotations

from typing import Final

from ml_constructs._checks import check_pattern

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html; they become headers, which
# have no space at their ends.
_PATTERN: Final = r"[\x21-\x7e]([\x20-\x7e]{0,1022}[\x21-\x7e])?"


def check_media_types(**arguments: str | None) -> None:
    """Raise `ValueError` unless each argument can be sent as a media type; None and tokens pass."""
    for argument, media_type in arguments.items():
        check_pattern(argument, media_type, _PATTERN, "1 to 1,024 printable characters of ASCII")
