from __future__ import annotations

from pathlib import Path

import pytest

from ml_constructs.policy.template import mapping, read_template, resources_of

INTRINSICS = """
Resources:
  Bucket:
    Type: AWS::S3::Bucket
    Condition: Always
    Properties:
      Version: 2012-10-17
      Count: 2
      Public: false
      Nothing: ~
      Name: !Sub ['${a}-x', {a: !Ref Name}]
      Arn: !GetAtt Role.Arn
      Deep: !GetAtt Nested.Outputs.Arn
      Listed: !GetAtt [Role, Arn]
      Either: !If [Always, !Ref AWS::NoValue, "yes"]
      Both: !And [!Condition Always]
"""
LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


def write(directory: Path, content: str | bytes, suffix: str = ".yaml") -> Path:
    path = directory / f"template{suffix}"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_reads_short_forms_as_cloudformation_does(tmp_path: Path) -> None:
    template = read_template(write(tmp_path, INTRINSICS))
    assert template["Resources"]["Bucket"]["Properties"] == {
        "Version": "2012-10-17",
        "Count": 2,
        "Public": False,
        "Nothing": None,
        "Name": {"Fn::Sub": ["${a}-x", {"a": {"Ref": "Name"}}]},
        "Arn": {"Fn::GetAtt": ["Role", "Arn"]},
        "Deep": {"Fn::GetAtt": ["Nested", "Outputs.Arn"]},
        "Listed": {"Fn::GetAtt": ["Role", "Arn"]},
        "Either": {"Fn::If": ["Always", {"Ref": "AWS::NoValue"}, "yes"]},
        "Both": {"Fn::And": [{"Condition": "Always"}]},
    }


@pytest.mark.parametrize("suffix", [".json", ".yaml", ".template", ""])
def test_reads_json_by_any_name(tmp_path: Path, suffix: str) -> None:
    assert read_template(write(tmp_path, '\ufeff{"Resources": {}}', suffix)) == {"Resources": {}}


def test_reads_yaml_that_begins_like_json(tmp_path: Path) -> None:
    assert read_template(write(tmp_path, "{Resources: {}}")) == {"Resources": {}}


@pytest.mark.parametrize(
    ("content", "suffix", "message"),
    [
        ("", ".yaml", "must be a mapping"),
        ("[]", ".json", "must be a mapping"),
        ("text", ".yaml", "must be a mapping"),
        ('{"a": }', ".json", "must be JSON: Expecting value in line 1, column 7"),
        ("a: [\n", ".yaml", "must be YAML: .* in line 2, column 1"),
        ("a: *b", ".yaml", "must be YAML: found undefined alias"),
        ("a: b\n---\nc: d\n", ".yaml", "must be YAML: .*another document"),
        ("\x00", ".yaml", "must be YAML"),
        ("? [a]\n: b", ".yaml", "text as keys, got another in line 1"),
        (b"\xff\xfe", ".yaml", "must be text in UTF-8: byte 0 is not"),
        ("[" * 100_000, ".yaml", "nested at most 200 deep"),
        ("{a: " * 100_000, ".yaml", "nested at most 200 deep"),
        ("[" * 100_000 + "]" * 100_000, ".json", "nested too deeply"),
        ("a: &a [*a]", ".yaml", "nested too deeply"),
        (LAUGHS, ".yaml", "at most 1,000,000 values with its aliases followed"),
    ],
)
def test_says_what_is_wrong(tmp_path: Path, content: str | bytes, suffix: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_template(write(tmp_path, content, suffix))


def test_takes_what_cloudformation_takes(tmp_path: Path) -> None:
    frame = '{"Description": ""}'
    largest = write(tmp_path, f'{{"Description": "{"x" * (1_048_576 - len(frame))}"}}', ".json")
    assert largest.stat().st_size == 1_048_576
    assert read_template(largest)
    largest.write_text(largest.read_text() + " ")
    with pytest.raises(ValueError, match="at most 1,048,576 bytes, got 1,048,577"):
        read_template(largest)


def test_a_wrong_number_stays_text(tmp_path: Path) -> None:
    assert read_template(write(tmp_path, "a: !!int x")) == {"a": "x"}


@pytest.mark.parametrize("name", ["nowhere.yaml", "."])
def test_says_what_cannot_be_read(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="template cannot be read: "):
        read_template(tmp_path / name)


@pytest.mark.parametrize("resources", [None, 5, [], {"A": 5, "B": {"Type": 5}, "C": {}, "D": {"Type": "T"}}])
def test_looks_at_well_formed_resources_alone(resources: object) -> None:
    assert set(resources_of({"Resources": resources})) <= {"D"}


@pytest.mark.parametrize(
    ("value", "keys", "found"),
    [({"a": {"b": {"c": 1}}}, ("a", "b"), {"c": 1}), ({"a": 5}, ("a", "b"), {}), (None, (), {}), ([], ("a",), {})],
)
def test_finds_mappings_wherever_they_may_be(value: object, keys: tuple[str, ...], found: dict[str, int]) -> None:
    assert mapping(value, *keys) == found
