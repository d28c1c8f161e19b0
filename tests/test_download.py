"""Every way in which a download can fail: a clear error or a clean retry, never half a data set.

A server on this machine plays the mirror, and a few drawn garments play the data set; torchvision's
own class downloads them.
"""

import contextlib
import errno
import gc
import hashlib
import io
import multiprocessing
import os
import socket
import threading
import warnings
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from idx_files import write_idx

from hwlib import data
from hwlib.data import (
    FILES,
    DataError,
    MissingDataError,
    cache_folder,
    find_or_download,
    torchvision_module,
)
from hwlib.stand_in import draw_stand_in

NAME = "FashionMNIST"
PAGE = b"<!DOCTYPE html><html><title>Sign in to the network</title></html>"


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    """The four files that the mirror should serve, as bytes by name."""
    folder = tmp_path_factory.mktemp("content")
    arrays = [*draw_stand_in(20, seed=0), *draw_stand_in(10, seed=1)]
    for file, array in zip(FILES, arrays, strict=True):
        write_idx(folder / file, array)
    return {file: (folder / file).read_bytes() for file in FILES}


class Mirror(ThreadingHTTPServer):
    """Serves `content`; `faults` maps a file's name to a function that answers in its place."""

    daemon_threads = True

    def __init__(self, content):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.faults, self.requests = content, {}, []
        self.released = threading.Event()  # set at the end, so that no thread waits for ever

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}/"

    def handle_error(self, *_):
        """Clients that hang up are part of these tests."""


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        file = self.path.lstrip("/")
        self.server.requests.append(file)
        # torchvision asks twice: first, with a header "Method", whether there is a redirection.
        probing = "Method" in self.headers
        fault = self.server.faults.get(file)
        if fault is not None and not (probing and fault not in FAULTS_OF_PROBES):
            fault(self)
        else:
            self.send(self.server.content[file])

    def send(self, body, length=None):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *_):
        pass


