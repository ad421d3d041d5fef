"""The tap: a relay between client and server that writes what passes as a capture file, for where nothing may capture.

The bytes are those that were sent, in the order and at the time they passed. The TCP, IP and Ethernet headers around
them are the tap's own, with sequence numbers and checksums as they would be; the file's comment says so.
"""

import asyncio
import contextlib
import secrets
import socket
import struct
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from capture.engines.engine import Engine
from capture.errors import CaptureError
from capture.recorder import Recorded, Recorder
from capture.segment import ACK, FIN, PSH, SYN, Endpoint
from capture.sources.source import Counters

COMMENT = (
    "Written by the traffic lab's tap, a relay between client and server: the payload bytes, their order and times are "
    "real, the Ethernet, IP and TCP headers around them are synthetic."
)
_MSS = 1448  # bytes of payload in a synthetic segment, as on an Ethernet with TCP time stamps
_READ = 1 << 16


def checksum(data: bytes) -> int:
    """Return the Internet checksum of `data` (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def tcp_frame(source: Endpoint, destination: Endpoint, seq: int, ack: int, flags: int, payload: bytes) -> bytes:
    """Return an Ethernet frame with a TCP segment over IPv4 (RFC 791, RFC 9293) as loopback would carry it.

    Args:
        source: an IPv4 address and a port.
        destination: an IPv4 address and a port.
        seq: sequence number, taken modulo 2^32.
        ack: acknowledgment number, taken modulo 2^32.
        flags: the TCP flags.
        payload: at most 65,495 bytes.
    """
    addresses = socket.inet_aton(source.host) + socket.inet_aton(destination.host)
    tcp_length = 20 + len(payload)

    def tcp(check: int) -> bytes:
        ports = struct.pack("!HH", source.port, destination.port)
        numbers = struct.pack("!II", seq % (1 << 32), ack % (1 << 32))
        return ports + numbers + struct.pack("!BBHHH", 5 << 4, flags, 0xFFFF, check, 0) + payload

    def ip(check: int) -> bytes:
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + tcp_length, 0, 0x4000, 64, socket.IPPROTO_TCP, check)
        return head + addresses

    pseudo = addresses + struct.pack("!BBH", 0, socket.IPPROTO_TCP, tcp_length)
    ethernet = bytes(12) + b"\x08\x00"
    return ethernet + ip(checksum(ip(0))) + tcp(checksum(pseudo + tcp(0)))


@dataclass(slots=True)
class _Side:
    """One end of a relayed connection: where it is, and the sequence number of the next byte it sends."""

    endpoint: Endpoint
    seq: int = field(default_factory=lambda: secrets.randbits(32))


class Tap(Recorded):
    """A running tap. Made by `open_tap`.

    Attributes:
        counters: how many frames were written, none of them dropped; set when the tap has been closed.
    """

    def __init__(self, recorder: Recorder) -> None:
        super().__init__(recorder)
        self.counters: Counters | None = None
        self._relays: list[asyncio.Task[None]] = []
        self._listeners: list[asyncio.Server] = []

    def _segment(self, sender: _Side, receiver: _Side, flags: int, payload: bytes = b"") -> None:
        ack = receiver.seq if flags & ACK else 0
        frame = tcp_frame(sender.endpoint, receiver.endpoint, sender.seq, ack, flags, payload)
        self._recorder.deliver([(time.time_ns(), len(frame), frame)])
        sender.seq += len(payload) + (1 if flags & (SYN | FIN) else 0)

    async def listen(self, shown: int, real: int) -> int:
        """Accept clients on loopback port `shown`, 0 for any, and relay them to port `real`; return the port bound.

        Raises:
            CaptureError: the port cannot be used.
        """

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            # a task of our own: asyncio prints a traceback for one of its own that is cancelled
            self._relays.append(asyncio.create_task(self._relay(reader, writer, real)))

        try:
            listener = await asyncio.start_server(accept, "127.0.0.1", shown)
        except OSError as error:
            msg = f"Port {shown} cannot be used: {error.strerror}. Stop the other program or choose another port."
            raise CaptureError(msg) from error
        self._listeners.append(listener)
        return int(listener.sockets[0].getsockname()[1])

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, server: int) -> None:
        client = _Side(Endpoint(*writer.get_extra_info("peername")[:2]))
        shown = _Side(Endpoint(*writer.get_extra_info("sockname")[:2]))
        ends = [writer]
        try:
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", server)
            ends.append(server_writer)
            self._segment(client, shown, SYN)
            self._segment(shown, client, SYN | ACK)
            self._segment(client, shown, ACK)
            await asyncio.gather(
                self._pass(reader, server_writer, client, shown), self._pass(server_reader, writer, shown, client)
            )
        except OSError:
            writer.transport.abort()  # the server is gone: the client sees what it would have seen without a tap
        finally:
            for end in ends:  # both, before either is waited for
                end.close()
            for end in ends:
                with contextlib.suppress(OSError):
                    await end.wait_closed()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, a: _Side, b: _Side) -> None:
        with contextlib.suppress(ConnectionError):  # a reset ends this direction; the FIN below ends its stream
            while data := await reader.read(_READ):
                # written down before it is passed on: an answer can never stand before its question
                for at in range(0, len(data), _MSS):
                    self._segment(a, b, PSH | ACK, data[at : at + _MSS])
                self._segment(b, a, ACK)
                writer.write(data)
                await writer.drain()
        self._segment(a, b, FIN | ACK)
        self._segment(b, a, ACK)
        with contextlib.suppress(OSError):
            writer.write_eof()

    async def drain(self) -> None:
        """Wait until the last bytes of every connection have passed, then count."""
        await asyncio.gather(*self._relays)
        self.counters = Counters(received=self._recorder.frames, dropped=0)
        await self._recorder.finish(self.counters)

    async def close(self) -> None:
        """Stop listening and end what is still being relayed."""
        for listener in self._listeners:
            listener.close()
        for relay in self._relays:
            relay.cancel()
        await asyncio.gather(*self._relays, return_exceptions=True)
        for listener in self._listeners:
            await listener.wait_closed()
        await self._recorder.close()


@contextlib.asynccontextmanager
async def open_tap(path: Path, engine: Engine | None = None) -> AsyncIterator[Tap]:
    """Give a tap that writes the pcapng file `path`, which must not exist; `Tap.listen` puts it before a server.

    Args:
        path: the file.
        engine: what one sees while it is written; None for nothing but the file.

    Raises:
        CaptureError: the file cannot be written; what was relayed before that stays in it.
    """
    recorder = Recorder(path, engine, None, COMMENT, "tap")
    tap = Tap(recorder)
    try:
        await recorder.start()
        yield tap
        await tap.drain()
    finally:
        await tap.close()
    if recorder.failure is not None:
        raise recorder.failure
