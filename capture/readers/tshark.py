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
from capture.readers.headers import ipv6_header_length, link_length
from capture.segment import Endpoint, Segment
from capture.tools import require

FIELDS = (
    "frame.number",
    "frame.time_epoch",
    "frame.len",
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
                if not line.endswith("\n"):
                    break  # tshark was stopped while it wrote
                segment = _segment(line.rstrip("\n").split("\t"))
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


def _segment(values: list[str]) -> Segment | None:
    (frame, time, frame_len, protocols, ip_src, ip_dst, ip_hdr, ip6_src, ip6_dst, plen, sport, dport, *tcp) = values
    seq, ack, flags, hdr_len, length, payload = tcp
    # tshark leaves fields empty that a fragment, a frame cut short or a broken header does not have
    if not flags or not length:
        return None
    link = _link_length(protocols)
    if link is None:
        return None
    if ip_hdr:
        ip_length = int(ip_hdr)
    else:
        ip_length = ipv6_header_length(int(frame_len) - link, int(plen), int(hdr_len) + int(length))
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
