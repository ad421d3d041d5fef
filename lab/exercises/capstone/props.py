"""What all tries of a trial share: certificates, the sides of TLS that have them, ports.

Knows files and certificates. Must not know processes, nor what is tried.
"""

import contextlib
import secrets
import socket
import ssl
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from certs.authority import Identity, create_authority, issue_server
from certs.contexts import client_context, server_context
from lab.exercises import cast
from lab.exercises.capstone.people import GoneError
from lab.exercises.draw import Draw

LOOPBACK = "127.0.0.1"
_PORTS = range(20_000, 32_000)  # below those that systems hand out by themselves
_PORTS_TRIED = 100
_VALID = timedelta(days=30)


class Ports:
    """Free ports, each given once: tries that run at the same time never have the same.

    They are drawn anew each time: two trials at the same time on one machine, even of the same student, get others.
    """

    def __init__(self) -> None:
        self._given: set[int] = set()
        self._lock = threading.Lock()

    def give(self) -> int:
        """Return a port that is free now.

        Raises:
            GoneError: there is none.
        """
        with self._lock:
            for port in secrets.SystemRandom().sample(_PORTS, _PORTS_TRIED):
                with contextlib.suppress(OSError):
                    if port not in self._given:
                        socket.create_server((LOOPBACK, port)).close()
                        self._given.add(port)
                        return port
            raise GoneError


@dataclass(frozen=True, slots=True)
class Props:
    """What all tries share.

    Attributes:
        ports: where servers listen.
        folder: a private one with server.py and client.py of the student's, ca.pem, server.pem and server.key.
        trusting: the TLS of people; they accept the student's server with that certificate only.
        genuine: the TLS of the lab's server with a certificate that ca.pem vouches for.
        stranger: with one for the same names, that another CA vouches for.
        elsewhere: with one that ca.pem vouches for, but for another name.
    """

    ports: Ports
    folder: Path
    trusting: ssl.SSLContext
    genuine: ssl.SSLContext
    stranger: ssl.SSLContext
    elsewhere: ssl.SSLContext


def props(folder: Path, draw: Draw) -> Props:
    """Make the certificates, in the folder where the student's programs are."""
    begin = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
    end = begin + _VALID
    ours, other = (create_authority(not_before=begin, not_after=end) for _ in range(2))
    (folder / "ca.pem").write_bytes(ours.certificate_pem)

    def context(name: str, identity: Identity) -> ssl.SSLContext:
        certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
        certificate.write_bytes(identity.certificate_pem)
        key.touch(0o600)
        key.write_bytes(identity.key_pem)
        return server_context(certificate, key)

    return Props(
        Ports(),
        folder,
        client_context(folder / "ca.pem"),
        context("server", issue_server(ours, not_before=begin, not_after=end)),
        context("stranger", issue_server(other, not_before=begin, not_after=end)),
        context(
            "elsewhere", issue_server(ours, names=[cast.host(draw)], addresses=[], not_before=begin, not_after=end)
        ),
    )
