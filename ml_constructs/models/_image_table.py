"""The table of inference images that AWS publishes: which repository, tag and registry account answers for what.

`_images.json` is generated from the SageMaker SDK and proven equal to it by `tests/contract/image_table.py`, which
describes the format. It is read once per process, when an image is first asked for.
"""

from __future__ import annotations

import difflib
import functools
import importlib.resources
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ml_constructs._checks import is_token

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_INSTANCE_TYPE: Final = re.compile(r"ml\.([a-z][a-z0-9-]*)\.[a-z0-9-]+")
_GRAVITON: Final = re.compile(r"[cimrtx]\d+g[a-z]*")
# Instance families with an image of their own; asked for by instance type only.
_FAMILIES: Final = frozenset({"p2", "p4d"})
_SHOWN: Final = 5

_Option = tuple[str, str, str]  # processor, python version, base framework; empty where the image knows no such choice
_Target = tuple[str | None, int]  # image template, number of the registry


@dataclass(frozen=True, kw_only=True)
class PublishedImage:
    """An image in a repository that AWS owns, in one account per region."""

    repository: str
    tag: str
    accounts: tuple[tuple[str, str], ...]
    """Pairs of region and registry account, ordered by region."""
    arm64: bool
    """Whether it runs on Graviton, and nowhere else."""


def resolve(
    name: str,
    version: str,
    *,
    instance_type: str | None,
    processor: str | None,
    python_version: str | None,
    base_framework: str | None,
) -> PublishedImage:
    """Find the one image that matches; `ContainerImage.from_framework` describes the arguments.

    Raises:
        ValueError: nothing matches, or more than one image does.
    """
    for argument, value in (
        ("name", name),
        ("version", version),
        ("instance_type", instance_type),
        ("processor", processor),
        ("python_version", python_version),
        ("base_framework", base_framework),
    ):
        if is_token(value):
            raise ValueError(f"{argument} must be known at synthesis to choose an image, got a token")
        if not isinstance(value, str) and (value is not None or argument in {"name", "version"}):
            raise TypeError(f"{argument} must be text, got {value!r}")
    if instance_type is not None and processor is not None:
        raise ValueError(f"only one of instance_type and processor must be given, got {instance_type!r}, {processor!r}")
    image = f"{name} {version}"
    options = _options(name, version)
    if instance_type is not None:
        options = _for_instance_type(image, options, instance_type)
    else:
        options = _without_special(options)
    for axis, argument, value in (
        (0, "processor", processor),
        (2, "base_framework", base_framework),
        (1, "python_version", python_version),
    ):
        options = _narrow(image, options, axis, argument, value)
    ((chosen_processor, python, base), (template, registry)) = next(iter(options.items()))
    if template is None:
        raise ValueError(f"instance_type must be one that AWS supports for {image}, got {instance_type!r}")
    number = re.sub("^[a-z]+", "", base)
    repository, _, tag = template.partition(":")
    return PublishedImage(
        repository=repository,
        tag=tag.format(version=version, processor=chosen_processor, python=python, base=number),
        accounts=_registries()[registry],
        arm64=chosen_processor == "arm64",
    )


def is_graviton(instance_type: str) -> bool:
    """Whether an ML instance type has a processor of the architecture arm64."""
    match = _INSTANCE_TYPE.fullmatch(instance_type)
    return match is not None and _GRAVITON.fullmatch(match[1]) is not None


def domain_suffix(region: str) -> str:
    """The domain of the registries in a region."""
    suffix: str = _table()["suffixes"].get(region, "amazonaws.com")
    return suffix


@functools.cache
def _table() -> dict[str, Any]:
    file = importlib.resources.files("ml_constructs.models") / "_images.json"
    table: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return table


