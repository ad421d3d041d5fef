"""The server: rooms behind listening sockets, in plaintext or over TLS.

Knows: asyncio's transports, limits, the log. Must not know: what a line means (the rooms do), where keys come from and
what certificates say (it is handed an `ssl.SSLContext` and `identify`). Contract: inside `async with` it listens on
`addresses`; afterwards every connection is closed, its FIN sent or the connection reset, and nothing of it is left in
the loop.

One server has one transport: a room shared between a plaintext and a TLS port would send the words of those who chose
TLS over the wire in plaintext. Two servers run side by side in one loop.

What is said in one turn of the loop leaves in one write for each client: over TLS that is one record and one system
call for many lines instead of one for each. Nothing waits for more to come.
"""

import asyncio
import errno
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self, cast

from chat import notices
from chat.errors import ProtocolError
from chat.limits import DEFAULT, Limits
from chat.lines import LineReader
from chat.listening import LOOPBACK, listen
from chat.log import log
from chat.outbox import Member, Outbox
from chat.protocol import encode
from chat.rate import Bucket
from chat.rooms import Close, Event, Joined, Left, Refused, Rooms, Said
from chat.wire import Plain, Tls, Wire, is_tls

# Bytes given to the kernel late before a client counts as slow; asyncio's own default.
_HIGH_WATER = 64 * 1024
# No more can be accepted until a connection has ended (accept(2)).
_NO_DESCRIPTORS = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_RETRY = 1.0  # seconds until the next try, where it is others who hold them


