from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, NestedStack, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from ml_constructs.encryption import EncryptionKey
from ml_constructs.models._location import MAX_URL, BoundModelData
from ml_constructs.models.model_data import ModelData
from ml_constructs.permissions import Permission
from tests.constructs.builders import text, write_files

FILES = {"xgboost-model": "trees", "code/inference.py": "def model_fn(): ...\n", "code/lib/helper.py": ""}


def archives(app: App) -> list[Path]:
    """The staged archives of an app."""
    return sorted(Path(app.synth().directory).glob("asset.*.gz"))


def packed(app: App, stack: Stack, directory: Path) -> dict[str, tarfile.TarInfo]:
    ModelData.from_directory(directory).bind(stack)
    (archive,) = archives(app)
    with tarfile.open(archive, "r:gz") as tar:
        return {member.name: member for member in tar}


def url(data: ModelData) -> str:
    """The URL in a fresh app."""
    stack = Stack(App(builtin_cloud_formation_validation=False), "Stack")
    return json.dumps(stack.resolve(data.bind(stack).url))


# From a directory.


def test_the_archive_holds_exactly_the_files(app: App, stack: Stack, tmp_path: Path) -> None:
    members = packed(app, stack, write_files(tmp_path, FILES))
    assert list(members) == sorted(FILES)
    assert all(member.isfile() for member in members.values())
    assert {(member.mtime, member.uid, member.gid, member.uname, member.mode) for member in members.values()} == {
        (0, 0, 0, "", 0o644)
    }


def test_the_archive_keeps_contents(app: App, stack: Stack, tmp_path: Path) -> None:
    ModelData.from_directory(write_files(tmp_path, FILES)).bind(stack)
    (archive,) = archives(app)
    with tarfile.open(archive, "r:gz") as tar:
        contents = {member.name: (tar.extractfile(member) or io.BytesIO()).read().decode() for member in tar}
    assert contents == FILES


def test_the_object_is_named_as_sagemaker_documents(app: App, stack: Stack, tmp_path: Path) -> None:
    bound = ModelData.from_directory(write_files(tmp_path, FILES)).bind(stack)
    assert bound.url.startswith("s3://")
    assert bound.url.endswith(".tar.gz")
    manifest = json.loads((Path(app.synth().directory) / "Stack.assets.json").read_text())
    (asset,) = [each for key, each in manifest["files"].items() if key.endswith(".tar")]
    (destination,) = asset["destinations"].values()
    assert bound.url.endswith("/" + destination["objectKey"])
    assert asset["source"]["packaging"] == "file"
    assert (Path(app.synth().directory) / asset["source"]["path"]).is_file()


def test_the_same_files_give_the_same_asset(tmp_path: Path) -> None:
    first = write_files(tmp_path / "first", FILES)
    mask = os.umask(0o077)
    try:
        second = write_files(tmp_path / "second", dict(reversed(FILES.items())))
    finally:
        os.umask(mask)
    for path in second.rglob("*"):
        os.utime(path, (1, 1))
    assert url(ModelData.from_directory(first)) == url(ModelData.from_directory(str(second)))


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    made = []
    for name in ("first", "second"):
        app = App(builtin_cloud_formation_validation=False)
        ModelData.from_directory(write_files(tmp_path / name, FILES)).bind(Stack(app, "Stack"))
        made += [path.read_bytes() for path in archives(app)]
    assert made[0] == made[1]


def executable(directory: Path) -> None:
    (directory / "xgboost-model").chmod(0o755)


def renamed(directory: Path) -> None:
    (directory / "xgboost-model").rename(directory / "model")


def edited(directory: Path) -> None:
    (directory / "xgboost-model").write_text("twigs")


def shifted(directory: Path) -> None:
    """The same bytes in the same order, cut differently into files."""
    (directory / "xgboost-model").write_text("tree")
    (directory / "xgboost-modem").write_text("s")


@pytest.mark.parametrize("change", [executable, renamed, edited, shifted])
def test_other_files_give_another_asset(tmp_path: Path, change: Callable[[Path], None]) -> None:
    directory = write_files(tmp_path, FILES)
    before = url(ModelData.from_directory(directory))
    change(directory)
    assert url(ModelData.from_directory(directory)) != before


def test_the_executable_bit_survives(app: App, stack: Stack, tmp_path: Path) -> None:
    (write_files(tmp_path, {"serve": "#!/bin/sh", "model": ""}) / "serve").chmod(0o700)
    members = packed(app, stack, tmp_path)
    assert (members["serve"].mode, members["model"].mode) == (0o755, 0o644)


