"""Downloads from a server on this machine, archives, and the data sets."""

import hashlib
import io
import tarfile
import threading
import tracemalloc
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from kerasish.datasets import mnist, sources, synthetic_digits
from kerasish.utils import files

CONTENT = np.random.default_rng(0).bytes(200_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
MD5 = hashlib.md5(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves CONTENT and notes the ranges asked for; behaves badly on request."""

    ranges = True
    drop = 0  # so many answers end in the middle
    broken = 0  # so many answers are "503"
    content = CONTENT
    shifted = 0  # so many answers to a range are of another one

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked = []
        self.url = f"http://127.0.0.1:{self.server_port}/some/data.bin?x=1"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        server.asked.append(self.headers["Range"])
        if self.path.startswith("/missing"):
            return self.send_error(404)
        if self.path.startswith("/moved"):
            self.send_response(302)
            self.send_header("Location", server.moved_to)
            return self.end_headers()
        if server.broken:
            server.broken -= 1
            return self.send_error(503)
        start = 0
        if server.ranges and self.headers["Range"]:
            start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
            if start >= len(server.content):
                return self.send_error(416)
            if server.shifted:
                server.shifted, start = server.shifted - 1, start + 1
            self.send_response(206)
            last = len(server.content) - 1
            self.send_header("Content-Range", f"bytes {start}-{last}/{len(server.content)}")
        else:
            self.send_response(200)
        body = server.content[start:]
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", '"one"')
        self.end_headers()
        if server.drop:
            server.drop -= 1
            body = body[: len(body) // 2]
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(files.time, "sleep", lambda seconds: None)
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "datasets"


def tree(directory):
    return sorted(str(p.relative_to(directory)) for p in directory.rglob("*") if not p.is_dir())


# ---------------------------------------------------------------- downloads


@pytest.mark.parametrize(
    "hashes", [{}, {"file_hash": SHA256}, {"file_hash": MD5}, {"md5_hash": MD5.upper()}]
)
def test_get_file(server, cache, hashes):
    path = files.get_file(origin=server.url, **hashes)
    assert path == str(cache / "data.bin")
    assert Path(path).read_bytes() == CONTENT
    assert files.get_file(origin=server.url, **hashes) == path
    assert len(server.asked) == 1
    files.get_file(origin=server.url, force_download=True, **hashes)
    assert len(server.asked) == 2
    assert tree(cache) == ["data.bin"]


def test_names_and_directories(server, tmp_path):
    path = files.get_file("a.bin", server.url, cache_dir=tmp_path, cache_subdir="models")
    assert path == str(tmp_path / "models" / "a.bin")
    elsewhere = files.get_file("a.bin", server.url, cache_subdir=str(tmp_path / "absolute"))
    assert elsewhere == str(tmp_path / "absolute" / "a.bin")
    whole = tmp_path / "new" / "b.bin"
    assert files.get_file(str(whole), server.url, cache_dir=tmp_path) == str(whole)
    assert whole.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "origin"),
        ({"origin": "http://localhost/"}, "plain file name"),
        ({"origin": "http://localhost/%2e%2e"}, "plain file name"),
        ({"fname": "../x", "origin": "http://localhost/x"}, "plain file name"),
        ({"origin": "http://localhost/x", "file_hash": "12"}, "64 .* or 32"),
        ({"origin": "http://localhost/x", "file_hash": MD5, "hash_algorithm": "crc"}, "'crc'"),
    ],
)
def test_wrong_arguments(cache, arguments, message):
    if arguments.get("hash_algorithm"):  # looked at when there is a file to check
        cache.mkdir(parents=True)
        (cache / "x").write_bytes(b"")
    with pytest.raises(ValueError, match=message):
        files.get_file(**arguments)


def test_resume_after_an_earlier_run(server, cache):
    cache.mkdir(parents=True)
    (cache / "data.bin.part").write_bytes(CONTENT[:150_000])
    path = files.get_file(origin=server.url, file_hash=SHA256)
    assert server.asked == ["bytes=150000-"]
    assert Path(path).read_bytes() == CONTENT
    assert tree(cache) == ["data.bin"]


@pytest.mark.parametrize(
    ("part", "ranges", "asked"),
    [
        (b"old version", True, ["bytes=11-", None]),  # does not fit: from the start
        (CONTENT[:1000], False, ["bytes=1000-"]),  # the server sends everything
        (CONTENT, True, ["bytes=200000-", None]),  # nothing lies behind it
    ],
)
def test_parts_that_cannot_be_continued(server, cache, part, ranges, asked):
    server.ranges = ranges
    cache.mkdir(parents=True)
    (cache / "data.bin.part").write_bytes(part)
    path = files.get_file(origin=server.url, file_hash=SHA256)
    assert server.asked == asked
    assert Path(path).read_bytes() == CONTENT


def test_part_without_a_hash_is_not_trusted(server, cache):
    cache.mkdir(parents=True)
    (cache / "data.bin.part").write_bytes(b"old version")
    path = files.get_file(origin=server.url)
    assert server.asked == [None]
    assert Path(path).read_bytes() == CONTENT


def test_dropped_connection_goes_on(server, cache):
    server.drop, server.broken = 1, 0
    path = files.get_file(origin=server.url)
    assert server.asked == [None, "bytes=100000-"]
    assert Path(path).read_bytes() == CONTENT


def test_passing_errors_are_tried_again(server, cache):
    server.broken = 2
    assert Path(files.get_file(origin=server.url)).read_bytes() == CONTENT
    assert len(server.asked) == 3


def test_giving_up_keeps_the_part_and_the_old_file(server, cache):
    server.drop = 99
    cache.mkdir(parents=True)
    (cache / "data.bin").write_bytes(b"old")
    with pytest.raises(files.DownloadError, match="ended after") as caught:
        files.get_file(origin=server.url, file_hash=SHA256, force_download=True)
    assert server.url in str(caught.value)
    place = f"put it at {cache / 'data.bin'}; the one that is there has another sha256 hash"
    assert place in str(caught.value)
    assert (cache / "data.bin").read_bytes() == b"old"
    assert tree(cache) == ["data.bin", "data.bin.part"]
    server.drop = 0
    files.get_file(origin=server.url, file_hash=SHA256)
    assert (cache / "data.bin").read_bytes() == CONTENT


def test_wrong_hash(server, cache):
    server.content = b"something else"
    with pytest.raises(files.HashError, match=f"expected {SHA256}"):
        files.get_file(origin=server.url, file_hash=SHA256)
    assert tree(cache) == []


def test_cached_file_with_a_wrong_hash_is_fetched_again(server, cache, capsys):
    cache.mkdir(parents=True)
    (cache / "data.bin").write_bytes(b"damaged")
    path = files.get_file(origin=server.url, file_hash=SHA256)
    assert Path(path).read_bytes() == CONTENT
    assert "does not have the expected sha256 hash" in capsys.readouterr().err


def test_another_range_than_asked_for(server, cache):
    """Without a hash nothing else would tell that a byte is missing."""
    server.drop = server.shifted = 1
    path = files.get_file("data.bin", server.url)
    assert Path(path).read_bytes() == CONTENT
    assert server.asked == [None, f"bytes={len(CONTENT) // 2}-", None]


def test_lengths_that_are_not_true(server, cache, monkeypatch):
    """Too short a length cuts the file off: its hash tells."""
    header = Handler.send_header
    short = lambda self, name, value: header(  # noqa: E731
        self, name, "100" if name == "Content-Length" else value
    )
    monkeypatch.setattr(Handler, "send_header", short)
    with pytest.raises(files.HashError, match="is not the expected file"):
        files.get_file("data.bin", server.url, file_hash=SHA256)
    assert tree(cache) == []


def test_redirections(server, cache, tmp_path):
    (tmp_path / "secret").write_text("not for the cache")
    moved = server.url.replace("/some", "/moved")
    server.moved_to = server.url
    assert Path(files.get_file("a", moved, file_hash=SHA256)).read_bytes() == CONTENT
    for server.moved_to in (f"file://{tmp_path}/secret", moved):
        with pytest.raises(files.DownloadError, match=r"redirect|infinite"):
            files.get_file("b", moved)
    assert tree(cache) == ["a"]


def test_missing_file_is_not_tried_again(server, cache):
    with pytest.raises(files.DownloadError, match="404"):
        files.get_file("x", server.url.replace("/some", "/missing"))
    assert len(server.asked) == 1


def test_no_network(server, cache):
    url = server.url
    server.server_close()  # nobody answers there any more
    with pytest.raises(files.DownloadError, match="Without a network") as caught:
        files.get_file(origin=url)
    assert url in str(caught.value)


def test_local_url(tmp_path, cache):
    (tmp_path / "there").write_bytes(CONTENT)
    path = files.get_file(origin=(tmp_path / "there").as_uri(), file_hash=SHA256)
    assert Path(path).read_bytes() == CONTENT


def test_plain_progress(capsys):
    show = files._plain_progress(4_000_000, every=0)
    show(1_000_000)
    assert capsys.readouterr().err == "  1.0 of 4.0 MB (25%)\n"


# ---------------------------------------------------------------- archives


def make_tar(path, *members, mode="w:gz"):
    """Members are (name, content) or (name, type, link)."""
    with tarfile.open(path, mode) as tar:
        for name, *rest in members:
            info = tarfile.TarInfo(name)
            if len(rest) == 1:
                info.size = len(rest[0])
                tar.addfile(info, io.BytesIO(rest[0]))
            else:
                info.type, info.linkname = rest
                tar.addfile(info)


def make_zip(path, *members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, *rest in members:
            info = zipfile.ZipInfo(name)
            if len(rest) == 2:
                info.external_attr = 0o120777 << 16
            archive.writestr(info, rest[-1])


GOOD = [("a/one.txt", b"1"), ("two.txt", b"2")]
SYM, HARD = tarfile.SYMTYPE, tarfile.LNKTYPE


@pytest.mark.parametrize("make", [make_tar, make_zip])
@pytest.mark.parametrize(
    ("fname", "archive", "directory"),
    [
        (None, "data.bin_archive", "data.bin"),
        ("flowers", "flowers_archive", "flowers"),
        ("flowers.tar.gz", "flowers.tar.gz", "flowers_extracted"),
    ],
)
def test_extract(server, cache, tmp_path, make, fname, archive, directory):
    make(tmp_path / "made", *GOOD)
    server.content = (tmp_path / "made").read_bytes()
    for _ in range(2):
        path = files.get_file(fname, server.url, extract=True)
        assert path == str(cache / directory)
        assert tree(cache) == sorted([archive, f"{directory}/a/one.txt", f"{directory}/two.txt"])
    assert len(server.asked) == 1


def test_unknown_archive_format(tmp_path):
    with pytest.raises(ValueError, match=r"'tar' or 'zip', got \['rar'\]"):
        files.extract_archive(tmp_path / "x", tmp_path / "out", "rar")


def test_untar_refuses_a_zip(server, cache, tmp_path):
    make_zip(tmp_path / "made", *GOOD)
    server.content = (tmp_path / "made").read_bytes()
    with pytest.raises(files.ArchiveError, match="not an archive of the format tar"):
        files.get_file("x", server.url, untar=True)


def test_links_inside_are_kept(tmp_path):
    make_tar(
        tmp_path / "t",
        *GOOD,
        ("a/up", SYM, "../two.txt"),
        ("dir", SYM, "a"),
        ("hard", HARD, "a/one.txt"),
    )
    files.extract_archive(tmp_path / "t", tmp_path / "out")
    assert (tmp_path / "out/a/up").read_bytes() == b"2"
    assert (tmp_path / "out/dir/one.txt").read_bytes() == b"1"
    assert (tmp_path / "out/hard").read_bytes() == b"1"


@pytest.mark.parametrize(
    ("make", "members", "message"),
    [
        (make_tar, [("../evil", b"x")], "outside"),
        (make_tar, [("a/../../evil", b"x")], "outside"),
        (make_tar, [("/evil", b"x")], "outside"),
        (make_zip, [("../evil", b"x")], "outside"),
        (make_zip, [("/evil", b"x")], "outside"),
        (make_tar, [("l", SYM, "/etc")], "outside"),
        (make_tar, [("l", SYM, "../..")], "outside"),
        (make_zip, [("l", "link", "../..")], "outside"),
        (make_tar, [("l", SYM, "../.."), ("l/evil", b"x")], "damaged|outside"),
        (make_tar, [("d/e/f", b""), ("in", SYM, "d/e"), ("l", SYM, "in/../../..")], "outside"),
        # Harmless when it is made, since "deep" is not there yet; "deep/../.." then moves.
        (make_tar, [("a/l", SYM, "deep/../.."), ("a/deep", SYM, "..")], "outside"),
        (make_tar, [("h", HARD, "/etc/passwd")], "no file of it"),
        (make_tar, [("dev", tarfile.CHRTYPE, "")], "special file"),
        (make_tar, [("pipe", tarfile.FIFOTYPE, "")], "special file"),
    ],
)
def test_hostile_archives(tmp_path, make, members, message):
    make(tmp_path / "archive", *GOOD, *members)
    inner = tmp_path / "cache"
    (inner / "out").mkdir(parents=True)
    (inner / "out" / "old").write_text("kept")
    with pytest.raises(files.ArchiveError, match=message):
        files.extract_archive(tmp_path / "archive", inner / "out")
    assert tree(tmp_path) == ["archive", "cache/out/old"]


def make_long_name(path):
    with tarfile.open(path, "w:gz") as archive, open("/dev/zero", "rb") as zeros:
        for name in ("PaxHeader", "data"):
            info = tarfile.TarInfo(name)
            info.type, info.size = (tarfile.XHDTYPE if name == "PaxHeader" else b"0"), 1 << 28
            archive.addfile(info, zeros)


def make_long_link(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        info = zipfile.ZipInfo("link")
        info.external_attr, info.compress_type = 0o120777 << 16, zipfile.ZIP_DEFLATED
        archive.writestr(info, bytes(1 << 28))


def make_sparse(path):
    """A small tar whose one member says that it has 2 ** 60 bytes."""
    header = tarfile.TarInfo("data")
    header.size = 1 << 60
    path.write_bytes(header.tobuf(tarfile.GNU_FORMAT) + bytes(2048))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (make_long_name, "a header declares a name of 268435456 bytes"),
        (make_long_link, "is a link of 268435456 bytes"),
        (make_sparse, "more than the disk has room for"),
        (lambda path: make_tar(path, ("a", b"x"), ("a/b", b"y")), "damaged"),
        (lambda path: make_tar(path, ("a" * 300, b"x")), "damaged"),
        (lambda path: make_tar(path, ("l", HARD, "l")), "damaged|no file of it"),
        (lambda path: make_tar(path, ("a", b"x"), ("a", SYM, "b")), "damaged"),
    ],
)
def test_archives_that_would_fill_memory_or_disk(make, message, tmp_path):
    make(tmp_path / "archive")
    tracemalloc.start()
    with pytest.raises(files.ArchiveError, match=message):
        files.extract_archive(tmp_path / "archive", tmp_path / "out")
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()
    assert tree(tmp_path) == ["archive"]


@pytest.mark.parametrize("make", [make_tar, make_zip])
def test_damaged_archives(tmp_path, make):
    make(tmp_path / "good", ("random", CONTENT))
    content = bytearray((tmp_path / "good").read_bytes())
    content[60_000:60_100] = bytes(100)
    (tmp_path / "bad").write_bytes(content)
    with pytest.raises(files.ArchiveError, match="bad is damaged"):
        files.extract_archive(tmp_path / "bad", tmp_path / "out")
    (tmp_path / "text").write_text("no archive at all")
    with pytest.raises(files.ArchiveError, match="not an archive of the format tar or zip"):
        files.extract_archive(tmp_path / "text", tmp_path / "out")
    assert not (tmp_path / "out").exists()


# ---------------------------------------------------------------- MNIST


def small_mnist(path, **changes):
    arrays = {
        "x_train": np.arange(3 * 784, dtype="uint8").reshape(3, 28, 28),
        "y_train": np.array([1, 2, 3], "uint8"),
        "x_test": np.zeros((2, 28, 28), "uint8"),
        "y_test": np.array([4, 5], "uint8"),
    }
    np.savez(path, **{k: v for k, v in (arrays | changes).items() if v is not None})
    return arrays


def test_mnist_from_a_path(tmp_path, monkeypatch):
    arrays = small_mnist(tmp_path / "digits.npz")
    monkeypatch.chdir(tmp_path)
    for path in ("digits.npz", tmp_path / "digits.npz"):
        (x_train, y_train), (x_test, y_test) = mnist.load_data(path)
        for key, value in zip(arrays, (x_train, y_train, x_test, y_test), strict=True):
            np.testing.assert_array_equal(value, arrays[key])


def test_mnist_is_downloaded_and_checked(server, cache, tmp_path, monkeypatch):
    small_mnist(tmp_path / "digits.npz")
    server.content = (tmp_path / "digits.npz").read_bytes()
    source = sources.SOURCES["mnist.npz"]._replace(url=server.url)
    monkeypatch.setitem(sources.SOURCES, "mnist.npz", source)
    monkeypatch.chdir(cache.parent.parent)
    with pytest.raises(files.HashError, match=f"expected {source.file_hash}"):
        mnist.load_data()
    source = source._replace(file_hash=hashlib.sha256(server.content).hexdigest())
    monkeypatch.setitem(sources.SOURCES, "mnist.npz", source)
    assert mnist.load_data()[0][1].tolist() == [1, 2, 3]
    assert tree(cache) == ["mnist.npz"]


@pytest.mark.parametrize(
    "changes",
    [
        {"x_test": None},
        {"y_test": np.zeros(3)},
        {"x_train": np.zeros((3, 784))},
        {"y_train": np.array([{}, 1, 2], object)},  # a pickle
    ],
)
def test_mnist_file_with_other_content(tmp_path, changes):
    small_mnist(tmp_path / "digits.npz", **changes)
    with pytest.raises(ValueError, match=r"digits\.npz is not MNIST's npz file"):
        mnist.load_data(tmp_path / "digits.npz")


@pytest.mark.parametrize("damage", ["cut", "overwritten", "text", "array", "empty"])
def test_mnist_damaged_file(tmp_path, damage):
    path = tmp_path / "digits.npz"
    small_mnist(path)
    content = path.read_bytes()
    if damage == "array":
        with open(path, "wb") as file:
            np.save(file, np.zeros(3))
    else:
        overwritten = content[:500] + bytes(500) + content[1000:]
        damaged = {"cut": content[:-900], "overwritten": overwritten, "text": b"hi", "empty": b""}
        path.write_bytes(damaged[damage])
    with pytest.raises(ValueError, match=r"digits\.npz is not MNIST's npz file"):
        mnist.load_data(path)


@pytest.mark.parametrize("member", [b"no array", b"\x93NUMPY\x01\x00\x09\x00{'descr':"])
def test_mnist_damaged_arrays(tmp_path, member):
    path = tmp_path / "digits.npz"
    with zipfile.ZipFile(path, "w") as file:
        for name in ("x_train", "y_train", "x_test", "y_test"):
            file.writestr(f"{name}.npy", member)
    with pytest.raises(ValueError, match=r"digits\.npz is not MNIST's npz file"):
        mnist.load_data(path)


# ---------------------------------------------------------------- synthetic digits


def test_synthetic_digits():
    (x_train, y_train), (x_test, y_test) = synthetic_digits.load_data(400, 50, seed=3)
    assert (x_train.shape, x_train.dtype) == ((400, 28, 28), "uint8")
    assert (y_train.shape, y_train.dtype) == ((400,), "uint8")
    assert (x_test.shape, y_test.shape) == ((50, 28, 28), (50,))
    assert set(y_train) == set(range(10))
    ink = x_train.mean(axis=(1, 2))
    assert ink.min() > 2
    assert ink.max() < 130
    assert x_train[:, [0, -1]].mean() < 2  # the digits lie inside


def test_synthetic_digits_are_repeatable():
    first, test = synthetic_digits.load_data(50, 20, seed=3)
    again, same_test = synthetic_digits.load_data(50, 20, seed=3)
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
    np.testing.assert_array_equal(test[0], same_test[0])
    np.testing.assert_array_equal(test[0], synthetic_digits.load_data(7, 20, seed=3)[1][0])
    assert (first[0] != synthetic_digits.load_data(50, 20, seed=4)[0][0]).any()
    assert (first[0][:20] != test[0]).any()


def test_synthetic_digits_of_one_class_look_alike():
    (x, y), (x_test, y_test) = synthetic_digits.load_data(2000, 300)
    x, x_test = (a.reshape(len(a), -1).astype("float32") for a in (x, x_test))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    nearest = (x_test @ x.T).argmax(1)
    assert (y[nearest] == y_test).mean() > 0.85


def test_synthetic_digits_counts():
    assert synthetic_digits.load_data(0, 0)[0][0].shape == (0, 28, 28)
    with pytest.raises(ValueError, match="must not be negative, got -1"):
        synthetic_digits.load_data(-1)
