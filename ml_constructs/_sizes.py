"""Sizes in the unit that CloudFormation takes."""

from __future__ import annotations

from aws_cdk import Size, SizeRoundingBehavior


def mebibytes(argument: str, size: Size) -> float | None:
    """The size in MiB, an int if it is whole; None if it is known only at deployment.

    Raises:
        ValueError: it is known only at deployment, and in another unit, which CloudFormation cannot convert.
    """
    if size.is_unresolved():
        try:
            size.to_mebibytes()
        except RuntimeError:
            raise _unit(argument, "MiB") from None
        return None
    return _whole(size.to_mebibytes(rounding=SizeRoundingBehavior.NONE))


def gibibytes(argument: str, size: Size) -> float | None:
    """The size in GiB, an int if it is whole; None if it is known only at deployment.

    Raises:
        ValueError: it is known only at deployment, and in another unit, which CloudFormation cannot convert.
    """
    if size.is_unresolved():
        try:
            size.to_gibibytes()
        except RuntimeError:
            raise _unit(argument, "GiB") from None
        return None
    return _whole(size.to_gibibytes(rounding=SizeRoundingBehavior.NONE))


def _unit(argument: str, unit: str) -> ValueError:
    return ValueError(f"{argument} must be given in {unit} where known only at deployment, got a token")


def _whole(number: float) -> float:
    return int(number) if number == int(number) else number
