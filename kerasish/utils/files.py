"""Downloading files into the cache, checking and unpacking them."""

from __future__ import annotations

import errno
import hashlib
import http.client
import os
import re
import shutil
import stat
import sys
import tarfile
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any, NamedTuple

from kerasish.home import keras_home

TIMEOUT = 30.0  # seconds without a byte
ATTEMPTS = 3
CHUNK = 1 << 18
HASH_LENGTHS = {32: "md5", 64: "sha256"}  # in hexadecimal digits


class DownloadError(OSError):
    """A file could not be fetched; the message names the URL and where to put the file by hand."""


class HashError(ValueError):
    """A file is not the one it should be."""


class ArchiveError(ValueError):
    """An archive is damaged, or would write outside its directory; nothing of it was kept."""


# ---------------------------------------------------------------- hashes


def hash_file(path: str | os.PathLike[str], algorithm: str = "sha256") -> str:
    """The hash of a file in hexadecimal digits; `algorithm` is "sha256" or "md5".

    Example:
        >>> hash_file(os.devnull)[:8]
        'e3b0c442'
    """
    if algorithm not in HASH_LENGTHS.values():
        raise ValueError(f"hash algorithm must be 'sha256' or 'md5', got {algorithm!r}")
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def validate_file(path: str | os.PathLike[str], file_hash: str, algorithm: str = "auto") -> bool:
    """Whether the file at `path` has this hash; "auto" tells sha256 from md5 by its length.

    Example:
        >>> validate_file(os.devnull, "d41d8cd98f00b204e9800998ecf8427e")
        True
    """
    return hash_file(path, _algorithm(file_hash, algorithm)) == file_hash.lower()


def _algorithm(file_hash: str, algorithm: str) -> str:
    if algorithm != "auto":
        return algorithm
    if len(file_hash) not in HASH_LENGTHS:
        raise ValueError(
            f"a file hash has 64 (sha256) or 32 (md5) hexadecimal digits; got {file_hash!r}"
        )
    return HASH_LENGTHS[len(file_hash)]


# ---------------------------------------------------------------- the cache


def get_file(
    fname: str | os.PathLike[str] | None = None,
    origin: str | None = None,
    untar: bool = False,
    md5_hash: str | None = None,
    file_hash: str | None = None,
    cache_subdir: str = "datasets",
    hash_algorithm: str = "auto",
    extract: bool = False,
    archive_format: str | list[str] | None = "auto",
    cache_dir: str | os.PathLike[str] | None = None,
    force_download: bool = False,
) -> str:
    """The path of a file from the network, downloaded unless it is in the cache.

    An interrupted download goes on where it stopped. A file whose hash is known is checked, in the
    cache too, and fetched again if it differs.

    fname: its name in the cache; by default the last part of the URL. An absolute path is taken as
        it is, and the cache left alone.
    origin: the URL. Required.
    file_hash: sha256 or md5 in hexadecimal digits; `hash_algorithm` "auto" goes by the length.
    md5_hash: an older way to give an md5 `file_hash`.
    cache_dir, cache_subdir: the file goes to `<cache_dir>/<cache_subdir>`; `cache_dir` is
        `$KERAS_HOME` or `~/.keras` by default.
    extract: unpack the archive, and return the directory with its content: `fname` if that has no
        extension, `<stem>_extracted` if it has one.
    archive_format: "tar", "zip", a list of them, or "auto" for both.
    untar: an older way to say `extract=True, archive_format="tar"`.
    force_download: fetch it even if it is in the cache.

    Raises `DownloadError`, `HashError`, `ArchiveError`, and `ValueError` for wrong arguments.

    Example:
        >>> get_file("a.txt", "https://example.org/a.txt")  # doctest: +SKIP
        '/home/me/.keras/datasets/a.txt'
    """
    if md5_hash is not None and file_hash is None:
        file_hash, hash_algorithm = md5_hash, "md5"
    if file_hash is not None:
        hash_algorithm = _algorithm(file_hash, hash_algorithm)
    if origin is None:
        raise ValueError("get_file: origin, the URL of the file, is missing")
    directory = Path(cache_dir or keras_home()).expanduser() / cache_subdir
    target, unpacked = _places(directory, fname, origin, extract or untar)
    fresh = force_download or not _is_cached(target, file_hash, hash_algorithm)
    if fresh:
        _download(origin, target, file_hash, hash_algorithm)
    if unpacked is None:
        return str(target)
    if fresh or not unpacked.is_dir():
        extract_archive(target, unpacked, "tar" if untar else archive_format)
    return str(unpacked)


