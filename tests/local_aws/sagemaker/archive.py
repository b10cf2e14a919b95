"""Unpacks a `model.tar.gz` that nobody vouches for: nothing lands outside, and nothing fills the disk or the memory."""

from __future__ import annotations

import gzip
import tarfile
import zlib
from pathlib import Path
from typing import Final

MAX_MEMBERS: Final = 100_000
_LONGEST_READ: Final = 16 * 1024 * 1024  # tarfile reads files in small pieces: what asks for more is a header
_PIECE: Final = 64 * 1024
# tarfile follows a header upon a header upon a header by recursion, and lets more than its own errors through
_CORRUPT: Final = (
    tarfile.TarError,
    EOFError,
    OSError,
    zlib.error,
    ValueError,
    LookupError,
    OverflowError,
    RecursionError,
)


class ArchiveError(Exception):
    """The archive is not sound; the text says what is wrong with it."""


class _Limited(gzip.GzipFile):
    """Decompresses up to a limit: the sizes that an archive states are not to be believed."""

    def __init__(self, path: Path, limit: int) -> None:
        super().__init__(path, "rb")
        self._limit = limit

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= _LONGEST_READ:
            raise ArchiveError("a header is too long")
        data = super().read(size)
        self._check(self.tell())
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        self._check(offset)
        return super().seek(offset, whence)

    def _check(self, position: int) -> None:
        if position > self._limit:
            raise ArchiveError(f"it holds more than {self._limit} bytes")


def unpack(archive: Path, target: Path, *, limit: int) -> None:
    """Unpack into a directory.

    SageMaker refuses symbolic links (https://repost.aws/knowledge-center/sagemaker-endpoint-creation-fail).

    Args:
        archive: A tar archive, compressed with gzip.
        target: An existing directory; after an error, it may hold a part of the archive.
        limit: The bytes that the archive may decompress to.

    Raises:
        ArchiveError: it is corrupt, too large, or a member is neither a file nor a directory below `target`.
    """
    try:
        with _Limited(archive, limit) as stream, tarfile.TarFile(fileobj=stream) as file:
            _extract(file, target, limit)
            while stream.read(_PIECE):  # the checksum stands at the end
                pass
    except _CORRUPT as error:
        raise ArchiveError(str(error) or type(error).__name__) from error


def _extract(file: tarfile.TarFile, target: Path, limit: int) -> None:
    total = 0
    for number, member in enumerate(file, 1):
        total += member.size
        if number > MAX_MEMBERS:
            raise ArchiveError(f"it has more than {MAX_MEMBERS} members")
        if total > limit:  # a sparse file is larger than what the archive holds of it
            raise ArchiveError(f"it holds more than {limit} bytes")
        if member.name.startswith("/"):
            raise ArchiveError(f"{member.name!r} is an absolute path")
        if member.issym():
            raise ArchiveError(f"{member.name!r} is a symbolic link")
        file.extract(member, target, filter="data")  # refuses devices, and whatever would land outside
