"""`ml-constructs review`: reviews a CDK app, a cloud assembly or templates. Nothing is sent anywhere.

Exit status: 0 nothing is left to fix, 1 findings are left, 2 the command or its policy file is wrong, 3 something
cannot be read or a pack cannot run, whatever was found in the rest.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Final, NoReturn

from ml_constructs.policy.baseline import write_baseline
from ml_constructs.policy.explain import explain
from ml_constructs.policy.finding import Outcome
from ml_constructs.policy.judge import Request, review
from ml_constructs.policy.packs import DEFAULT, PACKS
from ml_constructs.policy.settings import Settings, find_settings, parse_profile, parse_severity, read_settings

CLEAN: Final = 0
FINDINGS: Final = 1
WRONG: Final = 2
UNREADABLE: Final = 3
FORMATS: Final = ("terminal", "sarif", "junit", "markdown", "html")

_EPILOGUE: Final = """\
exit status:
  0  nothing is left to fix
  1  findings are left to fix or to acknowledge
  2  the arguments, the policy file or the baseline are wrong
  3  a target cannot be read or a pack cannot run, whatever the rest has
"""


@dataclass(frozen=True, kw_only=True)
class _Output:
    """A report, and the file it goes to; the standard output where there is none."""

    name: str
    file: Path | None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.command is None:
        parser.print_help(sys.stderr)
        return WRONG
    try:
        if given.explain:
            sys.stdout.write(explain(given.explain))
            return CLEAN
        return _review(given)
    except ValueError as error:
        print(f"ml-constructs review: {error}", file=sys.stderr)  # noqa: T201 - a command
        return WRONG
    except BrokenPipeError:  # `| head`
        sys.stderr.close()
        return FINDINGS


def run() -> NoReturn:
    """The console script."""
    sys.exit(main())


def _review(given: argparse.Namespace) -> int:
    settings = _settings(given.config)
    baseline: Path | None = given.baseline or settings.baseline
    if given.write_baseline and baseline is None:
        raise ValueError("--write-baseline needs --baseline FILE, or baseline in the policy file")
    outputs = [_output(each) for each in given.format or ["terminal"]]
    if sum(each.file is None for each in outputs) > 1:
        raise ValueError("only one --format may go to the standard output: give the others a file, --format sarif=FILE")
    request = Request(
        targets=given.targets or ["."],
        packs=[each for text in given.packs for each in text.split(",") if each] or settings.packs,
        profile=parse_profile(given.profile) if given.profile else settings.profile,
        severity=parse_severity(given.severity) if given.severity else settings.severity,
        acknowledgements=settings.acknowledgements,
        baseline=None if given.write_baseline else baseline,
        today=datetime.now(tz=UTC).date(),
    )
    with _progress() as progress:
        outcome = review(request, progress)
    for output in outputs:
        _write(output, outcome)
    if given.write_baseline and baseline is not None:
        write_baseline(baseline, outcome.findings)
    if outcome.errors:
        _complain(outcome, outputs)
        return UNREADABLE
    return FINDINGS if outcome.findings and not given.write_baseline else CLEAN


def _complain(outcome: Outcome, outputs: Sequence[_Output]) -> None:
    """Errors must be seen where the report goes elsewhere."""
    if not any(each.name == "terminal" and each.file is None for each in outputs):
        for each in outcome.errors:
            print(f"ml-constructs review: {each}", file=sys.stderr)  # noqa: T201 - a command


def _settings(config: Path | None) -> Settings:
    path = config or find_settings(Path.cwd())
    return read_settings(path) if path else Settings()


def _output(text: str) -> _Output:
    name, _, file = text.partition("=")
    if name not in FORMATS:
        raise ValueError(f"--format must be one of {', '.join(FORMATS)}, got {name!r}")
    return _Output(name=name, file=Path(file) if file else None)


def _write(output: _Output, outcome: Outcome) -> None:
    if output.name == "terminal":
        module = _extra("ml_constructs.policy.terminal")
        if output.file is None:
            module.show(outcome)
            return
        text = module.plain(outcome)
    else:
        text = import_module(f"ml_constructs.policy.formats.{output.name}").render(outcome)
    if output.file is None:
        sys.stdout.write(text)
        return
    try:
        output.file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ValueError(f"--format {output.name} cannot write {output.file}: {error.strerror}") from error


def _progress() -> AbstractContextManager[Callable[[str], None]]:
    """What runs at this moment, on a terminal; nothing elsewhere."""
    if not sys.stderr.isatty():
        return nullcontext(lambda _: None)
    progress: AbstractContextManager[Callable[[str], None]] = _extra("ml_constructs.policy.terminal").progress()
    return progress


def _extra(module: str):  # type: ignore[no-untyped-def]  # noqa: ANN202 - a module, known when it is loaded
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise ValueError(f"{error.name} must be installed: pip install 'ml-constructs[review]'") from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ml-constructs", description="Constructs and policy review for SageMaker.")
    commands = parser.add_subparsers(dest="command", title="commands")
    each = commands.add_parser(
        "review",
        help="review a CDK app, a cloud assembly or templates",
        description="Review a CDK app, a cloud assembly or templates. No call leaves this machine.",
        epilog=_EPILOGUE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    each.add_argument(
        "targets",
        metavar="TARGET",
        nargs="*",
        help="a directory with cdk.json or manifest.json, or a template in JSON or YAML; default: this directory",
    )
    each.add_argument(
        "--packs",
        metavar="PACK[,PACK]",
        action="append",
        default=[],
        help=f"of {', '.join(PACKS)}, or all; default: {', '.join(DEFAULT)}, as far as they are installed",
    )
    each.add_argument("--profile", help="development, production (default) or regulated: which SageMaker rules apply")
    each.add_argument("--severity", help="warning (default) or error: the lowest severity that is reported")
    each.add_argument(
        "--format",
        metavar="FORMAT[=FILE]",
        action="append",
        help=f"{', '.join(FORMATS)}; may be given several times; default: terminal",
    )
    each.add_argument("--baseline", metavar="FILE", type=Path, help="findings in it are known and do not count")
    each.add_argument("--write-baseline", action="store_true", help="write all that is found now into the baseline")
    each.add_argument("--explain", metavar="RULE", help="print a rule's page, and review nothing")
    each.add_argument(
        "--config", metavar="FILE", type=Path, help="the policy file; default: the nearest pyproject.toml"
    )
    return parser
