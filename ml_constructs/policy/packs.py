"""The packs that a review can run, and which of them are installed."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Final

# By what a pack is called on the command line: what it is. A finding of several is told as the first of them tells it.
PACKS: Final = {
    "sagemaker": "the rules of ml-constructs on SageMaker and what surrounds it",
    "aws-solutions": "cdk-nag, AWS Solutions",
    "nist-r5": "cdk-nag, NIST SP 800-53 Revision 5",
    "nist-r4": "cdk-nag, NIST SP 800-53 Revision 4",
    "hipaa": "cdk-nag, HIPAA Security",
    "pci": "cdk-nag, PCI DSS 3.2.1",
    "serverless": "cdk-nag, Serverless",
    "cloudformation": "the validation built into the CDK",
    "cfn-lint": "cfn-lint, if installed",
    "parliament": "parliament, which reads IAM policies, if installed",
    "synth": "what the app's own plugins found when it was synthesised",
}
DEFAULT: Final = ("sagemaker", "aws-solutions", "cloudformation", "cfn-lint", "parliament", "synth")
# By pack, the class in `cdk_nag` and what it puts before the names of its rules.
NAG: Final = {
    "aws-solutions": ("AwsSolutionsChecks", "AwsSolutions-"),
    "nist-r5": ("NIST80053R5Checks", "NIST.800.53.R5-"),
    "nist-r4": ("NIST80053R4Checks", "NIST.800.53.R4-"),
    "hipaa": ("HIPAASecurityChecks", "HIPAA.Security-"),
    "pci": ("PCIDSS321Checks", "PCI.DSS.321-"),
    "serverless": ("ServerlessChecks", "Serverless-"),
}
# What the CDK's plugin leaves out of the built-in validation, because templates of the CDK break it by design.
IGNORED: Final = ("E1018", "W1020", "W1103", "W3005", "W9002", "W9013")
_MODULES: Final = {
    "sagemaker": "cloudformation_validate",
    "cloudformation": "cloudformation_validate",
    "cfn-lint": "cfnlint",
    "parliament": "parliament",
}
_NEEDED: Final = {"sagemaker": "'ml-constructs[review]'", "cloudformation": "'ml-constructs[review]'"}


def choose(wanted: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The packs to run, and notes about those that are not installed.

    Args:
        wanted: Names of packs; `all` is every pack. None named: those of `DEFAULT`.

    Raises:
        ValueError: there is no such pack, or one is named that is not installed.
    """
    unknown = sorted(set(wanted) - set(PACKS) - {"all"})
    if unknown:
        raise ValueError(f"packs must be of {', '.join(PACKS)}, or all, got {', '.join(unknown)}")
    absent = {pack for pack, module in _MODULES.items() if find_spec(module) is None}
    named = sorted(absent & set(wanted))
    if named:
        needed = " ".join(sorted({_NEEDED.get(pack, pack) for pack in named}))
        raise ValueError(f"packs must be installed, got {', '.join(named)}: pip install {needed}")
    names = set(PACKS) if "all" in wanted else set(wanted or DEFAULT)
    notes = tuple(f"{pack} is not installed and did not run" for pack in sorted(absent & names))
    return tuple(pack for pack in PACKS if pack in names - absent), notes
