"""The other chat servers: `python -m lab.bench.chat_peers KIND [CERTIFICATE KEY]`. Each prints its port and serves.

`threads` is what a course on sockets builds first: a thread for each client, which sends all that it receives to all
others. `raw` is the limit: no more than passing bytes on, joined for each client, on uvloop. In both the first that
comes from a client is its name, and what is passed on carries none. `ngircd` is ngIRCd, an IRC server in C, set up to
hold nobody back. All listen on 127.0.0.1 only.
"""

import argparse
import asyncio
import contextlib
import socket
import ssl
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from capture.tools import require
from certs.contexts import server_context
from chat import loop

_WELCOME = b"* welcome\n"

# Without any, ngIRCd makes some when it starts, which takes seconds. TLS 1.3 uses none of a server's own.
_FFDHE2048 = """\
-----BEGIN DH PARAMETERS-----
MIIBCAKCAQEA//////////+t+FRYortKmq/cViAnPTzx2LnFg84tNpWp4TZBFGQz
+8yTnc4kmz75fS/jY2MMddj2gbICrsRhetPfHtXV/WVhJDP1H18GbtCFY2VVPe0a
87VXE15/V8k1mE8McODmi3fipona8+/och3xWKE2rec1MKzKT0g6eXq8CrGCsyT7
YdEIqUuyyOP7uWrat2DX9GgdT0Kj3jlN9K5W7edjcrsZCwenyO4KbXCeAvzhzffi
7MA0BM0oNC9hkXL+nOmFg/+OTxIy7vKBg8P+OxtMb61zO7X8vC7CIAXFjvGDfRaD
ssbzSibBsu/6iGtCOGEoXJf//////////wIBAg==
-----END DH PARAMETERS-----
"""  # RFC 7919, appendix A.1


def _listening(port: int) -> None:
    print(port, flush=True)  # noqa: T201


def threads(context: ssl.SSLContext | None) -> None:
    """Serve with a thread for each client."""
    clients: list[socket.socket] = []
    lock = threading.Lock()

    def serve(client: socket.socket) -> None:
        # at the end all clients leave at once, and somebody is always sent something
        with contextlib.suppress(OSError):
            if context is not None:
                client = context.wrap_socket(client, server_side=True)
            client.recv(1024)
            with lock:
                clients.append(client)
            client.sendall(_WELCOME)
            while data := client.recv(1024):
                with lock:
                    for other in clients:
                        if other is not client:
                            other.sendall(data)
        client.close()

    with socket.create_server(("127.0.0.1", 0), backlog=128) as server:
        _listening(server.getsockname()[1])
        while True:
            threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()


class _Raw(asyncio.Protocol):
    """A client of the server that passes bytes on."""

    def __init__(self, room: "list[_Raw]") -> None:
        self._room = room
        self._named = False
        self._waiting: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._call_soon = asyncio.get_running_loop().call_soon

    def data_received(self, data: bytes) -> None:
        if not self._named:
            self._named = True
            self._room.append(self)
            self._transport.write(_WELCOME)
            return
        for other in self._room:
            if other is not self:
                if not other._waiting:
                    self._call_soon(other._flush)
                other._waiting.append(data)

    def _flush(self) -> None:
        self._transport.write(b"".join(self._waiting))
        self._waiting.clear()


async def raw(context: ssl.SSLContext | None) -> None:
    """Serve by passing bytes on."""
    room: list[_Raw] = []
    server = await asyncio.get_running_loop().create_server(lambda: _Raw(room), "127.0.0.1", 0, ssl=context)
    async with server:
        _listening(server.sockets[0].getsockname()[1])
        await server.serve_forever()


def ngircd_configuration(port: int, files: Sequence[Path], folder: Path) -> str:
    """Return a configuration of ngIRCd that holds nobody back (ngircd.conf(5)).

    Args:
        port: to listen on.
        files: certificate and key, for TLS; else none.
        folder: where the parameters are that it would make itself otherwise.
    """
    plain = [] if files else [f"Ports = {port}"]
    lines = ["[Global]", "Name = chat.bench.example", "Listen = 127.0.0.1", "MotdPhrase = hello", *plain]
    lines += ["[Limits]", "MaxConnections = 0", "MaxConnectionsIP = 0", "MaxJoins = 0", "MaxPenaltyTime = 0"]
    lines += ["PingTimeout = 3600", "[Options]", "DNS = no", "Ident = no", "PAM = no"]
    if files:
        certificate, key = files
        lines += ["[SSL]", f"Ports = {port}", f"CertFile = {certificate}", f"KeyFile = {key}"]
        lines += [f"DHFile = {folder / 'dh.pem'}"]
    return "\n".join(lines) + "\n"


def ngircd(files: Sequence[Path]) -> None:
    """Run ngIRCd, and go on taking what it logs.

    Raises:
        ToolMissingError: it is not installed.
    """
    program = require("ngircd")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "dh.pem").write_text(_FFDHE2048, "ascii")
        path = folder / "ngircd.conf"
        path.write_text(ngircd_configuration(port, files, folder), "utf-8")
        last = ""
        with subprocess.Popen(
            [program, "-n", "-f", str(path)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
        ) as process:
            for last in process.stdout or ():
                if "Now listening on" in last:
                    _listening(port)
    raise SystemExit(last.strip())  # it has ended by itself


def main(argv: Sequence[str] | None = None) -> None:
    """Run a server."""
    parser = argparse.ArgumentParser(prog="python -m lab.bench.chat_peers")
    parser.add_argument("kind", choices=("threads", "raw", "ngircd"))
    parser.add_argument("files", type=Path, nargs="*", help="certificate and key, for TLS")
    asked = parser.parse_args(argv)
    if asked.kind == "ngircd":
        ngircd(asked.files)
        return
    context = server_context(*asked.files) if asked.files else None
    if asked.kind == "threads":
        threads(context)
    else:
        loop.run(raw(context))


if __name__ == "__main__":
    main()
