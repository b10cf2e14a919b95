"""Archives that nobody vouches for: what is not sound is refused, with the reason, and nothing lands outside."""

from __future__ import annotations

import gzip
import io
import random
import tarfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.local_aws.sagemaker import archive
from tests.local_aws.sagemaker.archive import ArchiveError, unpack

LIMIT = 1_000_000
MB = 1_000_000


def member(
    name: str, content: bytes = b"x", kind: bytes = tarfile.REGTYPE, link: str = ""
) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, len(content) if kind == tarfile.REGTYPE else 0
    return info, content


def packed(members: Iterable[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as file:
        for info, content in members:
            file.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def long_header(size: int) -> bytes:
    """A GNU long name of so many bytes: tarfile reads it into memory as a whole."""
    info = tarfile.TarInfo("long")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, size
    return gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + bytes(20 * MB))


def headers_upon_headers(number: int) -> bytes:
    info = tarfile.TarInfo("long")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 0
    return gzip.compress(info.tobuf(tarfile.GNU_FORMAT) * number)


def sparse(size: int) -> bytes:
    """A file of a few bytes that claims to be large: the rest of it is holes."""
    info = tarfile.TarInfo("sparse")
    info.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(size),
                        "GNU.sparse.name": "sparse"}  # fmt: skip
    content = f"1\n{size - 1}\n1\n".encode().ljust(512, b"\0") + b"x"
    info.size = len(content)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", format=tarfile.PAX_FORMAT) as file:
        file.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def tried(content: bytes, directory: Path) -> Path:
    file, target = directory / "model.tar.gz", directory / "deep" / "down" / "model"
    file.write_bytes(content)
    target.mkdir(parents=True)
    unpack(file, target, limit=LIMIT)
    return target


def test_a_sound_archive_is_unpacked(tmp_path: Path) -> None:
    link = member("code/same.py", kind=tarfile.LNKTYPE, link="code/inference.py")
    target = tried(packed([member("./code", kind=tarfile.DIRTYPE), member("code/inference.py", b"1"), link]), tmp_path)
    assert sorted(path.name for path in target.rglob("*")) == ["code", "inference.py", "same.py"]
    assert (target / "code" / "same.py").read_bytes() == b"1"


SOUND = packed([member("code/inference.py", bytes(range(256)) * 100)])
UNSOUND: dict[str, tuple[Callable[[], bytes], str]] = {
    "nothing": (lambda: b"", "empty"),
    "text": (lambda: b"this is no archive", "gzip"),
    "zip": (lambda: b"PK\x03\x04" + bytes(100), "gzip"),
    "no tar": (lambda: gzip.compress(b"this is no archive" * 100), "header"),
    "cut": (lambda: SOUND[: len(SOUND) // 2], "end"),
    "checksum": (lambda: SOUND[:-8] + bytes(8), "CRC"),
    "parent": (lambda: packed([member("../escaped")]), "outside"),
    "parents inside": (lambda: packed([member("code/../../../escaped")]), "outside"),
    "absolute": (lambda: packed([member("/tmp/escaped-from-the-archive")]), "absolute"),
    "symbolic link": (lambda: packed([member("l", kind=tarfile.SYMTYPE, link="code")]), "symbolic link"),
    "link out": (lambda: packed([member("l", kind=tarfile.SYMTYPE, link="/etc"), member("l/x")]), "symbolic link"),
    "hard link out": (lambda: packed([member("l", kind=tarfile.LNKTYPE, link="../../model.tar.gz")]), "outside"),
    "hard link to root": (lambda: packed([member("l", kind=tarfile.LNKTYPE, link="/etc/passwd")]), "absolute"),
    "hard link to nothing": (lambda: packed([member("l", kind=tarfile.LNKTYPE, link="none")]), "link"),
    "device": (lambda: packed([member("d", kind=tarfile.CHRTYPE)]), "special file"),
    "block device": (lambda: packed([member("d", kind=tarfile.BLKTYPE)]), "special file"),
    "fifo": (lambda: packed([member("f", kind=tarfile.FIFOTYPE)]), "special file"),
    "long name": (lambda: packed([member("x" * 300)]), "name too long"),
    "file as directory": (lambda: packed([member("a"), member("a/b")]), "a/b"),
    "one large file": (lambda: packed([member("a", bytes(2 * MB))]), "holds more than 1000000 bytes"),
    "many files": (lambda: packed([member(f"{n}", bytes(MB // 10)) for n in range(20)]), "holds more than 1000000"),
    "zeros after the end": (lambda: gzip.compress(bytes(1024) + bytes(20 * MB)), "holds more than 1000000 bytes"),
    "long header": (lambda: long_header(8 * 1024**3), "header is too long"),
    "headers upon headers": (lambda: headers_upon_headers(1900), "recursion|empty header"),
    "sparse": (lambda: sparse(10**12), "holds more than 1000000 bytes"),
}  # fmt: skip


@pytest.mark.parametrize("name", UNSOUND)
def test_what_is_not_sound_is_refused(name: str, tmp_path: Path) -> None:
    make, reason = UNSOUND[name]
    with pytest.raises(ArchiveError, match=f"(?i){reason}"):
        tried(make(), tmp_path)
    outside = {path for path in tmp_path.rglob("*") if "model" not in path.parts and path.is_file()}
    assert outside <= {tmp_path / "model.tar.gz"}
    assert not Path("/tmp/escaped-from-the-archive").exists()
    assert sum(path.stat().st_size for path in (tmp_path / "deep").rglob("*") if path.is_file()) <= LIMIT


def test_the_number_of_members_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_MEMBERS", 10)
    with pytest.raises(ArchiveError, match="more than 10 members"):
        tried(packed(member(f"{number}") for number in range(11)), tmp_path)


def test_damage_of_any_kind_is_an_error_of_the_archive(tmp_path: Path) -> None:
    generator = random.Random(1)
    plain = gzip.decompress(packed([member("code/inference.py", b"1" * 600), member("b" * 150, b"2")]))
    for number in range(300):
        damaged = bytearray(plain)
        for _ in range(generator.randint(1, 4)):
            damaged[generator.randrange(2048)] = generator.randrange(256)
        directory = tmp_path / str(number)
        directory.mkdir()
        with suppress(ArchiveError):  # and nothing else; what is not noticed does no harm
            tried(gzip.compress(bytes(damaged), 1), directory)
        assert {path.name for path in directory.iterdir()} == {"deep", "model.tar.gz"}
        assert [path.name for path in (directory / "deep").iterdir()] == ["down"]
