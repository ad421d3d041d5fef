"""Reads a capture file through one `tshark -T fields` process.

Knows Wireshark's field names (https://www.wireshark.org/docs/dfref/) and tshark's output; decides nothing about
streams.
"""

import functools
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from capture.errors import CaptureError
from capture.readers.headers import MIN_TCP_HEADER, ipv6_header_length, link_length
from capture.segment import Endpoint, Segment
from capture.tools import require

FIELDS = (
    "frame.number",
    "frame.time_epoch",
    "frame.len",
    "frame.cap_len",
    "frame.protocols",
    "sll.ifindex",
    "ieee8021ad.cvid",
    "ip.src",
    "ip.dst",
    "ip.hdr_len",
    "ipv6.src",
    "ipv6.dst",
    "ipv6.plen",
    "tcp.srcport",
    "tcp.dstport",
    "tcp.seq_raw",
    "tcp.ack_raw",
    "tcp.flags",
    "tcp.hdr_len",
    "tcp.len",
    "tcp.payload",
)

# Fragments are not put together: a fragment is not a segment, and every reader says so alike.
PREFERENCES = {"ip.defragment": "FALSE", "ipv6.defragment": "FALSE"}


def time_to_ns(epoch: str) -> int:
    """Return nanoseconds since 1970 for a time as tshark prints it, without a float's rounding.

    Args:
        epoch: seconds in decimals ("1699999999.123456789") or, in the JSON of later versions, ISO 8601 in UTC; empty,
            and then 0, for a simple packet block, which has no time.
    """
    if epoch[-10:-9] == "." and epoch[-1] != "Z":  # as 4.0 prints them
        return int(epoch[:-10] + epoch[-9:])
    if not epoch:
        return 0
    whole, _, fraction = epoch.rstrip("Z").partition(".")
    seconds = int(datetime.fromisoformat(whole + "+00:00").timestamp()) if "T" in whole else int(whole)
    return seconds * 1_000_000_000 + int(fraction[:9].ljust(9, "0"))


# A capture has few connections and many frames: text that recurs is turned into values once.
_endpoint = functools.lru_cache(maxsize=4096)(lambda host, port: Endpoint(host, int(port)))
_flags = functools.lru_cache(maxsize=256)(lambda flags: int(flags, 16))


@functools.lru_cache(maxsize=4096)
def _ends(source: str, source_port: str, destination: str, destination_port: str) -> tuple[Endpoint, Endpoint]:
    return _endpoint(source, source_port), _endpoint(destination, destination_port)


@functools.lru_cache(maxsize=1024)
def _headers(protocols: str, ifindex: str, cvid: str, ip_hdr_len: str, hdr_len: str) -> tuple[int, int, int] | None:
    """Return the bytes before the IP header, of an IPv4 header (else 0) and of the TCP header; see `link_length`."""
    link = link_length(protocols, bool(ifindex), bool(cvid))
    return None if link is None else (link, int(ip_hdr_len or 0), int(hdr_len))


def command(path: Path) -> list[str]:
    """Return the command that prints the FIELDS of each frame of a capture file on a line.

    Raises:
        ToolMissingError: there is no tshark.
    """
    words = [require("tshark"), "-n", "-r", str(path), "-T", "fields", "-E", "occurrence=f"]
    for name, value in PREFERENCES.items():
        words += ["-o", f"{name}:{value}"]
    for field in FIELDS:
        words += ["-e", field]
    return words


def read(path: Path) -> Iterator[Segment]:
    """Yield the TCP segments of the whole capture file at `path`.

    Raises:
        ToolMissingError: there is no tshark.
        CaptureError: tshark could not read the file.
    """
    # stderr goes to a file: a pipe that nobody empties would stop tshark once it is full
    with (
        tempfile.TemporaryFile("w+", errors="replace") as stderr,
        subprocess.Popen(command(path), stdout=subprocess.PIPE, stderr=stderr, encoding="ascii") as process,
    ):
        try:
            for line in process.stdout or ():
                if not line.endswith("\n"):
                    break  # tshark was stopped while it wrote
                segment = segment_of(line.rstrip("\n").split("\t"))
                if segment is not None:
                    yield segment
            status = process.wait()
        finally:
            process.kill()
        stderr.seek(0)
        said = stderr.read()
    if status != 0:
        msg = f"tshark could not read {path}: {last_words(said, status)}."
        raise CaptureError(msg)


def last_words(stderr: str, status: int) -> str:
    """Return what tshark said last before it ended with `status`, without its warning to root and its full stop."""
    lines = [line for line in stderr.splitlines() if line.strip() and not line.startswith("Running as user")]
    return lines[-1].strip().rstrip(".") if lines else f"it ended with status {status}"


def segment_of(values: list[str]) -> Segment | None:
    """Return the segment of the values of FIELDS, in that order; None where they are of no TCP segment."""
    (frame, time, frame_len, cap_len, protocols, ifindex, cvid, ip_src, ip_dst, ip_hdr, ip6_src, ip6_dst, plen,
     sport, dport, seq, ack, flags, hdr_len, length, payload) = values  # fmt: skip
    # tshark leaves fields empty that a fragment, a frame cut short or a broken header does not have
    if not flags or not length:
        return None
    headers = _headers(protocols, ifindex, cvid, ip_hdr, hdr_len)
    if headers is None:
        return None
    link, ip_length, tcp_length = headers
    captured, size = int(cap_len), int(length)
    if not ip_hdr:
        available = max(int(frame_len), captured) - link
        ip_length = ipv6_header_length(available, int(plen), tcp_length + size)
    at = link + ip_length
    if at + MIN_TCP_HEADER > captured:
        return None
    source, destination = _ends(ip_src or ip6_src, sport, ip_dst or ip6_dst, dport)
    data = bytes.fromhex(payload) if payload else b""
    offset = at + tcp_length
    numbers = int(seq), int(ack), _flags(flags), size
    # Segment(...) takes twice as long
    return tuple.__new__(Segment, (int(frame), time_to_ns(time), source, destination, *numbers, data, offset))
