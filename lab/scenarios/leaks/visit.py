"""Visits to the lab's own server whose handshakes are looked at: with a ticket of an earlier visit, or by openssl.

Knows sockets and `ssl`. Must not know what is read of it. Everything here connects to 127.0.0.1 alone.
"""

import asyncio
import socket
import ssl
from pathlib import Path

from chat import protocol
from lab.errors import LabError
from lab.scenarios.s_client import s_client

_HOST = "127.0.0.1"
ASKED = "localhost"  # the name that every client asks for
_VISITOR = "visitor"
_TIMEOUT = 20.0  # seconds; a visit takes milliseconds


async def visit(port: int, context: ssl.SSLContext, session: ssl.SSLSession | None = None) -> ssl.SSLSession:
    """Enter the chat and leave it; return the session, whose ticket the next visit can bring.

    Raises:
        LabError: it could not be done, or a session was brought and not resumed.
    """
    try:
        return await asyncio.to_thread(_visit, port, context, session)
    except OSError as error:  # ssl.SSLError is one too
        msg = f"The visit to the chat on port {port} failed: {error}."
        raise LabError(msg) from error


def _visit(port: int, context: ssl.SSLContext, session: ssl.SSLSession | None) -> ssl.SSLSession:
    with (
        socket.create_connection((_HOST, port), timeout=_TIMEOUT) as plain,
        context.wrap_socket(plain, server_hostname=ASKED, session=session) as tls,
    ):
        tls.sendall(protocol.encode(_VISITOR))
        tls.recv(1 << 14)  # the welcome; in TLS 1.3 the tickets come before it
        kept = tls.session
        if kept is None or (session is not None and not tls.session_reused):
            raise LabError(f"The server on port {port} does not resume sessions.")
        tls.sendall(protocol.encode(protocol.QUIT_COMMANDS[0]))
        while tls.recv(1 << 14):
            pass
    return kept


async def visit_by_openssl(port: int, program: str, ca: Path) -> None:
    """Enter the chat and leave it with `openssl s_client`; `program` is its path.

    Raises:
        LabError: it did not end well.
    """
    words = protocol.encode(_VISITOR) + protocol.encode(protocol.QUIT_COMMANDS[0])
    ran = await s_client(program, port, ["-CAfile", str(ca), "-quiet"], words)
    if ran is None:
        raise LabError("openssl s_client did not end in time.")
    if _VISITOR not in ran.out:
        said = ran.err.strip().splitlines()
        raise LabError(f"openssl s_client did not get into the chat: {said[-1] if said else 'it said nothing'}")
