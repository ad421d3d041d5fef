"""A client without a face: connects, says its name, sends and receives lines.

Knows: asyncio's transports and the protocol. Must not know: terminals, windows, where TLS contexts come from.
Contract: `Client.connect` returns when the server has let the name in; each `send` of a line leaves as one write (over
TLS: one record) and returns the bytes that it became on the wire; lines come out of `receive` in the order in which
they came, and none is lost when the connection is.
"""

import asyncio
import os
import socket
import ssl
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self, cast

from chat import notices, protocol
from chat.errors import ChatError, ConnectionLost, NicknameError, ProtocolError
from chat.lines import MAX_SERVER_LINE, LineReader
from chat.names import nickname
from chat.security import READABLE, Security, of_tls
from chat.wire import Plain, Tls, Wire, is_record

# Lines kept for a reader that does not come: then the socket is left alone, and the server sees a slow client.
_MAX_UNREAD = 10_000
# Seconds the server has to say goodbye before the connection is cut.
_CLOSE_TIMEOUT = 5.0
# Alerts that say what is wrong with our certificate, or with our proof that it is ours (RFC 8446, section 6.2).
_REFUSALS = {
    "SSLV3_ALERT_BAD_CERTIFICATE",
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE",
    "SSLV3_ALERT_CERTIFICATE_REVOKED",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN",
    "TLSV1_ALERT_UNKNOWN_CA",
    "TLSV1_ALERT_DECRYPT_ERROR",
}


class Client:
    """A member of the room. Made by `connect`; as a context manager it leaves politely at the end."""

    def __init__(self, name: str, welcome: str, connection: "_Connection") -> None:
        self._connection = connection
        self.name = name
        self.welcome = welcome  # the line from the server that says who is here

    @classmethod
    async def connect(
        cls,
        host: str,
        port: int,
        name: str,
        *,
        context: ssl.SSLContext | None = None,
        server_hostname: str | None = None,
        timeout: float = 10.0,  # noqa: ASYNC109 - one deadline over name lookup, handshake and welcome
    ) -> Self:
        """Connect and enter the room as `name`.

        Args:
            host: the name or address to connect to.
            port: its TCP port.
            name: the nickname; `Client.name` holds it as the room knows it.
            context: the client's side of TLS; `None` for plaintext.
            server_hostname: the name sent as SNI and looked for in the certificate, where it is not `host`.
            timeout: seconds for everything up to the welcome.

        Raises:
            NicknameError: nobody can have this name, or somebody has it, in the server's words.
            ProtocolError: what answers there is not a chat server of this kind.
            ChatError: the server cannot be reached, TLS failed, or it does not let anybody in. `__cause__` is the
                `OSError` or `ssl.SSLError` where there was one.
        """
        name = nickname(name)
        connection = None
        try:
            async with _deadline(host, port, timeout) as where:
                connection = await _open(host, port, context, server_hostname)
                welcome = await connection.enter(name)
                _let_in(welcome, name, where)
            client, connection = cls(name, welcome, connection), None
            return client
        finally:
            if connection is not None:
                await connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            await self.leave()
        else:
            await self.close()

    @property
    def security(self) -> Security:
        """Who can read this connection, and who it is at the other end."""
        return self._connection.security

    async def send(self, text: str) -> bytes:
        """Say `text`, or give a command as it is typed (`!users`); return the bytes that went onto the wire.

        Raises:
            ProtocolError, NicknameError: the server would refuse it: too long, blank, a line break or control character
                in it, no such command, no name. Nothing was sent.
            ConnectionLost: there is no server any more.
        """
        sent = self._connection.write(protocol.encode_typed(text))
        await self._connection.drain()
        return sent

    async def receive(self) -> str:
        """Return the next line from the server, without its end. It may hold anything but LF: show it with `visible`.

        Raises:
            ConnectionLost: every line was returned and no more will come.
        """
        return await self._connection.receive()

    async def receive_several(self, most: int) -> list[str]:
        """Return the next lines, as many as are here: one at least, `most` at most. Waits and raises as `receive`."""
        return [await self._connection.receive(), *self._connection.take(most - 1)]

    async def users(self) -> tuple[str, ...]:
        """Ask who is here; return the names in joining order. Other lines stay for `receive`.

        Raises:
            ConnectionLost: there is no server any more.
        """
        return await self._connection.ask()

    async def leave(self) -> None:
        """Leave with `!quit` and wait until both sides have closed the connection.

        What came until then can still be received. Leaving twice, or a server that is gone, is no error.
        """
        await self._connection.leave()

    async def close(self) -> None:
        """Close the connection without a word and wait until it is closed."""
        await self._connection.close()

    def cut(self) -> None:
        """End the connection at once, for whoever can wait no longer; `close` returns soon after."""
        self._connection.transport.abort()


