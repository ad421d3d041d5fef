"""Makes the capture files that are read: a chat of many, in Ethernet, IPv4 and TCP. Every run makes the same."""

import struct
from pathlib import Path

_FILE = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 1 << 16, 1)  # pcap, microseconds, Ethernet
_FRAME = struct.Struct(">12s2sBxHHHBBH4s4sHHIIBBHHH")
_MACS = bytes.fromhex("020000000002020000000001")
PORT = 12345  # the server's
_CLIENTS = 50
_LINE = b"anna > what one says in a chat is seldom longer than this, and often it is much shorter\n"


def write_capture(path: Path, packets: int) -> Path:
    """Write a pcap file in which clients talk and a server acknowledges each line; return its path.

    Lengths differ, sequence numbers go on, checksums are 0: nobody looks at them unless asked to.
    """
    sent = [1000] * _CLIENTS
    server = b"\x7f\x00\x00\x01"
    with path.open("wb") as file:
        file.write(_FILE)
        for number in range(packets):
            client = number // 2 % _CLIENTS
            asks = number % 2 == 0
            payload = _LINE[-8 - number % 80 :] if asks else b""
            ports = (40000 + client, PORT) if asks else (PORT, 40000 + client)
            numbers = (sent[client], 5000) if asks else (5000, sent[client])
            sent[client] = (sent[client] + len(payload)) % 2**32
            total = 40 + len(payload)
            flags = 0x18 if asks else 0x10  # PSH, ACK
            ip = (0x45, total, number & 0xFFFF, 0x4000, 64, 6, 0, server, server)
            frame = _FRAME.pack(_MACS, b"\x08\x00", *ip, *ports, *numbers, 0x50, flags, 512, 0, 0)
            size = len(frame) + len(payload)
            time = (1_700_000_000 + number // 1000, number % 1000 * 1000)
            file.write(struct.pack("<IIII", *time, size, size) + frame + payload)
    return path