def _places(
    directory: Path, fname: str | os.PathLike[str] | None, origin: str, extract: bool
) -> tuple[Path, Path | None]:
    """Where the file goes, and where its content goes if it is to be unpacked."""
    name = os.fspath(
        fname or urllib.parse.unquote(urllib.parse.urlsplit(origin).path).split("/")[-1]
    )
    if fname and os.path.isabs(name):
        directory, name = Path(name).parent, Path(name).name
    if name in ("", ".", "..") or "/" in name or os.sep in name:
        raise ValueError(
            f"get_file: fname must be a plain file name, got {name!r}; "
            "directories go into cache_dir and cache_subdir"
        )
    if not extract:
        return directory / name, None
    if fname and "." in name:
        return directory / name, directory / f"{name.partition('.')[0]}_extracted"
    return directory / f"{name}_archive", directory / name


def _is_cached(target: Path, file_hash: str | None, algorithm: str) -> bool:
    if not target.is_file():
        return False
    if file_hash is None or validate_file(target, file_hash, algorithm):
        return True
    _say(f"{target} does not have the expected {algorithm} hash; it is downloaded again.")
    return False


def _say(line: str) -> None:
    print(line, file=sys.stderr)


# ---------------------------------------------------------------- downloads


def _download(url: str, target: Path, file_hash: str | None, algorithm: str) -> None:
    """Fetch `url` and put it at `target` in one step, checked."""
    by_hand = f"Without a network, fetch the file elsewhere and put it at {target}"
    if file_hash and target.is_file() and not validate_file(target, file_hash, algorithm):
        by_hand += f"; the one that is there has another {algorithm} hash than {file_hash}"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _claimed_part(target, resume=file_hash is not None) as part:
            resumed = part.exists()
            _say(f"Downloading data from {url}")
            _fetch(url, part, verified=file_hash is not None)
            if file_hash and resumed and not validate_file(part, file_hash, algorithm):
                part.unlink()  # it began as a part of another version of the file
                _fetch(url, part, verified=True)
            if file_hash and not validate_file(part, file_hash, algorithm):
                got = hash_file(part, algorithm)
                part.unlink()
                raise HashError(
                    f"{url} is not the expected file: its {algorithm} hash is {got}, "
                    f"expected {file_hash}"
                )
            os.replace(part, target)
    except (OSError, http.client.HTTPException) as error:
        reason = error.reason if type(error) is urllib.error.URLError else error
        raise DownloadError(f"could not download {url}: {reason}. {by_hand}") from error


@contextmanager
def _claimed_part(target: Path, resume: bool) -> Iterator[Path]:
    """The path to download to: `<target>.part`, renamed so that no other process shares it.

    What is left there when the block is left goes back to `<target>.part`, for the next attempt.
    Without a hash (`resume` false) nobody could tell that an old part still fits, so it goes.
    """
    waiting = target.with_name(f"{target.name}.part")
    claimed = target.with_name(f"{target.name}.{os.getpid()}.part")
    if waiting.exists():
        try:
            os.replace(waiting, claimed)
        except FileNotFoundError:
            _say(f"Another process goes on with {waiting}.")
    if not resume:
        claimed.unlink(missing_ok=True)
    try:
        yield claimed
    finally:
        if claimed.exists():
            os.replace(claimed, waiting)


class _DroppedError(OSError):
    """The connection ended before the file did."""


def _fetch(url: str, part: Path, verified: bool) -> None:
    """Bring `part` to the full content of `url`, trying again after passing troubles.

    verified: a hash will be checked afterwards, so what is in `part` may be continued blindly.
    """
    version = None  # what the server calls the version of the file that `part` is from
    for attempt in range(1, ATTEMPTS + 1):
        have = part.stat().st_size if part.exists() and (verified or version) else 0
        try:
            with _open(url, have, version) as response:
                version = response.headers.get("ETag") or response.headers.get("Last-Modified")
                return _receive(response, part, have)
        except (OSError, http.client.HTTPException) as error:
            if isinstance(error, urllib.error.HTTPError):
                error.close()
                if error.code == 416:  # nothing lies behind our part, so it is of another file
                    part.unlink()
                elif error.code not in (408, 429) and error.code < 500:
                    raise
            if attempt == ATTEMPTS:
                raise
            _say(f"  {error}; trying again ({attempt + 1} of {ATTEMPTS})")
        time.sleep(0.25 * 2**attempt)


