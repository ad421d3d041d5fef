"""A client without a face: connects, says its name, sends and receives lines.

Knows: asyncio's transports and the protocol. Must not know: terminals, windows, where TLS contexts come from.
Contract: `Client.connect` returns when the server has let the name in; each `send` of a line leaves as one write (over
TLS: one record); lines come out of `receive` in the order in which they came, and none is lost when the connection is.
"""

import asyncio
import os
import socket
import ssl
from collections import deque
from dataclasses import dataclass
from types import TracebackType
from typing import Self, cast

from chat import protocol
from chat.errors import ChatError, ConnectionLost, NicknameError, ProtocolError

# Lines kept for a reader that does not come: then the socket is left alone, and the server sees a slow client.
_MAX_UNREAD = 10_000
# Seconds the server has to say goodbye before the connection is cut.
_CLOSE_TIMEOUT = 5.0
# RFC 8446, section 5.1: a record of type alert(21), which is how a TLS server answers plaintext.
_TLS_ALERT = b"\x15"


@dataclass(frozen=True, slots=True)
class Tls:
    """What was agreed on: the protocol version (`TLSv1.3`) and the cipher suite, by OpenSSL's names."""

    version: str
    cipher: str


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
        name = protocol.nickname(name)
        where = f"{host}:{port}"
        if not 1 <= port <= 65535:  # getaddrinfo would take what is left of it in 16 bits
            raise ChatError(f"There is no port {port}: choose one from 1 to 65535.")
        connection = None
        try:
            async with asyncio.timeout(timeout):
                connection = await _open(host, port, context, server_hostname, timeout)
                connection.write(protocol.encode(name))
                welcome = await connection.receive()
                _let_in(welcome, name, where)
        except TimeoutError as error:
            raise ChatError(f"{where} did not answer within {timeout:g} seconds: check the address.") from error
        except ConnectionLost as error:
            raise ChatError(f"{where} closed the connection before it let you in: {error}") from error
        except OSError as error:
            raise ChatError(_why_not_connected(where, error)) from error
        else:
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
    def tls(self) -> Tls | None:
        """What TLS agreed on, `None` in plaintext."""
        cipher = self._connection.transport.get_extra_info("cipher")
        return None if cipher is None else Tls(version=cipher[1], cipher=cipher[0])

    @property
    def local_address(self) -> tuple[str, int]:
        """The host and port of this end."""
        host, port = self._connection.transport.get_extra_info("sockname")[:2]
        return host, port

    async def send(self, text: str) -> None:
        """Say `text`, or give a command as it is typed (`!users`).

        Raises:
            ProtocolError: the server would refuse it: too long, blank, a line break or control character in it, no
                such command. Nothing was sent.
            ConnectionLost: there is no server any more.
        """
        data = protocol.encode_typed(text)
        self._connection.write(data)
        await self._connection.drain()

    async def receive(self) -> str:
        """Return the next line from the server, without its end. It may hold anything but LF: show it with `visible`.

        Raises:
            ConnectionLost: every line was returned and no more will come.
        """
        return await self._connection.receive()

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


class _Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._reader = protocol.LineReader(protocol.MAX_SERVER_LINE)
        self._lines: deque[str] = deque()
        self._asked: deque[asyncio.Future[tuple[str, ...]]] = deque()
        self._news = asyncio.Event()
        self._writable = asyncio.Event()
        self._closed = asyncio.Event()
        self._lost: ConnectionLost | None = None
        self._leaving = False
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        for line in self._reader.feed(data):
            if isinstance(line, ProtocolError):
                self._lose("it sent a line too long to be from a chat server: check the address.")
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
        self._lose(self._last_words("the server ended the connection."))

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def connection_lost(self, exc: Exception | None) -> None:
        reason = "it was cut off." if exc is None else f"{_short(exc)}."
        self._lose(self._last_words(reason))
        self._closed.set()

    def write(self, data: bytes) -> None:
        if self._lost is not None:
            raise _again(self._lost)
        self.transport.write(data)

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

    def _last_words(self, reason: str) -> str:
        if self._reader.pending.startswith(_TLS_ALERT):
            return "this port speaks TLS: connect with TLS, or to the plaintext port."
        return reason

    def _lose(self, reason: str) -> None:
        if self._lost is not None:
            return
        self._lost = ConnectionLost(f"The connection is gone: {reason}")
        self._writable.set()
        self._news.set()
        while self._asked:
            asker = self._asked.popleft()
            if not asker.done():
                asker.set_exception(self._lost)


async def _open(
    host: str, port: int, context: ssl.SSLContext | None, server_hostname: str | None, handshake_timeout: float
) -> _Connection:
    loop = asyncio.get_running_loop()
    if context is None:
        _, connection = await loop.create_connection(_Connection, host, port)
    else:
        _, connection = await loop.create_connection(
            _Connection,
            host,
            port,
            ssl=context,
            server_hostname=server_hostname,
            ssl_handshake_timeout=handshake_timeout,
            ssl_shutdown_timeout=_CLOSE_TIMEOUT,
        )
    return connection


def _let_in(line: str, name: str, where: str) -> None:
    if protocol.is_welcome(line, name):
        return
    why = protocol.parse_name_refused(line)
    if why is not None:
        raise NicknameError(why)
    said = protocol.parse_notice(line)
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
    if isinstance(error, ssl.SSLError):
        return f"TLS with {where} failed ({error.reason or error}): check that this port speaks TLS."
    if isinstance(error, ConnectionRefusedError):
        return f"Nothing listens at {where}: start the server, or check the address."
    if isinstance(error, socket.gaierror):
        return f"The host in {where} cannot be found: check its name."
    return f"{where} cannot be reached ({_short(error)}): check the address."
