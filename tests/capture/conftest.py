"""The shipped captures, real tshark as the oracle, and a watch over what a test leaves behind."""

import contextlib
import resource
import shutil
import signal
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from capture import readers, sources, streams, tls, tools
from capture.sources import SOURCES, SourceName
from capture.streams import ByteStream
from capture.tls import RecordLayer

DATA = Path(__file__).parent.parent / "data"

Tshark = Callable[..., list[str]]


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of the shipped captures; tests/data/make.py made them."""
    return DATA


_said: dict[tuple[str, ...], list[str]] = {}


def _lines(command: tuple[str, ...]) -> list[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.splitlines()


@pytest.fixture
def tshark(tool: Callable[[str], str]) -> Tshark:
    """Run tshark on a capture; return the lines it prints. Those of a shipped one are kept: several tests want them."""
    path = tool("tshark")

    def run(capture: Path, *arguments: str) -> list[str]:
        command = (path, "-n", "-r", str(capture), *arguments)
        if capture.parent != DATA:
            return _lines(command)
        if command not in _said:
            _said[command] = _lines(command)
        return list(_said[command])

    return run


@pytest.fixture
def streams_of() -> Callable[[Path], tuple[ByteStream, ...]]:
    """Read and reassemble a capture, with the reader that starts no process."""
    return lambda capture: streams.reassemble(readers.read_segments(capture, "scapy"))


@pytest.fixture
def layers_of(streams_of: Callable[[Path], tuple[ByteStream, ...]]) -> Callable[[Path], list[RecordLayer]]:
    """Read a capture down to its TLS records: a layer for each stream."""
    return lambda capture: [tls.read_records(stream) for stream in streams_of(capture)]


@pytest.fixture
def may_capture(tool: Callable[[str], str]) -> None:
    """Skip where this user may not capture, with dumpcap's reason."""
    tool("dumpcap")
    refusal = sources.refusal("dumpcap")
    if refusal is not None:
        pytest.skip(refusal)


@pytest.fixture(params=SOURCES)
def source(request: pytest.FixtureRequest) -> SourceName:
    """Each source that may capture; skip where it may not, with its reason."""
    name: SourceName = request.param
    refusal = sources.refusal(name)
    if refusal is not None:
        pytest.skip(f"{name}: {refusal}")
    return name


@pytest.fixture
def may_capture_natively() -> None:
    """Skip where this user may not open a packet socket."""
    refusal = sources.refusal("packet-socket")
    if refusal is not None:
        pytest.skip(refusal)


def _descriptors() -> set[tuple[str, str]]:
    found = set()
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found.add((entry.name, str(entry.readlink())))
    return found


def _children() -> set[str]:
    found: set[str] = set()
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):
            found.update((task / "children").read_text().split())
    return found


@pytest.fixture
def nothing_left() -> Iterator[None]:
    """Fail if the test leaves a child process, a thread, a descriptor or a zombie behind."""
    before = _children(), set(threading.enumerate()), _descriptors()
    yield
    # the threads of asyncio.to_thread end with their loop; those of a loop that has ended may take a moment more
    for thread in set(threading.enumerate()) - before[1]:
        thread.join(10)
    assert _children() <= before[0]
    assert set(threading.enumerate()) <= before[1]
    assert {name for name, _ in _descriptors()} <= {name for name, _ in before[2]}


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for localhost and its key, made by openssl."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("certificate")
    paths = folder / "certificate.pem", folder / "key.pem"
    command = [
        *(openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-days", "2"),
        *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
        *("-out", str(paths[0]), "-keyout", str(paths[1])),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=30)
    return paths


@pytest.fixture
def contexts(certificate: tuple[Path, Path]) -> Callable[..., tuple[ssl.SSLContext, ssl.SSLContext]]:
    """Make the contexts of a server and its client, each with a key log where one is named."""

    def make(
        *, version: ssl.TLSVersion | None = None, server_keys: Path | None = None, client_keys: Path | None = None
    ) -> tuple[ssl.SSLContext, ssl.SSLContext]:
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(*certificate)
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client.load_verify_locations(certificate[0])
        for context, keylog in ((server, server_keys), (client, client_keys)):
            if version is not None:
                context.minimum_version = context.maximum_version = version
            if keylog is not None:
                context.keylog_filename = str(keylog)
        return server, client

    return make


@pytest.fixture
def no_tools(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without Wireshark's programs."""
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.setenv("PATH", str(empty))
    monkeypatch.setattr(tools, "_EXTRA_FOLDERS", ())


@pytest.fixture
def small_files() -> Callable[[int], AbstractContextManager[None]]:
    """Files of this process cannot grow beyond so many bytes: what a full disk does, with another reason.

    For a few lines only, not for a whole test: pytest's own output may go to a file.
    """

    @contextmanager
    def limited(size: int) -> Iterator[None]:
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            signal.signal(signal.SIGXFSZ, old)

    return limited