def _open(url: str, have: int, version: str | None) -> Any:
    request = urllib.request.Request(url, headers={"User-Agent": "kerasish"})
    if have:
        request.add_header("Range", f"bytes={have}-")
        if version and not version.startswith("W/"):
            request.add_header("If-Range", version)
    return urllib.request.urlopen(request, timeout=TIMEOUT)


def _receive(response: Any, part: Path, have: int) -> None:
    """Write what the server sends behind the first `have` bytes of `part`, or from the start if it
    sends everything."""
    span = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    goes_on = response.status == 206 and span is not None and int(span[1]) == have
    if response.status == 206 and not goes_on:
        part.unlink(missing_ok=True)
        raise _DroppedError("the server sent another part of the file than it was asked for")
    done = have if goes_on else 0
    length = response.headers.get("Content-Length")
    total = done + int(length) if length else None
    with open(part, "r+b" if goes_on else "wb") as file, _progress(total) as show:
        file.seek(done)
        while chunk := response.read(CHUNK):
            file.write(chunk)
            done += len(chunk)
            show(done)
    if total is not None and done != total:
        raise _DroppedError(f"the connection ended after {done} of {total} bytes")


@contextmanager
def _progress(total: int | None) -> Iterator[Callable[[int], None]]:
    """Yields a function to be told how many bytes are there; shows it on stderr."""
    try:
        from rich import progress
        from rich.console import Console
    except ImportError:
        rich_there = False
    else:
        rich_there = True
    if not (rich_there and sys.stderr.isatty()):
        yield _plain_progress(total)
        return
    columns = (
        progress.BarColumn(),
        progress.DownloadColumn(),
        progress.TransferSpeedColumn(),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("download", total=total)
        yield lambda done: bar.update(task, completed=done)


def _plain_progress(total: int | None, every: float = 5.0) -> Callable[[int], None]:
    """A line every few seconds: nothing at all for small files, little for a log."""
    last = time.monotonic()

    def show(done: int) -> None:
        nonlocal last
        if time.monotonic() - last >= every:
            last = time.monotonic()
            of_total = f" of {total / 1e6:.1f} MB ({done / total:.0%})" if total else " MB"
            _say(f"  {done / 1e6:.1f}{of_total}")

    return show


# ---------------------------------------------------------------- archives


class _Member(NamedTuple):
    name: str
    kind: str  # "file", "directory", "link", or what else it is
    size: int
    open: Callable[[], IO[bytes] | None]
    link: str = ""


# Names and links of this length have no place in any file system.
LONGEST_NAME = 1 << 16
# What is wrong with the disk, not with the archive: no space, no permission ...
_OF_THE_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EACCES, errno.EPERM}
_OF_THE_DISK |= {errno.EMFILE, errno.ENFILE}


_TEXTS: tuple[bytes, ...] = (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
_TEXTS += (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE)


class _Header(tarfile.TarInfo):
    """A header that does not have a name or the like read that would fill the memory."""

    @classmethod
    def frombuf(cls, buf: Any, encoding: str, errors: str) -> Any:
        header = super().frombuf(buf, encoding, errors)
        if header.type in _TEXTS and header.size > LONGEST_NAME:
            raise ArchiveError(f"a header declares a name of {header.size} bytes")
        return header


def extract_archive(
    path: str | os.PathLike[str],
    directory: str | os.PathLike[str],
    archive_format: str | list[str] | None = "auto",
) -> None:
    """Unpack a tar or zip archive into `directory`, replacing it as a whole.

    Names and links that lead out of the directory, anything but files, directories and links, and
    what the disk has no room for are refused, and then nothing is kept: `ArchiveError`.

    archive_format: "tar" (compressed or not), "zip", a list of them, or "auto" for both.

    Example:
        >>> extract_archive("flowers.tgz", "flowers")  # doctest: +SKIP
    """
    formats = _formats(archive_format)
    directory = Path(directory)
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory.parent, prefix=f"{directory.name}.") as scratch:
        new, old = Path(scratch, "new"), Path(scratch, "old")
        new.mkdir()
        try:
            with _archive_members(Path(path), formats) as members:
                _unpack(members, new)
        except ArchiveError as error:
            raise ArchiveError(f"{path}: {error}") from None
        except Exception as error:  # each decoder has its own errors for damaged data
            if isinstance(error, OSError) and error.errno in _OF_THE_DISK:
                raise
            raise ArchiveError(f"{path} is damaged: {error}") from error
        if directory.is_dir():
            os.replace(directory, old)
        os.replace(new, directory)


