"""The live run of an exercise: real chats over loopback, captured into the student's folder."""

import contextlib
import socket
import ssl
import tempfile
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from capture.output import whole_file
from capture.readers import read_segments
from capture.rights import Choice, Way
from capture.sources.source import Counters
from certs.authority import Identity, PrivateKey, create_authority, issue_server
from certs.contexts import client_context, server_context
from chat.client import Client
from lab.capturing import captured
from lab.errors import LabError
from lab.exercises import cast
from lab.exercises.draw import Draw
from lab.exercises.work import CAPTURE
from lab.play import Connect, play, side_by_side
from lab.record import loopback_server
from lab.scenario import Step
from lab.scenarios.running import run_in_time

_PORTS = (20_000, 31_999)  # below those that systems hand out by themselves (Linux: from 32768 on)
# tshark 4.0 takes what goes to or from these for other protocols, and sees no TLS. Of the ports that it knows
# (`tshark -G decodes`), the first three are those of servers that can be drawn, the others those of clients.
_UNFIT = frozenset({21_064, 24_800, 29_418, 34_980, 44_321, 44_322, 44_818, 48_049, 48_898, 57_000})
_RUNS = 3  # one in some hundred is unfit
_TRIES = 50
_VALID = timedelta(days=365)


Run = Callable[[Draw, Path, Choice], None]


@dataclass(frozen=True, slots=True)
class Chat:
    """One chat of a run.

    Attributes:
        steps: what happens in it.
        port: of its server, as the capture shows it.
        host: the name that its clients ask for (SNI); not sent in plaintext.
        server: the server's side of TLS; None for plaintext.
        client: the clients' side.
    """

    steps: Sequence[Step]
    port: int
    host: str = "localhost"
    server: ssl.SSLContext | None = None
    client: ssl.SSLContext | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """What one TLS server has, and its clients trust.

    Attributes:
        identity: the server's certificate and key.
        server: its side of TLS.
        client: the side of clients that check it.
    """

    identity: Identity
    server: ssl.SSLContext
    client: ssl.SSLContext


def port(draw: Draw, label: str = "port", taken: Collection[int] = ()) -> int:
    """Return a port of the student's own, the first of those drawn that is free now and not among those taken already.

    Raises:
        LabError: none of them is.
    """
    for attempt in range(_TRIES):
        number = draw.number(f"{label} {attempt}", *_PORTS)
        if number in _UNFIT or number in taken:
            continue
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", number)):
            return number
    msg = f"None of {_TRIES} ports is free: end what listens on ports {_PORTS[0]} to {_PORTS[1]}."
    raise LabError(msg)


def ports(draw: Draw, *labels: str) -> tuple[int, ...]:
    """Return a port for each label, no two the same; each as `port` returns it.

    Raises:
        LabError: as `port`.
    """
    found: list[int] = []
    for label in labels:
        found.append(port(draw, label, found))
    return tuple(found)


def make(run: Run, draw: Draw, folder: Path, choice: Choice) -> None:
    """Make a live run; again, where the system gave a client a port with which tshark would see no TLS.

    Raises:
        Whatever the run raises.
    """
    for _ in range(_RUNS):
        run(draw, folder, choice)
        if not (folder / CAPTURE).exists() or _is_fit(folder / CAPTURE):
            return


def _is_fit(capture: Path) -> bool:
    return all(
        _UNFIT.isdisjoint((segment.source.port, segment.destination.port))
        for segment in read_segments(capture, "native")
    )


def record_over_tls(
    draw: Draw, folder: Path, choice: Choice, steps: Sequence[Step], *, keylog: Path | None = None
) -> Made:
    """Run one chat over TLS with the student's own host and port while it is captured; return what its server had.

    Args:
        draw: names host and port.
        folder: where the capture goes.
        choice: the way of capturing.
        steps: what happens.
        keylog: where the server writes its keys; None where nobody keeps them.

    Raises:
        LabError, CaptureError, CertsError, ChatError: as their texts say.
    """
    host = cast.host(draw)
    with tempfile.TemporaryDirectory() as private:
        made = secure(Path(private), host, keylog=keylog)
    record(folder, choice, [Chat(steps, port(draw), host, made.server, made.client)])
    return made