async def reach(host: str, port: int, context: ssl.SSLContext | None, timeout: float = 10.0) -> None:  # noqa: ASYNC109
    """Find out whether a server answers, before a person is asked for a name: connect, TLS included, and go again.

    No name is sent, so nobody in the room notices. That something answers does not mean that it is a chat.

    Raises:
        ChatError: as `Client.connect`.
    """
    async with _deadline(host, port, timeout):
        connection = await _open(host, port, context, None)
    await connection.close()


@asynccontextmanager
async def _deadline(host: str, port: int, timeout: float) -> AsyncIterator[str]:  # noqa: ASYNC109
    """Word what keeps a client out; yield the address as the sentences have it."""
    where = f"{host}:{port}"
    if not 1 <= port <= 65535:  # getaddrinfo would take what is left of it in 16 bits
        raise ChatError(f"There is no port {port}: choose one from 1 to 65535.")
    try:
        async with asyncio.timeout(timeout):
            yield where
    except TimeoutError as error:
        raise ChatError(f"{where} did not answer within {timeout:g} seconds: check the address.") from error
    except ConnectionLost as error:
        raise ChatError(f"{where} closed the connection before it let you in: {error}") from error
    except OSError as error:  # ssl.SSLError is one too
        raise ChatError(_why_not_connected(where, error)) from error
    except ValueError as error:  # a NUL in the host, a label that is empty or too long (RFC 1034, section 3.1)
        raise ChatError(f"The host in {where} cannot be found: check its name.") from error


class _Connection(asyncio.Protocol):
    def __init__(self, wire: Wire) -> None:
        self._loop = asyncio.get_running_loop()
        self._wire = wire
        self._reader = LineReader(MAX_SERVER_LINE)
        self._lines: deque[str] = deque()
        self._asked: deque[asyncio.Future[tuple[str, ...]]] = deque()
        self._news = asyncio.Event()
        self._writable = asyncio.Event()
        self._closed = asyncio.Event()
        self._lost: ConnectionLost | None = None
        self._leaving = False
        self._received_any = False
        self.ready: asyncio.Future[None] = self._loop.create_future()
        self.transport: asyncio.Transport

    @property
    def security(self) -> Security:
        return of_tls(self._wire.object) if isinstance(self._wire, Tls) else READABLE

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._writable.set()
        if isinstance(self._wire, Tls):
            self.transport.write(self._wire.start())
        else:
            self.ready.set_result(None)

    def data_received(self, data: bytes) -> None:
        if not self._received_any:
            self._received_any = True
            if isinstance(self._wire, Plain) and is_record(data):
                self._lose(ConnectionLost(_gone("this port speaks TLS: connect with TLS, or to the plaintext port.")))
                self.transport.abort()
                return
        words = self._wire.receive(data)
        if out := self._wire.outgoing():
            self.transport.write(out)
        if self._wire.ready and not self.ready.done():
            self.ready.set_result(None)
        self._take(words)
        if self._wire.failure is not None:
            self._lose(self._wire.failure)
            self.transport.close()
        elif self._wire.ended:
            self._lose(ConnectionLost(_gone("the server ended the connection.")))
            self.transport.write(self._wire.end())
            self.transport.close()  # whatever else it may send

    def _take(self, words: bytes) -> None:
        for line in self._reader.feed(words):
            if isinstance(line, ProtocolError):
                self._lose(
                    ConnectionLost(_gone("it sent a line too long to be from a chat server: check the address."))
                )
                self.transport.abort()
                return
            text = line.decode("utf-8", "backslashreplace")
            names = protocol.parse_here(text) if self._asked else None
            if names is None:
                self._lines.append(text)
            else:
                asker = self._asked.popleft()
                if not asker.done():
                    asker.set_result(names)
        self._news.set()
        self._hold_or_go_on()

    def eof_received(self) -> None:
        self._lose(ConnectionLost(_gone("the server ended the connection.")))

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lose(ConnectionLost(_gone("it was cut off." if exc is None else f"{_short(exc)}.")))
        self._closed.set()

    async def enter(self, name: str) -> str:
        """Say the name and return the answer.

        Raises:
            ssl.SSLError: the server refused the handshake: in TLS 1.3 a client has long finished when it looks at the
                client's certificate (RFC 8446, section 2), and hears of it only now.
        """
        try:
            self.write(protocol.encode(name))
            return await self.receive()
        except ConnectionLost:
            if self._wire.failure is not None:
                raise self._wire.failure from None
            raise

    def write(self, data: bytes) -> bytes:
        if self._lost is not None:
            raise _again(self._lost)
        sent = self._wire.send(data)
        self.transport.write(sent)
        return sent

    async def drain(self) -> None:
        await self._writable.wait()

    async def receive(self) -> str:
        while not self._lines:
            if self._lost is not None:
                raise _again(self._lost)
            self._news.clear()
            await self._news.wait()
        line = self._lines.popleft()
        self._hold_or_go_on()
        return line

    def take(self, most: int) -> list[str]:
        lines = [self._lines.popleft() for _ in range(min(most, len(self._lines)))]
        self._hold_or_go_on()
        return lines

    async def ask(self) -> tuple[str, ...]:
        self.write(protocol.encode(protocol.USERS_COMMANDS[0]))
        answer: asyncio.Future[tuple[str, ...]] = self._loop.create_future()
        self._asked.append(answer)
        self._hold_or_go_on()
        await self.drain()
        return await answer

    async def leave(self) -> None:
        if self._lost is None:
            self._leaving = True
            self._hold_or_go_on()
            self.write(protocol.encode(protocol.QUIT_COMMANDS[0]))
            try:
                async with asyncio.timeout(_CLOSE_TIMEOUT):
                    await self._closed.wait()
            except TimeoutError:
                self.transport.abort()
        await self.close()

    async def close(self) -> None:
        self._leaving = True
        if self._wire.ready and not self.transport.is_closing():
            self.transport.write(self._wire.end())
        self.transport.close()
        cut = self._loop.call_later(_CLOSE_TIMEOUT, self.transport.abort)
        try:
            await self._closed.wait()
        finally:
            cut.cancel()

    def _hold_or_go_on(self) -> None:
        if self.transport.is_closing():
            return
        # Never while somebody waits for an answer or an end that may be behind the unread lines.
        if len(self._lines) >= _MAX_UNREAD and not self._asked and not self._leaving:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def _lose(self, why: ConnectionLost | ssl.SSLError) -> None:
        if self._lost is not None:
            return
        self._lost = why if isinstance(why, ConnectionLost) else ConnectionLost(_gone(f"{_short(why)}."))
        self._writable.set()
        self._news.set()
        if not self.ready.done():
            _fail(self.ready, why)
        while self._asked:
            asker = self._asked.popleft()
            if not asker.done():
                _fail(asker, self._lost)


