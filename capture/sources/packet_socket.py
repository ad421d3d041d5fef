"""Takes packets off the loopback interface through an AF_PACKET socket of our own: packet(7), Linux only.

No other program is started, so the first packet is there at once, and each is handed on as it comes. Needs
CAP_NET_RAW: root has it, and everybody in a private loopback.
"""

import asyncio
import ctypes
import socket
import struct
from collections.abc import Sequence

from capture import bpf
from capture.errors import CaptureError
from capture.sources.source import Captured, Counters, Deliver, Fail
from capture.tools import LOOPBACK

# linux/if_packet.h and asm-generic/socket.h
_SOL_PACKET, _PACKET_STATISTICS, _PACKET_IGNORE_OUTGOING = 263, 6, 23
_SO_ATTACH_FILTER, _SO_RCVBUFFORCE, _SO_TIMESTAMPNS = 26, 33, 35
_ETH_P_ALL = 3

_BUFFER = 64 << 20  # bytes in the kernel for what we have not read yet: seconds of a chat, and of a flood a moment
_LARGEST = 1 << 18  # bytes; more than a packet on any interface
_AT_ONCE = 512  # packets read before the loop gets to something else
_TIMESPEC = struct.Struct("@qq")


def refusal() -> str | None:
    """Return why this process may not open a packet socket, None where it may."""
    if not hasattr(socket, "AF_PACKET"):
        return "this system has no packet sockets; Linux has."
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close()
    except OSError as error:
        return f"a packet socket needs the right CAP_NET_RAW: {error.strerror}."
    return None


class PacketSocket:
    """A source, see `capture.sources.source.Source`."""

    name = "packet socket"

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._received = 0

    async def start(self, ports: Sequence[int], probe_port: int, deliver: Deliver, fail: Fail) -> None:
        """See `Source`."""
        try:
            self._socket = _open(bpf.program(ports, probe_port))
        except OSError as error:
            msg = (
                f"There is no capture without the right to open a packet socket ({error.strerror}): run `make doctor`."
            )
            raise CaptureError(msg) from error
        self._deliver, self._fail = deliver, fail
        asyncio.get_running_loop().add_reader(self._socket, self._read)

    def _read(self) -> None:
        """Hand on what has come."""
        assert self._socket is not None
        packets: list[Captured] = []
        receive = self._socket.recvmsg
        failure = None
        for _ in range(_AT_ONCE):
            try:
                data, ancillary, _, _ = receive(_LARGEST, 64)
            except BlockingIOError:
                break
            except OSError as error:
                failure = error
                break
            seconds, nanoseconds = _TIMESPEC.unpack(ancillary[0][2])
            packets.append((seconds * 1_000_000_000 + nanoseconds, len(data), data))
        self._received += len(packets)
        if packets:
            self._deliver(packets)
        if failure is not None:
            # ENETDOWN: the socket would go on when the interface is back, and what passed between would be missing
            self._fail(CaptureError(f"The capture stopped: the interface {LOOPBACK} failed ({failure.strerror})."))

    async def stop(self) -> Counters:
        """See `Source`."""
        assert self._socket is not None
        _attach(self._socket, bpf.NOTHING)  # or this would not end while others go on talking
        before = -1
        while before != self._received:
            before = self._received
            self._read()
        # struct tpacket_stats: packets that passed the filter, the dropped among them; dropped
        _, dropped = struct.unpack("II", self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8))
        await self.close()
        return Counters(self._received, dropped)

    async def close(self) -> None:
        """See `Source`."""
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None


def _attach(to: socket.socket, program: bytes) -> None:
    """Put a filter in the place of the one before; what has passed that one stays readable."""
    code = ctypes.create_string_buffer(program, len(program))
    attached = struct.pack("HP", len(program) // 8, ctypes.addressof(code))  # struct sock_fprog
    to.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, attached)


def _open(program: bytes) -> socket.socket:
    """Open the socket; nothing comes through before the filter is in its place."""
    opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    try:
        _attach(opened, program)
        # loopback shows every packet twice, going out and coming in; the second is the one that was received
        opened.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
        opened.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        try:
            opened.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
        except PermissionError:  # in a private loopback; up to net.core.rmem_max is free, socket(7)
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        opened.setblocking(False)
        opened.bind((LOOPBACK, _ETH_P_ALL))
    except OSError:
        opened.close()
        raise
    return opened
