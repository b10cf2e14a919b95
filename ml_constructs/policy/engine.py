"""The engine that is also inside aws-cdk-lib: our rules, and those built into it.

Needs `cloudformation-validate`, which the extra `ml-constructs[review]` installs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cloudformation_validate import (
    CompositeEngine,
    CompositeEngineConfig,
    DetailLevel,
    Diagnostic,
    EntityType,
    ExternalRuleSource,
    PseudoParameterOverrides,
    RuleFilterConfig,
    RuleOrigin,
    ServiceFilter,
    TemplateModel,
    ValidateConfig,
    ValidationError,
)
from cloudformation_validate import Severity as EngineSeverity

from ml_constructs.policy.finding import Finding
from ml_constructs.policy.packs import IGNORED
from ml_constructs.policy.review import StackReview
from ml_constructs.policy.rule import Rule, Severity, sources

_EXCLUDED: Final = RuleFilterConfig(
    ids=list(IGNORED), services=[ServiceFilter(rule_id="W3697", service="AWS::AutoScaling")]
)
_OURS: Final = (RuleOrigin.CUSTOM, RuleOrigin.GUARD)


class Engine:
    """Compiled rules, for any number of templates.

    Args:
        rules: Of ours, those to run.
        built_in: Whether the engine's own rules run.

    Raises:
        ValueError: a rule does not compile.
    """

    def __init__(self, rules: tuple[Rule, ...], *, built_in: bool) -> None:
        self._rules = {rule.id: rule for rule in rules}
        self._built_in = built_in
        rego, guard = (
            [ExternalRuleSource(name=name, content=content) for name, content in sources(rules, language)]
            for language in ("rego", "guard")
        )
        try:
            self._engine = CompositeEngine(CompositeEngineConfig(rego_rules=rego, guard_rules=guard))
        except ValidationError as error:
            raise ValueError(f"rules must compile, the engine says: {error}") from error

    def findings(self, stack: StackReview) -> Iterator[Finding]:
        """What the rules find in a stack.

        Raises:
            ValueError: the engine cannot judge the template.
        """
        config = ValidateConfig(
            exclude=_EXCLUDED,
            # The lesser level leaves out what the documentation of a rule says.
            detail_level=DetailLevel.DETAILED,
            severity_level=EngineSeverity.WARN,
            pseudo_parameter_overrides=PseudoParameterOverrides(
                account_id=stack.account or None, region=stack.region or None
            ),
            disable_builtin_rules=not self._built_in,
        )
        try:
            report = self._engine.validate_template(stack.template_path, config)
        except ValidationError as error:
            raise ValueError(f"{stack.name}: the engine cannot judge it: {error}") from error
        for diagnostic in report.diagnostics:
            yield self._finding(stack, diagnostic)

    def _finding(self, stack: StackReview, diagnostic: Diagnostic) -> Finding:
        rule = self._rules.get(diagnostic.rule_id) if diagnostic.source in _OURS else None
        entity = diagnostic.entity
        name = entity.logical_id if entity is not None and entity.entity_type is EntityType.RESOURCE else ""
        title = rule.title if rule else diagnostic.rule_description or diagnostic.message
        return Finding(
            rule=diagnostic.rule_id,
            severity=rule.severity if rule else _severity(diagnostic.severity),
            title=title,
            message=diagnostic.message if diagnostic.message != title else "",
            stack=stack.name,
            path=stack.path(name) if name else "",
            resource_type=(entity.resource_type if entity else None) or "",
            logical_id=name,
            property_path=_property(diagnostic.property_path, name),
            file=stack.file,
            line=diagnostic.start_line or 0,
            fix=rule.fix if rule else diagnostic.suggested_fix or "",
            source=rule.sources[0] if rule else diagnostic.documentation_url or "",
            tools=("sagemaker" if rule else "cloudformation",),
        )


def lines(stack: StackReview, logical_ids: set[str]) -> dict[str, int]:
    """The lines on which resources begin."""
    model = TemplateModel(stack.template_path)
    spans = {name: model.source_location(f"Resources/{name}") for name in logical_ids}
    return {name: span.start_line for name, span in spans.items() if span is not None}


def _severity(severity: EngineSeverity) -> Severity:
    return Severity.ERROR if severity in {EngineSeverity.ERROR, EngineSeverity.FATAL} else Severity.WARNING


def _property(path: str | None, logical_id: str) -> str:
    """A path as all packs here name it: `Properties.Tags.0`, whatever the rule wrote."""
    dotted = (path or "").strip("/").replace("/", ".")
    return dotted.removeprefix(f"Resources.{logical_id}.") if logical_id else dotted
