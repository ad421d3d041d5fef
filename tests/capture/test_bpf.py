"""The filter in the kernel, on real packets; what tcpdump makes of the same words is the oracle for odd ones."""

import contextlib
import socket
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from capture.bpf import NOTHING, expression, program
from capture.sources.packet_socket import _open
from tests.capture.talking import echo, run, talk

pytestmark = [pytest.mark.usefixtures("may_capture_natively", "nothing_left")]

WANTED, PROBE = 45001, 45002
TCP, UDP = 6, 17


@contextlib.contextmanager
def filtered(code: bytes) -> Iterator[Callable[[], list[bytes]]]:
    """A packet socket with this filter; gives what reads from it until something was sent to the probe port."""
    with _open(code) as packets, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        packets.settimeout(10)

        def until_probe() -> list[bytes]:
            probe.sendto(b"the last one", ("127.0.0.1", PROBE))
            found: list[bytes] = []
            while not (found and found[-1].endswith(b"the last one")):
                found.append(packets.recv(1 << 18))
            return found[:-1]

        yield until_probe


def ports_of(frame: bytes) -> set[int]:
    header = {b"\x08\x00": 20, b"\x86\xdd": 40}[frame[12:14]]
    return set(struct.unpack_from(">HH", frame, 14 + header))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_tcp_of_the_ports_and_nothing_else(host: str) -> None:
    async def main() -> tuple[list[bytes], int, int]:
        async with echo(host) as first, echo(host) as other, echo(host) as last:
            with filtered(program([first, last], PROBE)) as admitted:
                await talk(other, [b"not this"], host)
                await talk(first, [b"this"], host)
                await talk(last, [b"and this"], host)
                with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as udp:
                    udp.sendto(b"udp to a wanted tcp port", (host, first))
                return admitted(), first, last

    frames, first, last = run(main())
    assert all(ports_of(frame) & {first, last} for frame in frames)
    payloads = {frame[-8:] for frame in frames}
    assert b"and this" in payloads
    assert any(payload.endswith(b"this") for payload in payloads)
    # the handshake, the words and their echo, the farewell
    for port in (first, last):
        assert len([frame for frame in frames if port in ports_of(frame)]) >= 8


def test_sixty_ports() -> None:
    async def main() -> list[set[int]]:
        async with contextlib.AsyncExitStack() as stack:
            ports = [await stack.enter_async_context(echo()) for _ in range(61)]
            with filtered(program(ports[:60], PROBE)) as admitted:
                for port in ports:
                    await talk(port, [b"x"])
                found = {port for frame in admitted() for port in ports_of(frame)} & set(ports)
            return [found, set(ports[:60])]

    found, wanted = run(main())
    assert found == wanted


def ipv4(above: bytes, protocol: int = TCP, *, options: bytes = b"", fragment: int = 0) -> bytes:
    head = struct.pack(
        ">BBHHHBBH", 0x45 + len(options) // 4, 0, 20 + len(options) + len(above), 7, fragment, 64, protocol, 0
    )
    return b"\x08\x00" + head + b"\x7f\0\0\1" * 2 + options + above


def ipv6(above: bytes, header: int = TCP) -> bytes:
    return (
        b"\x86\xdd"
        + struct.pack(">IHBB", 6 << 28, len(above), header, 64)
        + bytes(15)
        + b"\1"
        + bytes(15)
        + b"\1"
        + above
    )


def tcp(source: int, destination: int) -> bytes:
    return struct.pack(">HHIIHHHH", source, destination, 1, 1, 0x5010, 1000, 0, 0)


def udp(source: int, destination: int) -> bytes:
    return struct.pack(">HHHH", source, destination, 8, 0)


ODD = {
    "tcp to": ipv4(tcp(9, WANTED)),
    "tcp from": ipv4(tcp(WANTED, 9)),
    "tcp to the probe port": ipv4(tcp(9, PROBE)),
    "udp to a wanted tcp port": ipv4(udp(9, WANTED), UDP),
    "probe": ipv4(udp(PROBE, 9), UDP),
    "other": ipv4(tcp(9, WANTED + 1)),
    "sctp": ipv4(tcp(9, WANTED), 132),
    "options": ipv4(tcp(9, WANTED), options=b"\1" * 40),
    "options that say the port": ipv4(tcp(9, 9), options=struct.pack(">HH", WANTED, WANTED) * 5),
    "first fragment": ipv4(tcp(9, WANTED), fragment=0x2000),
    "later fragment": ipv4(tcp(9, WANTED), fragment=0x2001),
    "last fragment": ipv4(tcp(9, WANTED), fragment=0x1FFF),
    "do not fragment": ipv4(tcp(9, WANTED), fragment=0x4000),
    "too short for ports": ipv4(b"\xaf"),
    "nothing above": ipv4(b""),
    "ipv6 to": ipv6(tcp(9, WANTED)),
    "ipv6 from": ipv6(tcp(WANTED, 9)),
    "ipv6 other": ipv6(tcp(9, WANTED + 1)),
    "ipv6 probe": ipv6(udp(9, PROBE), UDP),
    "ipv6 extension": ipv6(struct.pack(">BB6x", TCP, 0) + tcp(9, WANTED), 0),
    "ipv6 fragment": ipv6(struct.pack(">BBHI", TCP, 0, 1, 5) + tcp(9, WANTED), 44),
    "arp": b"\x08\x06" + ipv4(tcp(9, WANTED))[2:],
    "length for a type": b"\x00\x40" + ipv4(tcp(9, WANTED))[2:],
}


def test_odd_packets_as_tcpdump_takes_them(tmp_path: Path, tool: Callable[[str], str]) -> None:
    """Put on the wire for a station that is not there, so that nobody answers; the sender's address is the number."""
    tcpdump = tool("tcpdump")
    frames = {
        name: b"\x02\0\0\0\0\1" + b"\x02\0\0\0\0" + bytes([number]) + rest
        for number, (name, rest) in enumerate(ODD.items())
    }
    with (
        filtered(program([WANTED, 80], PROBE)) as admitted,
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as wire,
    ):
        for frame in frames.values():
            wire.sendto(frame, ("lo", 0))
        kernel = {frame[11] for frame in admitted() if frame[0] == 2}

    everything, kept = tmp_path / "all.pcap", tmp_path / "kept.pcap"
    records = [struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame for frame in frames.values()]
    everything.write_bytes(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 1 << 16, 1) + b"".join(records))
    command = [tcpdump, "-r", str(everything), "-w", str(kept), expression([WANTED, 80], PROBE)]
    subprocess.run(command, check=True, capture_output=True, timeout=30)
    oracle, at, data = set(), 24, kept.read_bytes()
    while at < len(data):
        oracle.add(data[at + 16 + 11])
        at += 16 + struct.unpack_from("<I", data, at + 8)[0]

    names = list(frames)
    assert {names[number] for number in kernel} == {names[number] for number in oracle}
    assert "tcp to" in {names[number] for number in kernel}


def test_nothing() -> None:
    with _open(NOTHING) as packets, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"not for us", ("127.0.0.1", PROBE))
        with pytest.raises(BlockingIOError):
            packets.recv(99)