class Server:
    """A chat server, listening inside `async with`.

    Args:
        hosts: the addresses to listen on; of several, the loopback of IPv6 is left out where there is none.
        port: the TCP port, the same on all of them; 0 for any that is free.
        context: the server's side of TLS; None for plaintext. It may be set anew at any time: the connections that
            there are keep theirs, later ones get the new one.
        limits: see `Limits`.
        receive_buffer: SO_RCVBUF in bytes for each connection (Linux doubles it, socket(7)); a small one makes a long
            line span several TCP segments.
        log_texts: whether the log has what people say.
        identify: whom a client's certificate, in DER, is for: the only name that its bearer may take, as `nickname`
            returns it, None where it says none. The context is to ask for certificates and to verify them; who has
            shown none is not let in. None: everybody may take any name.

    Raises:
        ChatError: on entering, when an address cannot be listened on.
    """

    def __init__(
        self,
        *,
        hosts: Sequence[str] = LOOPBACK,
        port: int = 12345,
        context: ssl.SSLContext | None = None,
        limits: Limits = DEFAULT,
        receive_buffer: int | None = None,
        log_texts: bool = False,
        identify: Callable[[bytes], str | None] | None = None,
    ) -> None:
        self._hosts = hosts
        self._port = port
        self._receive_buffer = receive_buffer
        self.context = context
        self.limits = limits
        self.identify = identify
        self._outbox = Outbox()
        self.rooms = Rooms(
            self._outbox,
            max_members=limits.max_clients,
            max_rooms=limits.max_rooms,
            history=limits.history,
            texts=log_texts,
        )
        self._connections: dict[Member, _Connection] = {}
        self._pending: dict[Member, _Connection] = {}  # those without a name, the oldest first
        self._from: Counter[str] = Counter()
        self._accepted = 0
        self._flushing = False
        self._ending = False
        self._one_gone = asyncio.Event()
        self._listening: list[socket.socket] = []
        self._accepting: list[asyncio.Task[None]] = []
        self._sweep: asyncio.TimerHandle | None = None
        self.addresses: tuple[tuple[str, int], ...] = ()

    @property
    def address(self) -> tuple[str, int]:
        """The host and port really bound, the first where there are several."""
        return self.addresses[0]

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._listening = await listen(self._hosts, self._port, self._receive_buffer)
        self.addresses = tuple(listening.getsockname()[:2] for listening in self._listening)
        self._accepting = [self._loop.create_task(self._accept(listening)) for listening in self._listening]
        if self.limits.idle_timeout:
            self._sweep_idle()
        for host, port in self.addresses:
            log("listening", host=host, port=port, tls=self.context is not None)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for accepting in self._accepting:
            accepting.cancel()
        await asyncio.gather(*self._accepting, return_exceptions=True)
        for listening in self._listening:
            listening.close()
        if self._sweep is not None:
            self._sweep.cancel()
        self._flush()  # what was said until now; not who leaves from now on, as all do
        self._ending = True
        for connection in tuple(self._connections.values()):
            connection.close(notices.SERVER_CLOSING)
        # It ends: each connection that is closing is cut when its close_timeout is over.
        while self._connections:
            self._one_gone.clear()
            await self._one_gone.wait()
        for host, port in self.addresses:
            log("closed", host=host, port=port)

    async def _accept(self, listening: socket.socket) -> None:
        # Not by create_server: it cannot say what came of an accept that failed, and one that is under way when the
        # server closes would be leaked.
        while True:
            try:
                # not by sock_accept: cancelled when it is just done, it loses what it accepted
                accepted, peer = listening.accept()
            except BlockingIOError:
                await self._readable(listening)
                continue
            except OSError as error:
                if error.errno != errno.ECONNABORTED:  # that one has gone already (accept(2))
                    log("cannot accept", why=error.strerror)
                    if error.errno in _NO_DESCRIPTORS:
                        self._make_room()
                    self._one_gone.clear()
                    with suppress(TimeoutError):
                        async with asyncio.timeout(_RETRY):
                            await self._one_gone.wait()
                continue
            accepted.setblocking(False)
            self._accepted += 1
            connection = _Connection(self, self._accepted, peer)
            connecting = self._loop.create_task(
                self._loop.connect_accepted_socket(lambda made=connection: made, accepted)  # type: ignore[misc]
            )
            try:
                # cancelled on its way it would leave, on uvloop, a connection of whose end nobody is told
                await asyncio.shield(connecting)
            except BaseException as error:
                await asyncio.wait([connecting])
                if connecting.exception() is not None:
                    accepted.close()
                if not isinstance(error, OSError):
                    raise

    async def _readable(self, listening: socket.socket) -> None:
        readable = asyncio.Event()
        self._loop.add_reader(listening, readable.set)
        try:
            await readable.wait()
        finally:
            self._loop.remove_reader(listening)

    def opened(self, connection: "_Connection") -> str | None:
        """Keep a connection, from the moment it is accepted; return why not, where that is so."""
        self._connections[connection.member] = connection
        self._from[connection.host] += 1
        if self._from[connection.host] > self.limits.per_address and not self._make_room(connection.host):
            return notices.TOO_MANY_FROM_HERE
        if len(self._pending) >= self.limits.max_pending:
            self._make_room()
        self._pending[connection.member] = connection
        return None

    def _make_room(self, host: str | None = None) -> bool:
        """Close the oldest connection without a name, of a host or of the one with most; return if there was one."""
        if host is None and self._pending:
            [(host, _)] = Counter(other.host for other in self._pending.values()).most_common(1)
        for member, connection in self._pending.items():
            if connection.host == host:
                del self._pending[member]
                log("refused", member=member, why="others were waiting")
                connection.turn_away(notices.MADE_ROOM)
                return True
        return False

    def gone(self, connection: "_Connection") -> None:
        """Forget a connection, which is closed."""
        del self._connections[connection.member]
        self._pending.pop(connection.member, None)
        self._from[connection.host] -= 1
        if not self._from[connection.host]:
            del self._from[connection.host]
        self._one_gone.set()

    def connect(self, member: Member, bound: str | None) -> None:
        """Let somebody in who can be spoken to now; `bound` is the only name that they may take, None for any."""
        self._carry_out(self.rooms.connect(member, bound))

    def receive(self, member: Member, line: bytes | ProtocolError) -> None:
        """Carry out a line of a client's."""
        self._carry_out(self.rooms.receive(member, line))

    def disconnect(self, member: Member) -> bytes:
        """Take somebody out of the rooms; return what was still to be sent."""
        self._carry_out(self.rooms.disconnect(member))
        left = self._outbox.remove(member)
        return b"" if self._ending else left

    def _carry_out(self, events: Iterable[Event]) -> None:
        for event in events:
            match event:
                case Close(member):
                    self._connections[member].close()
                case Joined(member, name, room):
                    self._pending.pop(member, None)
                    self._connections[member].named()
                    log("joined", member=member, name=name, room=room)
                case Left(member, name, room):
                    log("left", member=member, name=name, room=room)
                case Refused(member, why):
                    log("refused", member=member, why=why)
                case Said(member, name, to, text):
                    log("said", member=member, name=name, to=to, text=text)
        if not self._flushing and self._outbox:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        connections = self._connections
        for member, words in self._outbox.take():
            connections[member].write(words)

    def _sweep_idle(self) -> None:
        before = self._loop.time() - self.limits.idle_timeout
        for connection in tuple(self._connections.values()):
            if connection.heard < before:
                minutes = round(self.limits.idle_timeout / 60)
                log("refused", member=connection.member, why="idle")
                connection.close(notices.sentence(notices.IDLE, minutes=minutes))
        self._sweep = self._loop.call_later(self.limits.idle_timeout / 10, self._sweep_idle)