def test_names_may_be_unicode_or_long(app: App, stack: Stack, tmp_path: Path) -> None:
    long = "/".join(["d" * 60] * 5 + ["f" * 120])
    files = {"größe/模型.bin": "x", long: "y"}
    assert set(packed(app, stack, write_files(tmp_path, files))) == set(files)


def test_links_are_followed(app: App, stack: Stack, tmp_path: Path) -> None:
    outside = write_files(tmp_path / "outside", {"weights/a": "aaa", "model": "mmm"})
    directory = tmp_path / "directory"
    directory.mkdir()
    (directory / "model").symlink_to(outside / "model")
    (directory / "weights").symlink_to(outside / "weights", target_is_directory=True)
    members = packed(app, stack, directory)
    assert {name: (member.size, member.isfile()) for name, member in members.items()} == {
        "model": (3, True),
        "weights/a": (3, True),
    }


def test_one_directory_may_be_linked_twice(app: App, stack: Stack, tmp_path: Path) -> None:
    write_files(tmp_path, {"a/model": "x"})
    (tmp_path / "b").symlink_to("a", target_is_directory=True)
    assert list(packed(app, stack, tmp_path)) == ["a/model", "b/model"]


@pytest.mark.parametrize("target", ["nowhere", "link"])
def test_refuses_a_link_that_leads_nowhere(tmp_path: Path, target: str) -> None:
    write_files(tmp_path, FILES)
    (tmp_path / "link").symlink_to(target)
    with pytest.raises(ValueError, match=r"path must hold files, directories and links to them, got '.*link'"):
        ModelData.from_directory(tmp_path)


@pytest.mark.parametrize("target", [".", ".."])
def test_refuses_a_link_to_a_directory_above(tmp_path: Path, target: str) -> None:
    (write_files(tmp_path, FILES) / "code" / "up").symlink_to(target, target_is_directory=True)
    with pytest.raises(ValueError, match=r"path must hold no symbolic link to a directory above it, got '.*up'"):
        ModelData.from_directory(tmp_path)


def test_refuses_what_is_neither_file_nor_directory(tmp_path: Path) -> None:
    os.mkfifo(write_files(tmp_path, FILES) / "pipe")
    with pytest.raises(ValueError, match=r"path must hold files, directories and links to them, got '.*pipe'"):
        ModelData.from_directory(tmp_path)


def test_leaves_caches_out(app: App, stack: Stack, tmp_path: Path) -> None:
    write_files(tmp_path, {**FILES, "code/__pycache__/inference.pyc": "x", "code/lib/.DS_Store": "x"})
    assert set(packed(app, stack, tmp_path)) == set(FILES)


def test_what_is_above_the_directory_does_not_matter(app: App, stack: Stack, tmp_path: Path) -> None:
    directory = write_files(tmp_path / "__pycache__" / ".DS_Store" / "model", FILES)
    assert set(packed(app, stack, directory)) == set(FILES)


@pytest.mark.parametrize("content", [{}, {"__pycache__/only.pyc": "x"}, {"empty/.DS_Store": ""}])
def test_refuses_a_directory_without_files(tmp_path: Path, content: dict[str, str]) -> None:
    write_files(tmp_path, content)
    with pytest.raises(ValueError, match="path must be a directory with at least one file, got '"):
        ModelData.from_directory(tmp_path)


def test_refuses_what_is_no_directory(tmp_path: Path) -> None:
    write_files(tmp_path, FILES)
    for path in (tmp_path / "missing", tmp_path / "xgboost-model"):
        with pytest.raises(ValueError, match=f"path must be a directory, got '{path}'"):
            ModelData.from_directory(path)


def test_two_containers_share_a_scope(stack: Stack, tmp_path: Path) -> None:
    one = ModelData.from_directory(write_files(tmp_path / "one", {"model": "1"}))
    two = ModelData.from_directory(write_files(tmp_path / "two", {"model": "2"}))
    names = [each.bind(stack).url.rpartition("/")[2] for each in (one, two, one)]
    assert names[0] == names[2] != names[1]


def test_in_a_nested_stack(app: App, stack: Stack, tmp_path: Path) -> None:
    bound = ModelData.from_directory(write_files(tmp_path, FILES)).bind(NestedStack(stack, "Nested"))
    assert bound.url.endswith(".tar.gz")
    assert len(archives(app)) == 1


