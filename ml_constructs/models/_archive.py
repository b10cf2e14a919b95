"""Archives that depend on names, contents and executable bits of files alone."""

from __future__ import annotations

import gzip
import hashlib
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

_EPOCH: Final = 0  # archives carry no time, so that the same files always give the same asset
_SKIPPED: Final = ("__pycache__", ".DS_Store")


def pack(directory: Path, file: IO[bytes]) -> str:
    """Write a reproducible archive; returns a hash of its contents, since gzip's bytes differ between zlib versions."""
    sha = hashlib.sha256()
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=_EPOCH) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path in files_in(directory):
            info = tarfile.TarInfo(path.relative_to(directory).as_posix())
            stat = path.stat()
            info.size, info.mtime = stat.st_size, _EPOCH
            info.mode = 0o755 if stat.st_mode & 0o100 else 0o644
            sha.update(f"{info.name}\0{info.size}\0{info.mode}\0".encode(errors="surrogateescape"))
            with path.open("rb") as source:
                tar.addfile(info, _Hashing(source, sha))
    return sha.hexdigest()


class _Hashing:
    """A file that feeds a hash while it is read, so that large models are read once."""

    def __init__(self, source: IO[bytes], sha: hashlib._Hash) -> None:
        self._source, self._sha = source, sha

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        self._sha.update(data)
        return data


def files_in(directory: Path) -> list[Path]:
    """All files below a directory, in the order in which they are packed."""
    return sorted(_walk(directory, ()), key=lambda path: path.relative_to(directory).as_posix())


def _walk(directory: Path, above: tuple[Path, ...]) -> Iterator[Path]:
    """All files below a directory, through symbolic links, which SageMaker does not unpack."""
    real = directory.resolve()
    if real in above:
        raise ValueError(f"path must hold no symbolic link to a directory above it, got {str(directory)!r}")
    for path in directory.iterdir():
        if path.name in _SKIPPED:
            continue
        if path.is_dir():
            yield from _walk(path, (*above, real))
        elif path.is_file():
            yield path
        else:
            raise ValueError(f"path must hold files, directories and links to them, got {str(path)!r}")
