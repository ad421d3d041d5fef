"""What exercise 7 draws, and its live run: the same chat with two servers, one for each version of TLS."""

import ssl
import tempfile
from pathlib import Path

from capture.rights import Choice
from lab.exercises import cast, live
from lab.exercises.draw import Draw

PEOPLE = 3
_VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


def hosts(draw: Draw) -> tuple[str, str]:
    """Return the names of the server with TLS 1.2 and of the one with TLS 1.3."""
    return cast.host(draw), cast.host(draw, "host of 1.3")


def other_name(draw: Draw) -> str:
    """Return the name in the certificate of TLS 1.2 that no client asks for."""
    return cast.host(draw, "other name")


def which(draw: Draw) -> int:
    """Return which of the connections over TLS 1.2 is asked about, from 1."""
    return draw.number("connection", 1, PEOPLE)


def _serial_number(draw: Draw) -> int:
    # 16 bytes; the first is neither 00 nor above 7f, so that DER adds none and drops none (X.690, section 8.3)
    return draw.number("first byte of serial", 0x10, 0x7F) << 120 | int.from_bytes(draw.bytes("serial", 15), "big")


def marks(draw: Draw) -> tuple[bytes, ...]:
    """Return what names this student in the capture: both servers, and the name in the certificate that is shown."""
    return tuple(name.encode() for name in (*hosts(draw), other_name(draw)))


def run(draw: Draw, folder: Path, choice: Choice) -> None:
    """Record the chats; nobody keeps their keys."""
    # as many names as are drawn: how long the hidden certificate is differs, too
    names = [cast.host(draw, f"hidden {at}") for at in range(draw.number("hidden names", 1, 6))]
    steps = cast.conversation(draw, PEOPLE, messages=6)
    ports = live.ports(draw, *(f"port of {version.name}" for version in _VERSIONS))
    chats = []
    with tempfile.TemporaryDirectory() as private:
        shows = ([other_name(draw)], _serial_number(draw)), (names, None)
        for host, port, version, (also, serial) in zip(hosts(draw), ports, _VERSIONS, shows, strict=True):
            made = live.secure(Path(private), host, version=version, also=also, serial_number=serial)
            chats.append(live.Chat(steps, port, host, made.server, made.client))
    live.record(folder, choice, chats)