class _Connection(asyncio.Protocol):
    """One client's connection.

    Args:
        server: whose it is.
        member: its number.
        peer: the other end's address.
    """

    def __init__(self, server: Server, member: Member, peer: Sequence[object]) -> None:
        self.member = member
        self.host, self._port = str(peer[0]), peer[1]
        self._server = server
        self._limits = server.limits
        self._loop = asyncio.get_running_loop()
        self.heard = self._loop.time()  # when the last whole line came
        self._reader = LineReader(self._limits.max_line)
        self._bucket = Bucket(self._limits.rate, self._limits.burst, self.heard)
        # Bytes that end no line cost too: else one endless line would keep us busy. Twice the longest line leaves room
        # for its pieces and for TLS.
        self._unit = 2 * self._limits.max_line
        self._volume = 0
        self._wire: Wire = Plain() if server.context is None else Tls(server.context, server_side=True)
        self._transport: asyncio.Transport
        self._received_any = False
        self._inside = False  # known to the rooms
        self._slow = False
        self._closing = False
        self._eof = False
        self._end: str | None = None
        self._timer: asyncio.TimerHandle | None = None  # of the handshake, the name, the goodbye: one after the other
        self._stall_timer: asyncio.TimerHandle | None = None
        self._rate_timer: asyncio.TimerHandle | None = None

    # Called by asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(_HIGH_WATER)
        log("connected", member=self.member, host=self.host, port=self._port)
        refusal = self._server.opened(self)
        if refusal is not None:
            log("refused", member=self.member, why=refusal)
            self.turn_away(refusal)
        elif self._wire.ready:
            self._begin()
        else:
            self._timer = self._loop.call_later(self._limits.handshake_timeout, self._no_handshake)

    def data_received(self, data: bytes) -> None:
        if self._closing:
            return
        if not self._received_any:
            self._received_any = True
            if is_tls(data) is isinstance(self._wire, Plain):
                self._wrong_port()
                return
        wire = self._wire
        words = wire.receive(data)
        if not self._inside and wire.ready:
            self._secured()
        if out := wire.outgoing():
            self._transport.write(out)
        self._volume = max(0, self._volume + len(data) - self._unit * words.count(b"\n"))
        if (words or self._volume >= self._unit) and not self._closing:
            self._work(words)
        if wire.failure is not None and not self._closing:
            self._tls_failed(wire.failure)
        elif wire.ended and not self._closing and self._rate_timer is None:
            self.close()

    def eof_received(self) -> bool:
        self._eof = True
        if self._closing:
            return False  # both have said goodbye: asyncio closes
        self.close()  # what was answered to the last lines is still to be sent: a client that says no more may read
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self._closing = True
        for timer in (self._timer, self._stall_timer, self._rate_timer):
            if timer is not None:
                timer.cancel()
        if self._inside:
            self._inside = False
            self._server.disconnect(self.member)
        log("disconnected", member=self.member, unfinished=len(self._reader.pending), error=self._end or _reason(exc))
        self._server.gone(self)

    def pause_writing(self) -> None:
        self._slow = True
        self._stall_timer = self._loop.call_later(self._limits.stall_timeout, self._drop)

    def resume_writing(self) -> None:
        self._slow = False
        if self._stall_timer is not None:
            self._stall_timer.cancel()

    # Called by the server

    def write(self, words: bytes) -> None:
        """Send what was said in this turn of the loop."""
        if self._closing:
            return
        self._transport.write(self._wire.send(words))
        if self._slow and self._transport.get_write_buffer_size() > self._limits.max_backlog:
            self._drop()

    def named(self) -> None:
        """Stop the clock: the client has a name."""
        if self._timer is not None:
            self._timer.cancel()

    def close(self, why: str | None = None) -> None:
        """Send what is left and why, then end the connection with both sides' consent, or without it in time."""
        if self._closing:
            return
        last = self._leave() + (b"" if why is None else _notice(why))
        self._goodbye(self._wire.send(last) + self._wire.end() if self._wire.ready else b"")

    def turn_away(self, why: str) -> None:
        """End the connection at once, whatever the client does; it holds nothing of ours any longer."""
        if self._closing or not self._wire.ready:
            self._closing = True
            self._transport.abort()
            return
        left = self._leave()
        self._transport.write(self._wire.send(left + _notice(why)) + self._wire.end())
        self._transport.close()

    def _leave(self) -> bytes:
        """Take part in nothing any more; return what was still to be sent."""
        self._closing = True
        for timer in (self._timer, self._rate_timer):
            if timer is not None:
                timer.cancel()
        if not self._inside:
            return b""
        self._inside = False
        return self._server.disconnect(self.member)

    def _goodbye(self, last: bytes) -> None:
        """Send the last bytes and say that no more come; wait for the client to say so too.

        Not transport.close(): with words of the client still unread the kernel would send a reset, which can overtake
        our last line. The client's own FIN ends it.
        """
        self._transport.write(last)
        self._timer = self._loop.call_later(self._limits.close_timeout, self._transport.abort)
        if self._eof:
            self._transport.close()
            return
        self._transport.resume_reading()
        try:
            self._transport.write_eof()
        except OSError:  # ENOTCONN: reset by the client, and that is still to be read
            self._transport.abort()

    def _wrong_port(self) -> None:
        """Say so in the only language that this client is sure to read: its own is the other one."""
        plain = isinstance(self._wire, Plain)
        log("refused", member=self.member, why="TLS on a plaintext port" if plain else "plaintext on a TLS port")
        self._leave()
        self._goodbye(_notice(notices.SPEAKS_PLAINTEXT if plain else notices.SPEAKS_TLS))

    def _tls_failed(self, error: ssl.SSLError) -> None:
        self._end = error.reason or str(error)
        if isinstance(error, ssl.SSLCertVerificationError):  # what is wrong with a client's
            self._end += f": {error.verify_message}"
        log("TLS failed" if self._inside else "handshake failed", member=self.member, why=self._end)
        self._leave()
        self._goodbye(self._wire.outgoing())  # the alert

    def _no_handshake(self) -> None:
        log("handshake failed", member=self.member, why="not done in time")
        self._transport.abort()

    def _secured(self) -> None:
        tls = cast(Tls, self._wire).object
        cipher = tls.cipher()
        log("secured", member=self.member, version=tls.version(), cipher=cipher[0] if cipher else None)
        self._begin(tls.getpeercert(binary_form=True))

    def _begin(self, certificate: bytes | None = None) -> None:
        bound = None
        if (identify := self._server.identify) is not None:
            bound = None if certificate is None else identify(certificate)
            if bound is None:
                log("refused", member=self.member, why="no certificate with a name")
                self.close(notices.CERTIFICATE_WANTED)
                return
            log("identified", member=self.member, name=bound)
        if self._timer is not None:
            self._timer.cancel()
        self._inside = True
        self._timer = self._loop.call_later(self._limits.nickname_timeout, self._no_name)
        self._server.connect(self.member, bound)

    def _no_name(self) -> None:
        log("refused", member=self.member, why="no name in time")
        self.close(notices.NAME_TIMEOUT)

    def _work(self, words: bytes = b"") -> None:
        """Carry out the lines that the rate allows now; leave the client to the kernel until the next may come."""
        now = self._loop.time()
        if self._volume >= self._unit:
            self._volume -= self._unit * self._bucket.take(self._volume // self._unit, now)
        if lines := self._reader.feed(words, self._bucket.tokens(now)):
            self.heard = now
            self._bucket.take(len(lines), now)
        for line in lines:
            if self._closing:
                return
            self._server.receive(self.member, line)
        if self._late and self._rate_timer is None and not self._closing:
            self._transport.pause_reading()
            self._rate_timer = self._loop.call_later(self._bucket.wait, self._go_on)

    @property
    def _late(self) -> bool:
        """Whether there is more of this client's than the rate allows by now."""
        return self._reader.waiting or self._volume >= self._unit

    def _go_on(self) -> None:
        self._rate_timer = None
        if self._closing:
            return
        self._work()
        if self._late or self._closing:
            return
        if self._wire.ended:
            self.close()
        else:
            self._transport.resume_reading()

    def _drop(self) -> None:
        if not self._closing:
            self._end = "reads too slowly"
            log("dropped", member=self.member, why=self._end, unsent=self._transport.get_write_buffer_size())
            self._closing = True
            self._transport.abort()


def _notice(why: str) -> bytes:
    return encode(notices.line("{why}", why=why))


def _reason(error: Exception | None) -> str | None:
    return None if error is None else str(error) or type(error).__name__