def record(folder: Path, choice: Choice, chats: Sequence[Chat]) -> None:
    """Run the chats at once while they are captured into the folder.

    What an earlier run left is replaced only when this one has ended.

    Raises:
        LabError, CaptureError, ChatError: as their texts say.
    """
    new = folder / f".{CAPTURE}.new"
    new.unlink(missing_ok=True)
    try:
        run_in_time(_record(new, choice, chats))
        new.replace(folder / CAPTURE)
    finally:
        new.unlink(missing_ok=True)


async def _record(path: Path, choice: Choice, chats: Sequence[Chat]) -> None:
    tapped = choice.way is Way.TAP
    async with contextlib.AsyncExitStack() as stack:
        real = []
        for chat in chats:
            server = loopback_server(chat.server, port=0 if tapped else chat.port)
            await stack.enter_async_context(server)
            real.append(server.address[1])
        shown = {port: chat.port for port, chat in zip(real, chats, strict=True)}
        async with captured(path, choice, real, shown=shown) as wire:
            await side_by_side(
                {
                    port: play(chat.steps, _connector(wire.ports[port], chat))
                    for port, chat in zip(real, chats, strict=True)
                }
            )
    check_whole(wire.counters)


def check_whole(counters: Counters) -> None:
    """Make sure that a capture has everything that passed.

    Raises:
        LabError: it has dropped packets.
    """
    if counters.dropped:
        msg = f"The capture dropped {counters.dropped} packets: run it again when the machine has less to do."
        raise LabError(msg)


def write_private(path: Path, data: bytes) -> None:
    """Write a file that only its owner may read, as keys are; what was there before is replaced.

    Raises:
        OSError: it cannot be written.
    """
    with whole_file(path, 0o600) as file:  # a new one: what was there may be open to everybody
        file.write(data)


def _connector(port: int, chat: Chat) -> Connect:
    async def connect(name: str) -> Client:
        hostname = chat.host if chat.client is not None else None
        return await Client.connect("127.0.0.1", port, name, context=chat.client, server_hostname=hostname)

    return connect


def secure(
    folder: Path,
    host: str,
    *,
    version: ssl.TLSVersion | None = None,
    suites: str = "",
    keylog: Path | None = None,
    key: PrivateKey | None = None,
    serial_number: int | None = None,
    also: Sequence[str] = (),
) -> Made:
    """Make a CA, a server certificate for `host`, and the two sides of TLS with them.

    Args:
        folder: a private one, where the files are written that OpenSSL reads; they are not needed afterwards.
        host: the name in the certificate.
        version: the only one to speak.
        suites: those of TLS 1.2, in OpenSSL's words (ciphers(1)); "" for Python's own choice.
        keylog: where the server writes its keys.
        key: of the server; None for one on P-256.
        serial_number: of its certificate; None for a random one.
        also: further names in it, after `host`.
    """
    # valid from yesterday on: a clock may be late
    begin = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
    authority = create_authority(not_before=begin, not_after=begin + _VALID)
    identity = issue_server(
        authority,
        names=(host, *also),
        addresses=(),
        not_before=begin,
        not_after=begin + _VALID,
        key=key,
        serial_number=serial_number,
    )
    files = {
        "ca.pem": authority.certificate_pem,
        "server.pem": identity.certificate_pem,
        "server.key": identity.key_pem,
    }
    for name, data in files.items():
        write_private(folder / name, data)
    server = server_context(folder / "server.pem", folder / "server.key", keylog=keylog, version=version)
    client = client_context(folder / "ca.pem", version=version)
    if suites:
        server.set_ciphers(suites)
        client.set_ciphers(suites)
    return Made(identity, server, client)
