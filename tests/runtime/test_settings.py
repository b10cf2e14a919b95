from __future__ import annotations

import dataclasses

import pytest

from invoke_endpoint.settings import Settings


def parse(**environ: str) -> Settings:
    return Settings.from_environment({"ENDPOINT_NAME": "tabular", **environ})


def test_only_the_endpoint_is_required() -> None:
    assert parse() == Settings(
        endpoint_name="tabular",
        inference_component_name=None,
        connect_timeout_seconds=1.0,
        read_timeout_seconds=25.0,
        max_attempts=3,
        max_body_bytes=6_291_456,
        allow_target_variant=False,
        target_models=(),
        target_containers=(),
        allow_explanations=False,
        answer_headers=(),
    )


def test_every_field_has_its_variable() -> None:
    settings = parse(
        INFERENCE_COMPONENT_NAME="chat",
        CONNECT_TIMEOUT_SECONDS="0.5",
        READ_TIMEOUT_SECONDS="60",
        MAX_ATTEMPTS="1",
        MAX_BODY_BYTES="1000",
        ALLOW_TARGET_VARIANT="true",
        TARGET_MODELS='["a/*", "b"]',
        TARGET_CONTAINERS='["c"]',
        ALLOW_EXPLANATIONS="true",
        ANSWER_HEADERS='{"Vary": "Origin"}',
    )
    assert settings == Settings(
        endpoint_name="tabular",
        inference_component_name="chat",
        connect_timeout_seconds=0.5,
        read_timeout_seconds=60.0,
        max_attempts=1,
        max_body_bytes=1000,
        allow_target_variant=True,
        target_models=("a/*", "b"),
        target_containers=("c",),
        allow_explanations=True,
        answer_headers=(("vary", "Origin"),),
    )
    assert all(getattr(settings, field.name) != field.default for field in dataclasses.fields(Settings))


@pytest.mark.parametrize(
    ("variable", "good", "bad"),
    [
        ("ENDPOINT_NAME", ["a", "A-1", "a" * 63], ["", "a" * 64, "-a", "a-", "a_b", "a b", "a\n", "é"]),
        ("INFERENCE_COMPONENT_NAME", ["a", "A-1", "a" * 63], ["", "a" * 64, "-a", "a-", "a_b", "a b", "a\n", "é"]),
        ("CONNECT_TIMEOUT_SECONDS", ["0.001", "900"], ["0", "-1", "900.1", "nan", "inf", "", "1s"]),
        ("READ_TIMEOUT_SECONDS", ["0.001", "900"], ["0", "-1", "900.1", "nan", "inf", "", "1s"]),
        ("MAX_ATTEMPTS", ["1", "10"], ["0", "11", "-1", "1.5", "", "x", "1_0", "٣"]),
        ("MAX_BODY_BYTES", ["1", "6291456"], ["0", "6291457", "9" * 30, "", "1e3"]),
        ("ALLOW_TARGET_VARIANT", ["true", "false"], ["True", "1", "", "yes"]),
        ("TARGET_MODELS", ['["a"]'], ["", "a", "[]", "{}", '"a"', "[1]", '[""]', "[", "[" * 9000]),
        ("TARGET_CONTAINERS", ['["a", "b"]'], ["", "a", "[]", "[null]"]),
        ("ALLOW_EXPLANATIONS", ["true", "false"], ["True", "1", "", "yes"]),
    ],
)
def test_values_out_of_range_are_named(variable: str, good: list[str], bad: list[str]) -> None:
    for value in good:
        parse(**{variable: value})
    for value in bad:
        with pytest.raises(ValueError, match=f"^{variable} must be ") as caught:
            parse(**{variable: value})
        assert str(caught.value).endswith(f"got {value!r}")


def test_a_missing_endpoint_is_named() -> None:
    with pytest.raises(ValueError, match="ENDPOINT_NAME must be the name of an endpoint"):
        Settings.from_environment({})
