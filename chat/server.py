"""The server: one room behind one listening socket, in plaintext or over TLS.

Knows: asyncio's transports, limits, the log. Must not know: what a line means (the room does) and where keys come from
(it is handed an `ssl.SSLContext`). Contract: inside `async with` it listens on `address`; afterwards every connection
is closed, its FIN sent or the connection reset, and nothing of it is left in the loop.

One server holds one room and has one transport: a room shared between a plaintext and a TLS port would send the words
of those who chose TLS over the wire in plaintext.

The log (`chat.server`) has lines of `key=value`, values quoted as in JSON with all but ASCII escaped, so nothing that
was received can act on the terminal that shows it. What people say is never logged.
"""

import asyncio
import errno
import json
import logging
import os
import socket
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Self, cast

from chat import protocol
from chat.errors import ChatError
from chat.room import Close, Deliver, Event, Joined, Left, Member, Refused, Room

_log = logging.getLogger("chat.server")

# RFC 8446, section 5.1: a TLS connection begins with a record of type handshake(22). As text that is the control
# character SYN, with which no name can begin.
_TLS_HANDSHAKE = b"\x16"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one server puts up with.

    Attributes:
        max_line: bytes in one line from a client, its end not counted.
        max_clients: connections at a time, named or not: a large class, and far below the usual 1024 descriptors.
        max_backlog: bytes a client may leave unread on top of what the kernel holds for it, before it is dropped. One
            read of 256 KiB, all of it shortest lines under the longest name, becomes 11 MB: nobody is dropped for that.
        stall_timeout: seconds a client may stay behind, while nobody is listened to so that it can catch up. Without
            that a fast speaker would get everybody else dropped; with it the slow one is dropped, alone.
        handshake_timeout: seconds for the TLS handshake, which takes milliseconds. Also the time in which somebody who
            typed fewer bytes than a record's header (5) into the TLS port learns of the mistake.
        nickname_timeout: seconds to say a name, for a person who types it into nc.
        close_timeout: seconds to wait for a client's end of a goodbye before its connection is cut.
    """

    max_line: int = protocol.MAX_LINE
    max_clients: int = 100
    max_backlog: int = 16 * 1024 * 1024
    stall_timeout: float = 5.0
    handshake_timeout: float = 5.0
    nickname_timeout: float = 120.0
    close_timeout: float = 2.0


class Server:
    """A chat server, listening inside `async with`.

    Args:
        host: the address to listen on; a name that has several means the first.
        port: the TCP port, 0 for any that is free.
        context: the server's side of TLS; `None` for plaintext.
        limits: see `Limits`.
        receive_buffer: SO_RCVBUF in bytes for each connection (Linux doubles it, socket(7)); a small one makes a long
            line span several TCP segments.

    Raises:
        ChatError: on entering, when the address cannot be listened on.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 12345,
        context: ssl.SSLContext | None = None,
        limits: Limits = Limits(),
        receive_buffer: int | None = None,
    ) -> None:
        self._host = host
        self._port = port
        self._receive_buffer = receive_buffer
        self.context = context
        self.limits = limits
        self.room = Room(limits.max_clients)
        self._connections: dict[Member, _Connection] = {}
        self._behind: set[Member] = set()
        self._accepted = 0
        self._one_gone = asyncio.Event()
        self._listener: asyncio.Server | None = None
        self._address = (host, port)

    @property
    def address(self) -> tuple[str, int]:
        """The host and port really bound."""
        return self._address

    async def __aenter__(self) -> Self:
        if not 0 <= self._port <= 65535:  # getaddrinfo would take what is left of it in 16 bits
            raise ChatError(f"There is no port {self._port}: choose one from 0 to 65535, where 0 picks a free one.")
        loop = asyncio.get_running_loop()
        try:
            family, kind, proto, _, where = (
                await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            )[0]
            listening = socket.socket(family, kind, proto)
            try:
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if self._receive_buffer is not None:
                    # Before listen: it is inherited, and it decides the window that the handshake offers (tcp(7)).
                    listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._receive_buffer)
                listening.bind(where)
                self._listener = await loop.create_server(
                    lambda: _Connection(self, self._next_member()), sock=listening
                )
            except BaseException:
                listening.close()
                raise
        except OSError as error:
            raise ChatError(_why_not_listening(self._host, self._port, error)) from error
        self._address = listening.getsockname()[:2]
        log("listening", host=self._address[0], port=self._address[1], tls=self.context is not None)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._listener is None:
            return
        # Server.close() would trip over a connection that was accepted and is not set up yet, and leak its socket. So
        # first no more are accepted, and those on the way get the two turns of the loop that they need.
        asyncio.get_running_loop().remove_reader(self._listener.sockets[0].fileno())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        self._listener.close()
        for connection in tuple(self._connections.values()):
            connection.close(protocol.SERVER_CLOSING)
        await self._all_gone()
        await self._listener.wait_closed()
        log("closed", host=self._address[0], port=self._address[1])

    async def _all_gone(self) -> None:
        # It ends: each connection that is closing is cut when its close_timeout is over.
        while self._connections:
            self._one_gone.clear()
            await self._one_gone.wait()

    def _next_member(self) -> Member:
        self._accepted += 1
        return self._accepted

    def opened(self, connection: "_Connection") -> None:
        """Keep a connection, from the moment it is accepted."""
        self._connections[connection.member] = connection

    def gone(self, connection: "_Connection") -> None:
        """Forget a connection, which is closed."""
        self._connections.pop(connection.member, None)
        self._one_gone.set()

    def hold(self, connection: "_Connection") -> None:
        """Listen to nobody while this client is behind."""
        self._behind.add(connection.member)
        for other in self._connections.values():
            other.listen(on=False)

    def release(self, connection: "_Connection") -> None:
        """Listen again, unless another client is behind."""
        if connection.member in self._behind:
            self._behind.discard(connection.member)
            if not self._behind:
                for other in self._connections.values():
                    other.listen(on=True)

    def carry_out(self, events: Iterable[Event]) -> None:
        """Do what the room says."""
        for event in events:
            match event:
                case Deliver(to, line):
                    data = protocol.encode(line)
                    for member in to:
                        self._connections[member].send(data)
                case Close(member):
                    self._connections[member].close()
                case Joined(member, name):
                    self._connections[member].named()
                    log("joined", member=member, name=name)
                case Left(member, name):
                    log("left", member=member, name=name)
                case Refused(member, why):
                    log("refused", member=member, why=why)


