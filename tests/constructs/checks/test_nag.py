from __future__ import annotations

import json
from pathlib import Path

from ml_constructs.checks.nag import judge
from ml_constructs.policy.packs import NAG


def write(path: Path, **resources: object) -> str:
    path.write_text(json.dumps({"Resources": resources}))
    return str(path)


def test_judges_each_template_by_each_pack(tmp_path: Path) -> None:
    bucket = {"Type": "AWS::S3::Bucket"}
    templates = {"one": write(tmp_path / "1.json", B=bucket), "two": write(tmp_path / "2.json", C=bucket)}
    answer = judge({pack: kind for pack, (kind, _) in NAG.items()}, templates)
    assert answer["errors"] == {}
    found = {(each["pack"], each["template"], each["logical_id"], each["rule"]) for each in answer["findings"]}
    for pack, (_, prefix) in NAG.items():
        if pack != "serverless":
            rule = f"{prefix}{'S1' if pack == 'aws-solutions' else 'S3BucketLoggingEnabled'}"
            assert {(pack, "one", "B", rule), (pack, "two", "C", rule)} <= found


def test_says_which_template_it_cannot_load_and_judges_the_rest(tmp_path: Path) -> None:
    reference = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Ref": "Nowhere"}}}
    templates = {
        "bad": write(tmp_path / "1.json", Q=reference),
        "good": write(tmp_path / "2.json", Q={"Type": "AWS::SQS::Queue"}),
    }
    answer = judge({"serverless": "ServerlessChecks"}, templates)
    assert list(answer["errors"]) == ["bad"]
    assert "Nowhere" in answer["errors"]["bad"]
    assert {each["template"] for each in answer["findings"]} == {"good"}
