"""Holds captured packets back until the key log has the keys of the connection they belong to.

tshark looks a connection's keys up when it dissects the ServerHello, and not again. A server's key log has them by
then; a client's is written a moment after the client has read the same ServerHello off the wire. So every packet from a
ServerHello on waits for them, in its order, for a limited time: a handshake that fails never has keys.
"""

import asyncio
import struct
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from capture.frames import parse
from capture.pcapng import LINKTYPE_ETHERNET
from capture.segment import Endpoint, Segment
from capture.sources.source import Captured

_LOOK_AGAIN = 0.005  # seconds between two looks at the key log; a handshake takes about two milliseconds
_WAIT = 2.0  # seconds after its capture until a packet of a connection without keys is shown without them
_CLIENT_HELLO, _SERVER_HELLO = 1, 2
_MOST_CONNECTIONS = 4096
# a TLS 1.3 connection is open to tshark with these four (RFC 9850), an earlier one with CLIENT_RANDOM
_LABELS = (
    b"CLIENT_HANDSHAKE_TRAFFIC_SECRET",
    b"SERVER_HANDSHAKE_TRAFFIC_SECRET",
    b"CLIENT_TRAFFIC_SECRET_0",
    b"SERVER_TRAFFIC_SECRET_0",
)


class KeyGate:
    """Passes pcapng blocks on, in order, each when its connection's keys are there or have been waited for."""

    def __init__(self, keylog: Path, tls_ports: Sequence[int], write: Callable[[bytes], None]) -> None:
        self._keylog = keylog
        self._ports = frozenset(tls_ports)
        self._write = write
        self._randoms: dict[tuple[Endpoint, Endpoint], bytes] = {}  # of the client, by client and server
        # the random that is waited for, until when, and the block
        self._waiting: deque[tuple[bytes | None, float, bytes]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._empty = asyncio.Event()
        self._empty.set()
        self._loop = asyncio.get_running_loop()
        self._have: set[tuple[bytes, bytes]] = set()
        self._read = 0

    def take(self, frame: int, packets: Sequence[Captured], blocks: bytes) -> None:
        """Take packets and the pcapng blocks of the same packets."""
        at = 0
        deadline = self._loop.time() + _WAIT
        for number, (time_ns, wire_length, data) in enumerate(packets, start=frame):
            (length,) = struct.unpack_from("<I", blocks, at + 4)
            segment = parse(LINKTYPE_ETHERNET, number, time_ns, wire_length, data)
            random = self._wanted(segment) if segment is not None and segment.payload else None
            self._waiting.append((random, deadline, blocks[at : at + length]))
            at += length
        if self._timer is None:
            self._pass_on()

    def _wanted(self, segment: Segment) -> bytes | None:
        """Return the client random whose keys this segment has to wait for, None where it need not wait."""
        payload = segment.payload
        # record header (5), handshake header (4), legacy_version (2), random: RFC 8446, sections 5.1 and 4.1.2
        if len(payload) < 43 or payload[0] != 22:
            return None
        if payload[5] == _CLIENT_HELLO and segment.destination.port in self._ports:
            if len(self._randoms) >= _MOST_CONNECTIONS:
                self._randoms.clear()
            self._randoms[segment.source, segment.destination] = payload[11:43]
        elif payload[5] == _SERVER_HELLO and segment.source.port in self._ports:
            return self._randoms.get((segment.destination, segment.source))
        return None

    def _pass_on(self) -> None:
        self._timer = None
        while self._waiting:
            random, deadline, block = self._waiting[0]
            if random is not None and not self._known(random) and self._loop.time() < deadline:
                self._empty.clear()
                self._timer = self._loop.call_later(_LOOK_AGAIN, self._pass_on)
                return
            self._waiting.popleft()
            self._write(block)
        self._empty.set()

    def _known(self, random: bytes) -> bool:
        """Return whether the key log has all that opens the connection."""
        try:
            with self._keylog.open("rb") as file:
                file.seek(self._read)
                new = file.read()
        except OSError:  # not there yet; without it tshark shows what it can, and so does this
            return False
        whole = new.rfind(b"\n") + 1
        self._read += whole
        for line in new[:whole].splitlines():
            label, _, rest = line.partition(b" ")
            self._have.add((label, rest.partition(b" ")[0].lower()))
        name = random.hex().encode()
        return (b"CLIENT_RANDOM", name) in self._have or all((label, name) in self._have for label in _LABELS)

    async def finish(self) -> None:
        """Wait until everything is passed on."""
        await self._empty.wait()

    def close(self) -> None:
        """Pass nothing more on."""
        if self._timer is not None:
            self._timer.cancel()
        self._waiting.clear()
        self._empty.set()