def _fail(waiting: "asyncio.Future[Any]", why: Exception) -> None:
    waiting.set_exception(why)
    waiting.exception()  # whoever waits gets it; whoever was cancelled before is not to be missed in the log


def _gone(reason: str) -> str:
    return f"The connection is gone: {reason}"


async def _open(host: str, port: int, context: ssl.SSLContext | None, server_hostname: str | None) -> _Connection:
    def make() -> _Connection:
        return _Connection(Plain() if context is None else Tls(context, server_hostname=server_hostname or host))

    _, connection = await asyncio.get_running_loop().create_connection(make, host, port)
    try:
        await connection.ready
    except BaseException:
        await connection.close()
        raise
    return connection


def _let_in(line: str, name: str, where: str) -> None:
    notice = notices.recognise_line(line)
    if notice is not None and notice.template == notices.WELCOME and notice.fields["name"] == name:
        return
    if notice is not None and notice.template == notices.NAME_REFUSED:
        raise NicknameError(notice.fields["why"])
    said = notices.text_of(line)
    if said is not None:
        raise ChatError(f"{where} does not let you in: {said}.")
    raise ProtocolError(f"What answers at {where} is not this chat: check the address.")


def _again(lost: ConnectionLost) -> ConnectionLost:
    return ConnectionLost(str(lost))  # a fresh one: raising one object many times would grow its traceback


def _short(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({error.reason or error})"
    return os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error) or "it broke"


def _why_not_connected(where: str, error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"The certificate of {where} is not to be trusted ({error.verify_message}): check who runs it."
    if isinstance(error, ssl.SSLError) and error.reason == "TLSV13_ALERT_CERTIFICATE_REQUIRED":
        return f"{where} lets in only who shows a certificate: connect with yours."
    if isinstance(error, ssl.SSLError) and error.reason in _REFUSALS:
        return f"{where} does not accept your certificate ({error.reason}): connect with one that it trusts."
    if isinstance(error, ssl.SSLError):
        return f"TLS with {where} failed ({error.reason or error}): check that this port speaks TLS."
    if isinstance(error, ConnectionRefusedError):
        return f"Nothing listens at {where}: start the server, or check the address."
    if isinstance(error, socket.gaierror):
        return f"The host in {where} cannot be found: check its name."
    return f"{where} cannot be reached ({_short(error)}): check the address."