@functools.cache
def _registries() -> list[tuple[tuple[str, str], ...]]:
    """Registry accounts by region; each registry is written as what differs from an earlier one."""
    registries: list[dict[str, str]] = []
    for parent, removed, accounts in _table()["registries"]:
        registry = {} if parent is None else dict(registries[parent])
        for region in removed.split():
            del registry[region]
        registry |= {region: account for account, regions in accounts.items() for region in regions.split()}
        registries.append(registry)
    return [tuple(sorted(registry.items())) for registry in registries]


def _options(name: str, version: str) -> dict[_Option, _Target]:
    """What AWS publishes of a version."""
    frameworks = _table()["frameworks"]
    if name not in frameworks:
        raise ValueError(f"name must be an image that AWS publishes, got {name!r}; {_nearest(name, frameworks)}")
    options: dict[_Option, _Target] = {}
    known: list[str] = []
    for template, registry, versions, choices in frameworks[name]:
        known += versions.split()
        if version in versions.split():
            for choice in choices.split():
                processor, python, base = choice.split("/")
                options[processor, python, base] = (template, registry)
    if not options:
        known = sorted(set(known), key=lambda known_version: [int(part) for part in re.findall(r"\d+", known_version)])
        raise ValueError(
            f"version must be one that AWS publishes for {name}, got {version!r}; "
            f"{_nearest(version, known)}; newest: {', '.join(known[: -_SHOWN - 1 : -1])}"
        )
    return options


def _nearest(value: str, choices: Iterable[str]) -> str:
    names = list(choices)
    close = difflib.get_close_matches(value, names, n=_SHOWN)
    return f"nearest: {', '.join(close)}" if close else f"known: {', '.join(names)}"


def _for_instance_type(image: str, options: dict[_Option, _Target], instance_type: str) -> dict[_Option, _Target]:
    """The options for the first kind of image that the instance type can run."""
    match = _INSTANCE_TYPE.fullmatch(instance_type)
    if match is None:
        raise ValueError(f"instance_type must look like ml.m5.large, got {instance_type!r}")
    published = {option[0] for option in options}
    for processor in _processors_of(match[1]):
        if processor in published:
            return {option: target for option, target in options.items() if option[0] == processor}
    raise ValueError(
        f"instance_type must be one that {image} has an image for, got {instance_type!r}; "
        f"its processors: {_listed(published - _FAMILIES)}"
    )


def _processors_of(family: str) -> tuple[str, ...]:
    """The processors in the table that an instance family can run, best first."""
    if _GRAVITON.fullmatch(family):
        return ("arm64",)
    if family == "inf1":
        return ("inf1", "inf", "")
    if family.startswith("inf"):
        return (family, "neuronx", "inf", "")
    if family.startswith("trn"):
        return (family, "trn", "neuronx", "")
    if family[0] in "gp":
        return (family, "gpu", "")
    return ("cpu", "")


def _without_special(options: dict[_Option, _Target]) -> dict[_Option, _Target]:
    """The options without those that only an instance type selects."""
    return {option: target for option, target in options.items() if option[0] not in _FAMILIES}


def _narrow(
    image: str, options: dict[_Option, _Target], axis: int, argument: str, value: str | None
) -> dict[_Option, _Target]:
    """The options with one value on an axis: the given one, or the only one."""
    published = {option[axis] for option in options}
    if value is None:
        # An image for Graviton is chosen by asking for it, because every other instance type needs the other one.
        default = published - {"arm64"} or published
        if len(default) > 1:
            raise ValueError(f"{argument} must be given for {image}, one of {_listed(published)}{_hint(argument)}")
        (value,) = default
    elif value not in published or not value:
        choice = f"one of {_listed(published)}" if published != {""} else "left out"
        raise ValueError(f"{argument} must be {choice} for {image}, got {value!r}")
    return {option: target for option, target in options.items() if option[axis] == value}


def _hint(argument: str) -> str:
    return ", or instance_type" if argument == "processor" else ""


def _listed(values: Collection[str]) -> str:
    return ", ".join(sorted(value for value in values if value)) or "any but Graviton"
