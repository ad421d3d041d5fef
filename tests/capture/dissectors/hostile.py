"""Captures of what somebody sent who means harm, and programs that do not do as they should."""

import struct
from collections.abc import Sequence
from pathlib import Path

from capture.segment import ACK, PSH, Endpoint
from capture.tap import tcp_frame

PAYLOADS = (
    b"<script>alert(1)</script>&amp;<!ENTITY x SYSTEM 'file:///etc/passwd'>&x;\n",
    b"\x1b[31m\0\r\n]]><![CDATA[\n",
    b"Frame 2: (5 bytes):\n\n0000  00 01\n",
    "\u202e\u2066bidi\n".encode(),
    b"\xff\xfe\xc0\x80",
    *(b"True", b"12", b"\x10", b"\0", b"\0\0\0", b"\x05"),
    b"A" * 65_000,
)


def written(path: Path, payloads: Sequence[bytes], port: int) -> Path:
    """Write a capture in which a client sends each payload to a port of its server's."""
    content = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1)
    client, server = Endpoint("127.0.0.1", 40000), Endpoint("127.0.0.1", port)
    seq = 1
    for number, payload in enumerate(payloads):
        frame = tcp_frame(client, server, seq, 1, PSH | ACK, payload)
        content += struct.pack("<IIII", number, 0, len(frame), len(frame)) + frame
        seq += len(payload)
    path.write_bytes(content)
    return path


def program(folder: Path, name: str, script: str) -> None:
    """Put a program of that name into a folder."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