class _Connection(asyncio.Protocol):
    """One client's connection.

    Lines for it that come up in one turn of the loop leave in one write: over TLS that is one record and one system
    call for many lines instead of one for each. asyncio sets TCP_NODELAY, so what is written leaves at once.
    """

    def __init__(self, server: Server, member: Member) -> None:
        self.member = member
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._reader = protocol.LineReader(server.limits.max_line)
        self._tcp: asyncio.Transport
        self._transport: asyncio.Transport | None = None  # what lines go through, once there is such a thing
        self._securing: asyncio.Task[asyncio.Transport | None] | None = None
        self._early = b""
        self._received_any = False
        self._outgoing: list[bytes] = []
        self._closing = False
        self._ended = False
        self._nickname_timer: asyncio.TimerHandle | None = None
        self._stall_timer: asyncio.TimerHandle | None = None
        self._close_timer: asyncio.TimerHandle | None = None

    # Called by asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._tcp = cast(asyncio.Transport, transport)
        self._tcp.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._server.opened(self)
        peer = self._tcp.get_extra_info("peername") or ("?", 0)  # None when the peer has gone already
        log("connected", member=self.member, host=peer[0], port=peer[1])
        if self._server.context is None:
            self._begin(self._tcp)
        else:
            # Not by create_server(ssl=...): there a handshake that fails can neither be counted nor logged.
            self._tcp.pause_reading()
            limits = self._server.limits
            self._securing = self._loop.create_task(
                self._loop.start_tls(
                    self._tcp,
                    self,
                    self._server.context,
                    server_side=True,
                    ssl_handshake_timeout=limits.handshake_timeout,
                    ssl_shutdown_timeout=limits.close_timeout,
                )
            )
            self._securing.add_done_callback(self._secured)

    def data_received(self, data: bytes) -> None:
        if self._closing:
            return
        if self._transport is None:  # it came with the end of the handshake, before our turn to hear of that
            self._early += data
            return
        if not self._received_any:
            self._received_any = True
            if self._server.context is None and data.startswith(_TLS_HANDSHAKE):
                log("refused", member=self.member, why="TLS on a plaintext port")
                self.close(protocol.PLAIN_PORT)
                return
        for line in self._reader.feed(data):
            self._server.carry_out(self._server.room.receive(self.member, line))

    def eof_received(self) -> None:
        # asyncio now closes the transport, after what was written: the answers to the last lines must be among that.
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        self._closing = True
        self._outgoing.clear()
        for timer in (self._nickname_timer, self._stall_timer, self._close_timer):
            if timer is not None:
                timer.cancel()
        if self._transport is not None or self._securing is None or self._securing.cancelled():
            self._end(exc)

    def pause_writing(self) -> None:
        if not self._closing:
            self._stall_timer = self._loop.call_later(self._server.limits.stall_timeout, self._drop)
            self._server.hold(self)

    def resume_writing(self) -> None:
        if self._stall_timer is not None:
            self._stall_timer.cancel()
        self._server.release(self)

    # Called by the server

    def listen(self, *, on: bool) -> None:
        """Take in what the client sends, or leave it to the kernel, which slows the client down."""
        if self._transport is None or self._closing:
            return  # a goodbye needs the client's own
        if on:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    def send(self, data: bytes) -> None:
        """Send a line, together with all others of this turn of the loop."""
        if self._closing:
            return
        if not self._outgoing:
            self._loop.call_soon(self._flush)
        self._outgoing.append(data)

    def named(self) -> None:
        """Stop the clock: the client has a name."""
        if self._nickname_timer is not None:
            self._nickname_timer.cancel()

    def close(self, line: str | None = None) -> None:
        """Send what is left and `line`, then end the connection with both sides' consent, or without it in time."""
        if self._closing:
            return
        if self._transport is None:
            self._closing = True
            if self._securing is not None:
                self._securing.cancel()
            return
        if line is not None:
            self._outgoing.append(protocol.encode(line))
        self._flush()
        self.listen(on=True)
        self._closing = True
        self._close_timer = self._loop.call_later(self._server.limits.close_timeout, self._transport.abort)
        if self._transport.can_write_eof():
            # Not close(): with words of the client still unread the kernel would send a reset, which can overtake our
            # last line. The client's own FIN ends it.
            try:
                self._transport.write_eof()
            except OSError:  # ENOTCONN: reset by the client, and that is still to be read
                self._transport.abort()
        else:
            self._transport.close()

    def _secured(self, securing: "asyncio.Task[asyncio.Transport | None]") -> None:
        if not securing.cancelled():
            try:
                tls = securing.result()
            except OSError as error:  # ssl.SSLError is one too
                log("handshake failed", member=self.member, why=getattr(error, "reason", None) or _reason(error))
            else:
                if tls is not None and not self._tcp.is_closing():
                    version, cipher = tls.get_extra_info("ssl_object").version(), tls.get_extra_info("cipher")[0]
                    log("secured", member=self.member, version=version, cipher=cipher)
                    self._begin(tls)
                    return
                log("handshake failed", member=self.member, why="the client left")
        self._tcp.abort()
        self._end_when_closed()

    def _end_when_closed(self) -> None:
        # asyncio tells nobody when the socket of a failed handshake is closed; that is in its next turn or so.
        if self._tcp.get_extra_info("socket").fileno() == -1:
            self._end(None)
        else:
            self._loop.call_soon(self._end_when_closed)

    def _begin(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._nickname_timer = self._loop.call_later(self._server.limits.nickname_timeout, self._no_name)
        self._server.carry_out(self._server.room.connect(self.member))
        early, self._early = self._early, b""
        if early:
            self.data_received(early)

    def _no_name(self) -> None:
        log("refused", member=self.member, why="no name in time")
        self.close(protocol.NAME_TIMEOUT)

    def _flush(self) -> None:
        if not self._outgoing or self._closing or self._transport is None:
            return
        data = b"".join(self._outgoing)
        self._outgoing.clear()
        self._transport.write(data)
        if self._backlog() > self._server.limits.max_backlog:
            self._drop()

    def _backlog(self) -> int:
        below = (
            0 if self._transport is None or self._transport is self._tcp else self._transport.get_write_buffer_size()
        )
        return self._tcp.get_write_buffer_size() + below

    def _drop(self) -> None:
        if self._transport is not None and not self._closing:
            log("dropped", member=self.member, why="reads too slowly", unsent=self._backlog())
            self._closing = True
            self._transport.abort()

    def _end(self, error: Exception | None) -> None:
        if self._ended:
            return
        self._ended = True
        self._server.carry_out(self._server.room.disconnect(self.member))
        log("disconnected", member=self.member, unfinished=len(self._reader.pending), error=_reason(error))
        self._server.release(self)
        self._server.gone(self)


def log(event: str, **fields: object) -> None:
    """Log one event as `event="..." key=value ...`, safe to show."""
    if _log.isEnabledFor(logging.INFO):
        _log.info("%s", " ".join(f"{key}={json.dumps(value)}" for key, value in {"event": event, **fields}.items()))


def _reason(error: Exception | None) -> str | None:
    return None if error is None else str(error) or type(error).__name__


def _why_not_listening(host: str, port: int, error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return f"The host {host!r} cannot be found: listen on 127.0.0.1, or on an address of this machine."
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is in use: stop the program that has it, or choose another port."
    if error.errno == errno.EACCES:
        return f"Port {port} may not be opened by this user: choose one from 1024 upwards."
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is not an address of this machine: listen on 127.0.0.1, or on one that is."
    return f"Port {port} on {host} cannot be opened ({os.strerror(error.errno or 0)}): choose another address."