def _formats(archive_format: str | list[str] | None) -> list[str]:
    formats = ["tar", "zip"] if archive_format == "auto" else archive_format or []
    formats = [formats] if isinstance(formats, str) else list(formats)
    if unknown := set(formats) - {"tar", "zip"}:
        raise ValueError(f"archive_format must be 'auto', 'tar' or 'zip', got {sorted(unknown)}")
    return formats


@contextmanager
def _archive_members(path: Path, formats: list[str]) -> Iterator[Iterator[_Member]]:
    tar = _opened_tar(path) if "tar" in formats else None
    if tar is not None:
        with tar:
            yield (_tar_member(tar, member) for member in tar)
            while tar.fileobj and tar.fileobj.read(CHUNK):
                pass  # checksums of compressed files stand at their end, behind the last member
    elif "zip" in formats and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            yield (_zip_member(archive, member) for member in archive.infolist())
    else:
        raise ArchiveError(f"not an archive of the format {' or '.join(formats) or None}")


def _opened_tar(path: Path) -> tarfile.TarFile | None:
    try:
        return tarfile.open(path, tarinfo=_Header)
    except tarfile.TarError:
        return None


def _tar_member(tar: tarfile.TarFile, member: tarfile.TarInfo) -> _Member:
    kind = f"special file (type {member.type!r})"
    if member.isdir():
        kind = "directory"
    elif member.isreg() or member.islnk():  # a hard link is read as the member that it names
        kind = "file"
    elif member.issym():
        kind = "link"
    size = member.size if member.isreg() else 0
    return _Member(member.name, kind, size, lambda: tar.extractfile(member), member.linkname)


def _zip_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> _Member:
    link = ""
    kind = "directory" if member.is_dir() else "file"
    if stat.S_ISLNK(member.external_attr >> 16):
        if member.file_size > LONGEST_NAME:
            raise ArchiveError(f"member {member.filename!r} is a link of {member.file_size} bytes")
        kind, link = "link", archive.read(member).decode()
    return _Member(member.filename, kind, member.file_size, lambda: archive.open(member), link)


def _unpack(members: Iterator[_Member], root: Path) -> None:
    """Write all members below `root`, a new directory.

    Links are made last, so that nothing can be written through one; each is checked before it is
    made, and all again at the end, since a later link may change where an earlier one leads.
    """
    links, room = [], shutil.disk_usage(root).free
    for member in members:
        room -= member.size
        if room < 0:
            raise ArchiveError(f"member {member.name!r} is more than the disk has room for")
        place = _place_below(root, member.name)
        if member.kind == "directory":
            place.mkdir(parents=True, exist_ok=True)
        elif member.kind == "link":
            links.append((member, place))
        elif member.kind == "file":
            place.parent.mkdir(parents=True, exist_ok=True)
            with _content(member) as source, open(place, "wb") as file:
                shutil.copyfileobj(source, file)
        else:
            raise ArchiveError(f"member {member.name!r} is a {member.kind}")
    for member, place in links:
        _refuse_escape(root, member, place.parent / member.link)
        _refuse_escape(root, member, place.parent)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(member.link)
    for member, place in links:
        _refuse_escape(root, member, place)


def _content(member: _Member) -> IO[bytes]:
    try:
        source = member.open()
    except KeyError:
        source = None
    if source is None:
        raise ArchiveError(f"member {member.name!r} links to {member.link!r}, no file of it")
    return source


def _place_below(root: Path, name: str) -> Path:
    path = PurePosixPath(name)
    foreign = os.sep == "\\" and any(character in name for character in "\\:")
    if path.is_absolute() or ".." in path.parts or foreign:
        raise ArchiveError(f"member {name!r} lies outside the archive's directory")
    return root / path


def _refuse_escape(root: Path, member: _Member, place: Path) -> None:
    top = os.path.realpath(root)
    if os.path.isabs(member.link) or not Path(os.path.realpath(place)).is_relative_to(top):
        raise ArchiveError(
            f"member {member.name!r} links to {member.link!r}, outside the archive's directory"
        )
