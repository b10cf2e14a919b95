from __future__ import annotations

import json

import pytest

from submit_requests.upload import LARGEST, TYPES, Unusable, Upload, parse


def upload(**fields: object) -> Upload:
    given = {"bucket": "b", "key": "requests/slow/uploads/a.csv", "size": 3, "version": "v1"}
    return Upload(**{**given, **fields})  # type: ignore[arg-type]


def event(**item: object) -> str:
    given = {"key": "a.csv", "size": 3, "etag": "e1", "version-id": "v1", "sequencer": "1"}
    return json.dumps({"detail": {"bucket": {"name": "b"}, "object": {**given, **item}}})


def test_reads_the_event() -> None:
    assert parse(event()) == Upload(bucket="b", key="a.csv", size=3, version="v1")


def test_a_bucket_without_versions_has_etags() -> None:
    without = json.loads(event())
    del without["detail"]["object"]["version-id"]
    assert parse(json.dumps(without)).version == "e1"


@pytest.mark.parametrize(
    "body",
    [
        "",
        "x",
        "5",
        "null",
        "[]",
        "{}",
        '{"detail": 5}',
        '{"detail": {"bucket": {"name": "b"}}}',
        "[" * 100_000,
        event(key=5),
        event(key=""),
        event(key="\ud800"),
        event(size=None),
        event(size="x"),
        event(**{"version-id": None, "etag": None}),
    ],
)
def test_refuses_what_is_no_event(body: str) -> None:
    with pytest.raises(Unusable) as caught:
        parse(body)
    assert caught.value.kind == "malformed-event"


def test_inference_id_tells_contents_apart() -> None:
    assert upload().inference_id == upload().inference_id
    different = [upload(), upload(version="v2"), upload(key="requests/slow/uploads/b.csv"), upload(bucket="c")]
    assert len({each.inference_id for each in different}) == 4
    assert all(len(each.inference_id) == 64 for each in different)


@pytest.mark.parametrize(
    ("key", "media_type"),
    [
        *((f"a{suffix}", media_type) for suffix, media_type in TYPES.items()),
        ("a.JSON", "application/json"),
        ("a.json.gz", "application/octet-stream"),
        ("a", "application/octet-stream"),
        (".csv", "application/octet-stream"),
    ],
)
def test_suffix_stands_for_a_media_type(key: str, media_type: str) -> None:
    assert upload(key=key).content_type == media_type


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"size": 0}, "empty-object"),
        ({"size": LARGEST + 1}, "object-too-large"),
        ({"key": "ü.csv"}, "unusable-key"),
        ({"key": "a\n.csv"}, "unusable-key"),
        ({"key": "a "}, "unusable-key"),
        ({"key": "k" * (1024 - len("s3://b/") + 1)}, "unusable-key"),
    ],
)
def test_refuses_what_the_endpoint_would_not_take(fields: dict[str, object], kind: str) -> None:
    with pytest.raises(Unusable) as caught:
        _ = upload(**fields).location
    assert caught.value.kind == kind


@pytest.mark.parametrize(
    "fields", [{}, {"size": LARGEST}, {"key": "k" * (1024 - len("s3://b/"))}, {"key": "a b (1)/+%20.csv"}]
)
def test_takes_what_the_endpoint_takes(fields: dict[str, object]) -> None:
    each = upload(**fields)
    assert each.location == f"s3://b/{each.key}"


def test_knows_a_folder() -> None:
    assert upload(key="a/", size=0).is_folder
    assert not upload(key="a/", size=1).is_folder
    assert not upload(key="a", size=0).is_folder
