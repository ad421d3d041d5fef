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
from capture.readers.headers import link_length
from capture.segment import Endpoint, Segment
from capture.tools import require

FIELDS = (
    "frame.number",
    "frame.time_epoch",
    "frame.protocols",
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
        epoch: seconds in decimals ("1699999999.123456789") or, in the JSON of later versions, ISO 8601 in UTC.
    """
    whole, _, fraction = epoch.rstrip("Z").partition(".")
    seconds = int(datetime.fromisoformat(whole + "+00:00").timestamp()) if "T" in whole else int(whole)
    return seconds * 1_000_000_000 + int(fraction[:9].ljust(9, "0"))


# A capture has few connections and many frames: text that recurs is turned into values once.
_link_length = functools.lru_cache(maxsize=256)(link_length)
_endpoint = functools.lru_cache(maxsize=4096)(lambda host, port: Endpoint(host, int(port)))


def read(path: Path) -> Iterator[Segment]:
    """Yield the TCP segments of the whole capture file at `path`.

    Raises:
        ToolMissingError: there is no tshark.
        CaptureError: tshark could not read the file.
    """
    command = [require("tshark"), "-n", "-r", str(path), "-T", "fields", "-E", "occurrence=f"]
    for name, value in PREFERENCES.items():
        command += ["-o", f"{name}:{value}"]
    for field in FIELDS:
        command += ["-e", field]
    # stderr goes to a file: a pipe that nobody empties would stop tshark once it is full
    with (
        tempfile.TemporaryFile("w+", errors="replace") as stderr,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, encoding="ascii") as process,
    ):
        try:
            for line in process.stdout or ():
                segment = _segment(line.rstrip("\n").split("\t"))
                if segment is not None:
                    yield segment
            status = process.wait()
        finally:
            process.kill()
        stderr.seek(0)
        complaint = stderr.read()
    if status != 0:
        lines = [line for line in complaint.splitlines() if line and not line.startswith("Running as user")]
        msg = f"tshark could not read {path}: {lines[-1] if lines else f'it ended with status {status}'}."
        raise CaptureError(msg)


def _segment(values: list[str]) -> Segment | None:
    (frame, time, protocols, ip_src, ip_dst, ip_hdr, ip6_src, ip6_dst, plen, sport, dport, *tcp) = values
    if not sport:
        return None
    link = _link_length(protocols)
    if link is None:
        return None
    seq, ack, flags, hdr_len, length, payload = tcp
    # IPv6: the payload length covers the extension headers, the TCP header and its payload
    ip_length = int(ip_hdr) if ip_hdr else 40 + int(plen) - int(hdr_len) - int(length)
    return Segment(
        frame=int(frame),
        time_ns=time_to_ns(time),
        source=_endpoint(ip_src or ip6_src, sport),
        destination=_endpoint(ip_dst or ip6_dst, dport),
        seq=int(seq),
        ack=int(ack),
        flags=int(flags, 16),
        length=int(length),
        payload=bytes.fromhex(payload),
        offset=link + ip_length + int(hdr_len),
    )