def test_reads_one_object(stack: Stack, tmp_path: Path) -> None:
    bound = ModelData.from_directory(write_files(tmp_path, FILES)).bind(stack)
    (permission,) = bound.permissions
    assert list(permission.actions) == ["s3:GetObject"]
    (resource,) = permission.resources
    assert resource.endswith("/" + bound.url.rpartition("/")[2])
    assert "*" not in resource


# From an archive.


def make_archive(path: Path, mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload] # the mode is a parameter
        tar.addfile(tarfile.TarInfo("model"), io.BytesIO())
    return path


def test_takes_an_archive(app: App, stack: Stack, tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "model.tar.gz")
    bound = ModelData.from_asset(archive).bind(stack)
    assert bound.url.endswith(".tar.gz")
    assert [path.read_bytes() for path in archives(app)] == [archive.read_bytes()]


def test_another_archive_is_another_object(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "model.tar.gz")
    before = url(ModelData.from_asset(archive))
    assert url(ModelData.from_asset(str(archive))) == before
    archive.write_bytes(gzip.compress(gzip.decompress(archive.read_bytes()), compresslevel=1, mtime=7))
    assert url(ModelData.from_asset(archive)) != before


@pytest.mark.parametrize("name", ["model.tgz", "model.gz", "model.tar", "model.zip", "model", "MODEL.TAR.GZ"])
def test_refuses_other_names(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=rf"path must end with \.tar\.gz, got '.*{name}'"):
        ModelData.from_asset(make_archive(tmp_path / name))


def empty(path: Path) -> None:
    path.write_bytes(b"")


def plain_text(path: Path) -> None:
    path.write_text("no archive")


def plain_tar(path: Path) -> None:
    make_archive(path, "w")


def bzip2(path: Path) -> None:
    make_archive(path, "w:bz2")