def half(handler):
    body = handler.server.content[handler.path.lstrip("/")]
    handler.send(body[: len(body) // 2], length=len(body))


def half_then_silence(handler):
    half(handler)
    handler.server.released.wait(60)


def silence(handler):
    handler.server.released.wait(60)


def altered(handler):
    body = bytearray(handler.server.content[handler.path.lstrip("/")])
    body[len(body) // 2] ^= 1
    handler.send(bytes(body))


def page(handler):
    handler.send(PAGE)


def missing(handler):
    handler.send_error(404)


def garbage(handler):
    handler.wfile.write(b"this is not HTTP\r\n\r\n")


def broken_chunks(handler):
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    handler.wfile.write(b"ffff\r\nshort")


def hang_up(handler):
    handler.connection.shutdown(socket.SHUT_RDWR)


FAULTS_OF_PROBES = (silence, missing, garbage, hang_up)


def use_mirror(address, content, cache, patch=setattr):
    """Let torchvision and hwlib take the files of `content` for Fashion-MNIST."""
    os.environ["no_proxy"] = "127.0.0.1"  # as everywhere, a proxy would not reach this machine
    os.environ.pop("HWLIB_DATA", None)
    dataset = torchvision_module("datasets").FashionMNIST
    md5 = [hashlib.md5(content[file], usedforsecurity=False).hexdigest() for file in FILES]
    patch(dataset, "mirrors", [address])
    patch(dataset, "resources", list(zip(FILES, md5, strict=True)))
    sha256 = tuple(hashlib.sha256(content[file]).hexdigest() for file in FILES)
    patch(data, "SHA256", {NAME: sha256})
    patch(data, "cache_folder", lambda: cache)
    return dataset


@pytest.fixture
def mirror(content, tmp_path, monkeypatch):
    """A running mirror, and a cache folder that does not exist yet as ``mirror.cache``."""
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("HWLIB_DATA", "")
    with Mirror(content) as server:
        server.cache = tmp_path / "cache"
        server.dataset = use_mirror(server.address, content, server.cache, monkeypatch.setattr)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.released.set()
        server.shutdown()
        thread.join()


def files_below(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def assert_whole(folder, content):
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == content


def assert_fails_cleanly(mirror, message):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # urllib leaves a refused answer open
        with pytest.raises(MissingDataError, match=message) as raised:
            find_or_download(NAME)
        assert "set HWLIB_DATA" in str(raised.value)
        del raised
        gc.collect()
    if mirror.cache.exists():
        assert files_below(mirror.cache) == []


def assert_retry_succeeds(mirror):
    mirror.faults.clear()
    raw = find_or_download(NAME)
    assert raw == mirror.cache / NAME / "raw"
    assert_whole(raw, mirror.content)
    assert files_below(mirror.cache) == sorted(f"{NAME}/raw/{file}" for file in FILES)


def test_download_arrives_whole_and_in_silence(mirror, capsys):
    assert_retry_succeeds(mirror)
    assert capsys.readouterr().out == ""


def test_second_time_needs_no_network(mirror):
    raw = find_or_download(NAME)
    mirror.requests.clear()
    assert find_or_download(NAME) == find_or_download(NAME, download=False) == raw
    assert mirror.requests == []


@pytest.mark.timeout(200)
@pytest.mark.parametrize("file", [FILES[0], FILES[3]], ids=["first file", "last file"])
@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (half, "corrupted"),
        (altered, "corrupted"),
        (page, "corrupted"),
        (missing, "404|Error downloading"),
        (garbage, "BadStatusLine"),
        (broken_chunks, "IncompleteRead"),
        (hang_up, "RemoteDisconnected|ConnectionReset"),
        (silence, "timed out"),
        (half_then_silence, "timed out"),
    ],
)
def test_faulty_server_leaves_nothing_and_a_retry_succeeds(
    mirror, monkeypatch, file, fault, message
):
    mirror.faults[file] = fault
    with monkeypatch.context() as patched:
        if "silence" in fault.__name__:
            patched.setattr(data, "DOWNLOAD_TIMEOUT", 0.2)
        assert_fails_cleanly(mirror, message)
    assert_retry_succeeds(mirror)


@pytest.mark.usefixtures("mirror")
def test_timeout_of_the_process_is_put_back():
    before = socket.getdefaulttimeout()
    find_or_download(NAME)
    assert socket.getdefaulttimeout() == before


def test_no_network_at_all(mirror, monkeypatch):
    with socket.socket() as bound:  # a port on which nobody listens
        bound.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{bound.getsockname()[1]}/"
        monkeypatch.setattr(mirror.dataset, "mirrors", [address])
        assert_fails_cleanly(mirror, "the download failed: .*(?s:.)*connect to the network once")


def test_downloading_can_be_forbidden(mirror):
    with pytest.raises(MissingDataError, match=r"expected the four \.gz files in .*cache"):
        find_or_download(NAME, download=False)
    assert mirror.requests == []
    assert not mirror.cache.exists()


def test_files_that_only_torchvision_accepts_are_refused(mirror, monkeypatch):
    """A second lock: MD5, torchvision's checksum, can be forged."""
    monkeypatch.setitem(data.SHA256, NAME, ("0" * 64,) * 4)
    assert_fails_cleanly(mirror, "expected the SHA-256 checksum 000")


def test_disk_full_while_downloading(mirror, monkeypatch):
    class Full(io.FileIO):
        def write(self, _):
            super().write(b"some bytes still fit")
            raise OSError(errno.ENOSPC, "No space left on device")

    utils = torchvision_module("datasets.utils")
    with monkeypatch.context() as patched:
        patched.setattr(utils, "open", Full, raising=False)
        assert_fails_cleanly(mirror, "No space left on device")
    assert_retry_succeeds(mirror)


def test_failure_between_two_moves_is_not_taken_for_whole(mirror, monkeypatch):
    move = Path.replace

    def full(path, target):
        if path.name == FILES[2]:
            raise OSError(errno.ENOSPC, "No space left on device")
        return move(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", full)
        with pytest.raises(MissingDataError, match="No space left"):
            find_or_download(NAME)
    with pytest.raises(MissingDataError):
        find_or_download(NAME, download=False)
    assert_retry_succeeds(mirror)


def test_read_only_cache(mirror, monkeypatch):
    # The user root may write anywhere, so the refusal of the system is played.
    def refuse(*_, **__):
        raise OSError(errno.EROFS, "Read-only file system")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "mkdir", refuse)
        assert_fails_cleanly(mirror, "Read-only file system")
    assert_retry_succeeds(mirror)


def test_cache_whose_place_is_taken_by_a_file(mirror):
    mirror.cache.write_bytes(b"I was here first")
    with pytest.raises(MissingDataError, match=r"the download failed: \w+: .*cache"):
        find_or_download(NAME)
    assert mirror.cache.read_bytes() == b"I was here first"


def test_ctrl_c_leaves_nothing(mirror, monkeypatch):
    def interrupt(_, filename):
        Path(filename).write_bytes(b"half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(torchvision_module("datasets.utils"), "_urlretrieve", interrupt)
        with pytest.raises(KeyboardInterrupt):
            find_or_download(NAME)
    assert files_below(mirror.cache) == []
    assert_retry_succeeds(mirror)


def load_in_child(address, content, cache):
    """What a process of its own does; its exit code tells how it went."""
    use_mirror(address, content, cache)
    with contextlib.redirect_stderr(io.StringIO()):  # torchvision's progress bar
        raw = find_or_download(NAME)
    assert_whole(raw, content)


def start_child(mirror):
    spawning = multiprocessing.get_context("spawn")
    child = spawning.Process(
        target=load_in_child, args=(mirror.address, mirror.content, mirror.cache)
    )
    child.start()
    return child


@pytest.mark.timeout(500)
def test_two_processes_load_for_the_first_time_at_once(mirror):
    both = threading.Barrier(2, timeout=400)  # neither gets its last file before the other asks

    def together(handler):
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait()
        handler.send(handler.server.content[FILES[3]])

    mirror.faults[FILES[3]] = together
    children = [start_child(mirror), start_child(mirror)]
    for child in children:
        child.join(450)
    assert [child.exitcode for child in children] == [0, 0]
    assert not both.broken
    assert mirror.requests.count(FILES[3]) == 4  # two processes, each asked twice
    assert files_below(mirror.cache) == sorted(f"{NAME}/raw/{file}" for file in FILES)


@pytest.mark.timeout(500)
def test_killed_in_the_middle_of_a_download(mirror):
    reached = threading.Event()

    def half_then_tell(handler):
        half(handler)
        reached.set()
        handler.server.released.wait(400)

    mirror.faults[FILES[2]] = half_then_tell
    child = start_child(mirror)
    assert reached.wait(400)
    child.kill()
    child.join()
    with pytest.raises(MissingDataError):
        find_or_download(NAME, download=False)
    mirror.faults.clear()
    assert_whole(find_or_download(NAME), mirror.content)


def fill(raw, content):
    raw.mkdir(parents=True)
    for file, body in content.items():
        (raw / file).write_bytes(body)
    return raw


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "page"])
@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("place", ["cache", "given"])
def test_tampered_files_are_refused_not_replaced(mirror, monkeypatch, place, file, damage):
    root = mirror.cache if place == "cache" else mirror.cache.with_name("given")
    if place == "given":
        monkeypatch.setenv("HWLIB_DATA", str(root))
    raw = fill(root / NAME / "raw", mirror.content)
    body = bytearray(mirror.content[file])
    body[9] ^= 1  # in the gzip header: only the checksum notices
    (raw / file).write_bytes({"cut": body[:-1], "flip": body, "empty": b"", "page": PAGE}[damage])
    with pytest.raises(DataError, match=f"{file}: expected the SHA-256 .* delete it") as raised:
        find_or_download(NAME)
    assert not isinstance(raised.value, MissingDataError)  # which would let the stand-in in
    assert mirror.requests == []


@pytest.mark.parametrize("present", [0, 1, 3])
def test_incomplete_cache_is_completed(mirror, present):
    raw = fill(mirror.cache / NAME / "raw", {})
    for file in FILES[:present]:
        (raw / file).write_bytes(b"cut off")
    assert_retry_succeeds(mirror)


def test_given_folder_comes_before_the_cache(mirror, monkeypatch, tmp_path):
    given = fill(tmp_path / "given" / NAME / "raw", mirror.content)
    fill(mirror.cache / NAME / "raw", mirror.content)
    monkeypatch.setenv("HWLIB_DATA", str(tmp_path / "given"))
    assert find_or_download(NAME) == given


@pytest.mark.parametrize("present", [0, 1, 3])
def test_given_folder_without_the_files_is_an_error(mirror, monkeypatch, tmp_path, present):
    fill(mirror.cache / NAME / "raw", mirror.content)  # would do, but the variable was set
    given = {file: mirror.content[file] for file in FILES[:present]}
    fill(tmp_path / "given" / NAME / "raw", given)
    monkeypatch.setenv("HWLIB_DATA", str(tmp_path / "given"))
    monkeypatch.setenv("HWLIB_STAND_IN", "1")
    with pytest.raises(DataError, match=f"{NAME}/raw with train.* in this folder; correct") as e:
        find_or_download(NAME)
    assert not isinstance(e.value, MissingDataError)  # which would let the stand-in in
    with pytest.raises(DataError, match="HWLIB_DATA="):
        data.load_fashion_mnist(allow_stand_in=True)
    assert mirror.requests == []


@pytest.mark.parametrize("value", ["~/my data", "given/../my data", "./my data"])
def test_given_folder_may_be_of_the_home_folder_relative_or_blank(
    mirror, monkeypatch, tmp_path, value
):
    raw = fill(tmp_path / "my data" / NAME / "raw", mirror.content)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HWLIB_DATA", value)
    assert find_or_download(NAME) == raw.resolve()


def test_files_that_cannot_be_read_are_named_with_the_cure(mirror, monkeypatch, tmp_path):
    fill(tmp_path / "given" / NAME / "raw", mirror.content)
    monkeypatch.setenv("HWLIB_DATA", str(tmp_path / "given"))

    def refuse(path, *_, **__):  # the user root may read everything, so this is played
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(DataError, match=r"Permission denied.*chmod") as raised:
        find_or_download(NAME)
    assert not isinstance(raised.value, MissingDataError)


def test_cache_folder_is_the_users_own():
    assert cache_folder().is_absolute()
    assert cache_folder().name == "hwlib" or "hwlib" in cache_folder().parts
    assert Path.home() in cache_folder().parents or "XDG_CACHE_HOME" in os.environ
