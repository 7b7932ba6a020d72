"""Files that are there as a whole or not at all."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A path to write to, whose file takes the place of `path` when the block ends.

    Until then the old file stays as it is; it stays too if the block raises, the disk is full or
    the process is killed. After that the new one is on the disk, not just in its cache.

    Args:
        path: of the file to write. A link is followed. The mode of an old file is kept.

    Raises:
        OSError: the directory is not there or cannot be written to, the disk is full, there is
            something at `path` that is no plain file ...

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with replacing(f"{folder}/note") as new:
    ...         _ = new.write_text("kept")
    ...     Path(f"{folder}/note").read_text()
    'kept'
    """
    target = Path(os.path.realpath(os.path.expanduser(path)))
    if target.is_dir():
        raise IsADirectoryError(f"Cannot save to {target}: it is a directory.")
    if target.exists() and not target.is_file():  # a device or pipe, which a file would replace
        raise OSError(f"Cannot save to {target}: it is not a plain file.")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"Cannot save to {target}: there is no directory {target.parent}.")
    # In the same directory, so that it is on the same file system and can take the old one's place.
    # The name begins like that one's, and is not too long where that one's is not.
    new = target.with_name(f".{target.name[:40]}.{secrets.token_hex(6)}.part")
    try:
        new.touch(exist_ok=False)
        if target.exists():
            new.chmod(stat.S_IMODE(target.stat().st_mode))
        yield new
        _to_disk(new)
        os.replace(new, target)
    except BaseException:
        with suppress(FileNotFoundError):
            new.unlink()
        raise
    if os.name == "posix":  # elsewhere a directory cannot be opened
        _to_disk(target.parent)


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