def zipped(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("model", "x")


def gzipped_text(path: Path) -> None:
    path.write_bytes(gzip.compress(b"no tar archive" * 100))


def truncated(path: Path) -> None:
    path.write_bytes(make_archive(path).read_bytes()[:20])


def damaged(path: Path) -> None:
    content = bytearray(make_archive(path).read_bytes())
    content[24:40] = b"\xff" * 16
    path.write_bytes(content)


BROKEN = [empty, plain_text, plain_tar, bzip2, zipped, gzipped_text, truncated, damaged]


@pytest.mark.parametrize("make", BROKEN)
def test_refuses_what_is_no_gzipped_tar_archive(tmp_path: Path, make: Callable[[Path], None]) -> None:
    archive = tmp_path / "model.tar.gz"
    make(archive)
    with pytest.raises(ValueError, match=r"path must be a gzipped tar archive, got '.*model\.tar\.gz': "):
        ModelData.from_asset(archive)


def test_refuses_what_is_no_file(tmp_path: Path) -> None:
    directory = tmp_path / "model.tar.gz"
    for path in (directory, tmp_path / "missing.tar.gz"):
        with pytest.raises(ValueError, match=f"path must be a file, got '{path}'"):
            ModelData.from_asset(path)
        directory.mkdir(exist_ok=True)


# From a bucket.


def bucket(stack: Stack, **options: Any) -> s3.IBucket:  # noqa: ANN401
    return s3.Bucket.from_bucket_attributes(stack, "Bucket", bucket_name="example-models", **options)


def test_takes_an_object_of_a_bucket(stack: Stack) -> None:
    bound = ModelData.from_bucket(bucket(stack), "models/2026-01/model.tar.gz", version="2026-01").bind(stack)
    assert bound.url == "s3://example-models/models/2026-01/model.tar.gz"
    assert stack.resolve(bound.permissions[0].resources) == [
        {
            "Fn::Join": [
                "",
                ["arn:", {"Ref": "AWS::Partition"}, ":s3:::example-models/models/2026-01/model.tar.gz"],
            ]
        }
    ]
    assert len(bound.permissions) == 1


@pytest.mark.parametrize("key", ["models/v1/model.tgz", "models/v1/", "v1.tar", "v1.tar.gz/"])
def test_refuses_other_keys(stack: Stack, key: str) -> None:
    with pytest.raises(ValueError, match=rf"key must end with \.tar\.gz, got '{key}'"):
        ModelData.from_bucket(bucket(stack), key, version="v1")


@pytest.mark.parametrize("version", ["v2", ""])
def test_the_key_must_name_its_version(stack: Stack, version: str) -> None:
    with pytest.raises(ValueError, match=f"key must contain its version, '{version}', got 'v1/model.tar.gz'"):
        ModelData.from_bucket(bucket(stack), "v1/model.tar.gz", version=version)


def test_the_url_at_and_beyond_the_edge(stack: Stack) -> None:
    room = MAX_URL - len("s3://example-models/.tar.gz")
    assert len(ModelData.from_bucket(bucket(stack), "1" * room + ".tar.gz", version="1").bind(stack).url) == MAX_URL
    with pytest.raises(ValueError, match="key must make a URL of at most 1,024 characters, got 1,025"):
        ModelData.from_bucket(stack.node.find_child("Bucket"), "1" * (room + 1) + ".tar.gz", version="1")  # type: ignore[arg-type]


def test_key_and_version_may_be_tokens(stack: Stack) -> None:
    key, version = text(stack, "Key"), text(stack, "Version")
    here = bucket(stack)
    assert ModelData.from_bucket(here, key, version="v1").bind(stack).url.endswith(key)
    versioned = ModelData.from_bucket(here, f"{version}/model.tar.gz", version=version)
    assert stack.resolve(versioned.bind(stack).url)["Fn::Join"][1][1] == {"Ref": "Version"}
    assert ModelData.from_bucket(here, "v1/model.tar.gz", version=version).bind(stack).url.endswith("v1/model.tar.gz")


def test_a_bucket_known_at_deployment(stack: Stack) -> None:
    late = s3.Bucket.from_bucket_name(stack, "Late", text(stack))
    assert ModelData.from_bucket(late, "v1/model.tar.gz", version="v1").bind(stack).url.endswith("/v1/model.tar.gz")


def decrypt(bound: BoundModelData) -> Permission:
    return bound.permissions[1]


def test_may_decrypt_only_through_s3_and_only_this_object(stack: Stack) -> None:
    key = EncryptionKey(stack, "Key")
    bound = ModelData.from_bucket(bucket(stack, encryption_key=key), "v1/model.tar.gz", version="v1").bind(stack)
    permission = stack.resolve(
        [decrypt(bound).actions, decrypt(bound).resources, dict(decrypt(bound).conditions)],
    )
    key_id = stack.get_logical_id(key.node.default_child)  # type: ignore[arg-type] # a key is a resource
    arn = ["arn:", {"Ref": "AWS::Partition"}, ":s3:::example-models"]
    assert permission == [
        ["kms:Decrypt"],
        [{"Fn::GetAtt": [key_id, "Arn"]}],
        {
            "StringEquals": {
                "kms:ViaService": {
                    "Fn::Join": ["", ["s3.", {"Ref": "AWS::Region"}, ".", {"Ref": "AWS::URLSuffix"}]],
                }
            },
            "ArnEquals": {
                "kms:EncryptionContext:aws:s3:arn": [
                    {"Fn::Join": ["", arn]},
                    {"Fn::Join": ["", [*arn[:-1], f"{arn[-1]}/v1/model.tar.gz"]]},
                ]
            },
        },
    ]


@pytest.mark.parametrize(
    ("region", "service"),
    [
        ("eu-west-1", "s3.eu-west-1.amazonaws.com"),
        ("us-gov-west-1", "s3.us-gov-west-1.amazonaws.com"),
        ("cn-north-1", "s3.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_s3s_name_follows_the_partition(app: App, region: str, service: str) -> None:
    there = Stack(app, "There", env={"region": region})
    imported = kms.Key.from_key_arn(there, "Key", f"arn:aws:kms:{region}:111122223333:key/1")
    bound = ModelData.from_bucket(bucket(there, encryption_key=imported), "v1/model.tar.gz", version="v1").bind(there)
    rendered = there.resolve(dict(decrypt(bound).conditions))["StringEquals"]["kms:ViaService"]
    assert rendered == service or rendered["Fn::Join"][1] == [f"s3.{region}.", {"Ref": "AWS::URLSuffix"}]


def test_without_staging_the_archive_stays_where_the_command_line_reads_it(tmp_path: Path) -> None:
    app = App(context={"aws:cdk:disable-asset-staging": True}, outdir=str(tmp_path / "out"))
    stack = Stack(app, "Stack")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "weights").write_bytes(b"1")
    ModelData.from_directory(tmp_path / "model").bind(stack)
    app.synth()
    (asset,) = (
        each
        for each in json.loads((tmp_path / "out" / "Stack.assets.json").read_text())["files"].values()
        if not each["source"]["path"].endswith("template.json")
    )
    archive = Path(asset["source"]["path"])
    assert archive.is_absolute()
    with tarfile.open(archive) as tar:
        assert tar.getnames() == ["weights"]
    shutil.rmtree(archive.parent)
