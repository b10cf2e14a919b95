"""Outcomes of reviews to write down."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from ml_constructs.policy.finding import Acknowledged, Finding, Outcome, ReviewedStack
from ml_constructs.policy.rule import Severity, rules

OURS = next(rule for rule in rules() if rule.id == "SAGEMAKER_ENDPOINT_ROLLBACK_ALARMS")
HOSTILE = (
    "</script><script>alert(1)</script><img src=x onerror=alert(2)> <!-- --> ]]> <![CDATA[ &amp; &lt; \" ' ` ``` "
    "**b** _i_ ~~s~~ [x](javascript:alert(3)) ![y](https://example.com/z.png) <https://example.com> | a | $x$ @someone "
    "#1 GH-2 https://example.com www.example.com {0} \0 \x08 \x1b[31m \x7f \x9b \ud800 \ufffe \u202e \u2066 \r\n\r\n"
    "# heading\n- item\n    code\n</details>\n> quote\n===\n"
)


def finding(**values: Any) -> Finding:  # noqa: ANN401 - the fields of a finding
    given = {
        "rule": OURS.id,
        "severity": OURS.severity,
        "title": OURS.title,
        "message": "no alarm rolls it back",
        "stack": "App/Live",
        "path": "App/Live/Endpoint/Resource",
        "resource_type": "AWS::SageMaker::Endpoint",
        "logical_id": "Endpoint8024A810",
        "property_path": "Properties.DeploymentConfig",
        "file": "cdk.out/AppLive.template.json",
        "line": 12,
        "fix": OURS.fix,
        "source": OURS.sources[0],
        "tools": ("sagemaker",),
    }
    return Finding(**{**given, **values})


WARNING = finding(
    rule="AwsSolutions-S1",
    severity=Severity.WARNING,
    title="The bucket has no access log",
    message="",
    path="App/Live/Bucket/Resource",
    resource_type="AWS::S3::Bucket",
    logical_id="Bucket83908E77",
    property_path="",
    line=40,
    fix="Set LoggingConfiguration.",
    source="",
    tools=("aws-solutions", "nist-r5"),
    same=("NIST.800.53.R5-S3BucketLoggingEnabled",),
)
WILDCARD = finding(
    rule="AwsSolutions-IAM5[Resource::*]",
    title="The policy has a wildcard",
    path="App/Live/Role/Policy",
    property_path="Properties.PolicyDocument.Statement.0",
    tools=("aws-solutions",),
)
ACCEPTED = Acknowledged(
    path="App/Live/Role/Policy", rule=WILDCARD.rule, reason="AWS demands it", until=date(2027, 1, 31), finding=WILDCARD
)
STACKS = (
    ReviewedStack(
        name="App/Live",
        file="cdk.out/AppLive.template.json",
        size=12_345,
        services={"S3": 1, "SageMaker": 3},
        guards={"alarms": "2 alarms, 2 with an action"},
    ),
    ReviewedStack(name="App/Quiet", file="cdk.out/AppQuiet.template.json", size=900, services={"KMS": 1}, guards={}),
)
OUTCOME = Outcome(
    findings=(finding(), finding(path="App/Live/Other/Resource", logical_id="Other"), WARNING),
    known=(finding(path="App/Live/Old/Resource", logical_id="Old"),),
    acknowledged=(ACCEPTED, Acknowledged(path="App/Live", rule="W1", reason="read from an assembly")),
    stacks=STACKS,
    packs=("sagemaker", "aws-solutions"),
    notes=("parliament is not installed",),
)
TEXTS = ("rule", "title", "message", "stack", "path", "resource_type", "logical_id", "property_path", "file", "fix")
# A fingerprint is of text that UTF-8 can hold.
NAMES = dict.fromkeys(("rule", "stack", "path", "property_path"), HOSTILE)
HOSTILE_FINDING = replace(
    finding(**{**dict.fromkeys(TEXTS, HOSTILE), **NAMES}),
    source='https://example.com/"><b>',
    tools=(HOSTILE,),
    same=(HOSTILE,),
)
HOSTILE_OUTCOME = Outcome(
    findings=(HOSTILE_FINDING, replace(HOSTILE_FINDING, source="javascript:alert(4)")),
    known=(HOSTILE_FINDING,),
    acknowledged=(Acknowledged(path=HOSTILE, rule=HOSTILE, reason=HOSTILE, finding=HOSTILE_FINDING),),
    stacks=(replace(STACKS[0], name=HOSTILE, file=HOSTILE, services={HOSTILE: 1}, guards={HOSTILE: HOSTILE}),),
    packs=("sagemaker",),
    notes=(HOSTILE,),
    errors=(HOSTILE,),
)


def many(number: int) -> Outcome:
    """So many findings of all rules of ours, three to a construct, in a hundred stacks."""
    known = rules()
    found = (
        finding(
            rule=rule.id,
            severity=rule.severity,
            title=rule.title,
            stack=f"App/Stack{each % 100:02}",
            path=f"App/Stack{each % 100:02}/Construct{each // 300}/Resource",
            logical_id=f"Construct{each // 300}",
            line=each + 1,
            fix=rule.fix,
            source=rule.sources[0],
        )
        for each, rule in ((each, known[each % len(known)]) for each in range(number))
    )
    return Outcome(findings=tuple(sorted(found, key=lambda each: each.order)), packs=("sagemaker",))
