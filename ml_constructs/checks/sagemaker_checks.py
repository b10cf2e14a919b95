"""The SageMaker rule pack inside a synth."""

from __future__ import annotations

from typing import Literal

from aws_cdk import CloudFormationValidatePlugin, ValidationRuleSource

from ml_constructs._checks import check_choice
from ml_constructs.policy.rule import Profile, Severity, chosen, sources


class SageMakerChecks(CloudFormationValidatePlugin):
    """The rules of this library on SageMaker and what surrounds it, run at synth beside the CDK's built-in validation.

        Validations.of(app).add_plugins(SageMakerChecks(profile="regulated"))

    Registered once, on the app: it takes the place of the built-in validation and keeps that one's rules. An error
    fails the synth if the context `@aws-cdk/core:validateAgainstDefaultRules` is true; without it all findings of this
    plugin are warnings. Accept a finding beside its cause, by its id behind the plugin's name:

        Validations.of(endpoint).acknowledge(
            Acknowledgment(id="CloudFormation-Validate::SAGEMAKER_ENDPOINT_ROLLBACK_ALARMS", reason="...")
        )

    https://docs.aws.amazon.com/cdk/v2/guide/policy-validation-synthesis.html

    Args:
        profile: Which rules apply: `development` has those that hold anywhere, `production` adds what live traffic
            needs, `regulated` adds evidence and customer-managed keys. Default: `production`.
        severity: The lowest severity reported, `warning` or `error`. Default: `warning`, which reports both.

    Raises:
        ValueError: profile or severity is none of those.
    """

    def __init__(
        self,
        *,
        profile: Literal["development", "production", "regulated"] = "production",
        severity: Literal["warning", "error"] = "warning",
    ) -> None:
        check_choice("profile", profile, [each.name.lower() for each in Profile])
        check_choice("severity", severity, [each.name.lower() for each in Severity])
        selected = chosen(Profile[profile.upper()], Severity[severity.upper()])
        super().__init__(
            guard_rules=[ValidationRuleSource(name=name, content=text) for name, text in sources(selected, "guard")],
            rego_rules=[ValidationRuleSource(name=name, content=text) for name, text in sources(selected, "rego")],
        )
