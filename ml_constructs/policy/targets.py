"""Finds the templates that a review is asked about: in an app, an assembly, or files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from ml_constructs.policy.app import synthesise
from ml_constructs.policy.finding import Acknowledged, Finding
from ml_constructs.policy.review import StackReview, read
from ml_constructs.policy.template import read_template

_REMOTE = ("http://", "https://", "s3://")


@dataclass
class Targets:
    """What there is to review."""

    stacks: list[StackReview] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    """What the synth found."""
    accepted: list[Acknowledged] = field(default_factory=list)
    """What the synth found and the app accepted."""
    notes: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def find(targets: Sequence[str], scratch: Path, progress: Callable[[str], None]) -> Targets:
    """Everything that the targets hold; an app is synthesised into `scratch`.

    What cannot be read is an error in the result, and the others are read all the same.
    """
    found = Targets()
    seen: set[Path] = set()
    for number, target in enumerate(dict.fromkeys(targets)):
        path = Path(target)
        try:
            if (path / "manifest.json").is_file():
                _add_assembly(found, path, shown(path))
            elif (path / "cdk.json").is_file():
                progress(f"synthesising {shown(path)}")
                output = scratch / str(number)
                found.notes += synthesise(path, output)
                _add_assembly(found, output, shown(path / "cdk.out"))
            elif path.is_dir():
                found.errors.append(f"{shown(path)}: directory must have a cdk.json or a manifest.json, it has neither")
            else:
                _add_template(found, path, shown(path), seen)
        except ValueError as error:
            found.errors.append(f"{shown(path)}: {error}")
    return found


def shown(path: Path) -> str:
    """A path as a person here would name it, the same on every machine if it lies in the working directory."""
    whole = path.absolute()
    try:
        return whole.resolve().relative_to(Path.cwd().resolve()).as_posix()
    except ValueError:
        return whole.as_posix()


def _add_assembly(found: Targets, directory: Path, name: str) -> None:
    review = read(directory)
    found.stacks += [replace(each, file=_within(name, each.file)) for each in review.stacks]
    found.findings += [_below(each, name) for each in review.findings]
    found.accepted += [
        replace(each, finding=_below(each.finding, name)) for each in review.accepted if each.finding is not None
    ]
    if review.missing:
        found.notes.append(
            f"{name} was made without {len(review.missing)} values that the app looks up in AWS: "
            "commit cdk.context.json to review what will be deployed"
        )


def _below(finding: Finding, name: str) -> Finding:
    return replace(finding, file=_within(name, finding.file)) if finding.file else finding


def _within(directory: str, file: str) -> str:
    return (PurePosixPath(directory) / file).as_posix()


def _add_template(found: Targets, path: Path, name: str, seen: set[Path]) -> None:
    if path.resolve() in seen:
        return
    seen.add(path.resolve())
    stack = StackReview(name=name, template_path=path, template=read_template(path), acknowledged=(), file=shown(path))
    found.stacks.append(stack)
    for resource in stack.all_resources.values():
        address = (resource.get("Properties") or {}).get("TemplateURL") if _is_stack(resource) else None
        if isinstance(address, str) and not address.startswith(_REMOTE):
            nested = path.parent / address
            try:
                _add_template(found, nested, shown(nested), seen)
            except (ValueError, OSError) as error:
                found.errors.append(f"{shown(nested)}, nested in {name}: {error}")


def _is_stack(resource: dict[str, object]) -> bool:
    return resource["Type"] == "AWS::CloudFormation::Stack" and isinstance(resource.get("Properties"), dict)
