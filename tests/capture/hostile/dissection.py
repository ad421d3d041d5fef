"""The TLS records of a capture as tshark dissects them, whoever sent them to whom."""

import html
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from capture.segment import Endpoint

Way = tuple[Endpoint, Endpoint]

_WANTED = ["content_type", "opaque_type", "version", "length"]
_FIELDS = ["ip", "ip.src", "ip.dst", "ipv6", "ipv6.src", "ipv6.dst", "tcp", "tcp.srcport", "tcp.dstport", "tcp.stream"]
_FIELDS += ["frame", "frame.number", "_ws.malformed", "tls", "tls.record", *(f"tls.record.{name}" for name in _WANTED)]
_OPTIONS = ["tcp.reassemble_out_of_order:TRUE", "tls.desegment_ssl_records:TRUE", "tcp.desegment_tcp_streams:TRUE"]


class Theirs(NamedTuple):
    """A record as tshark dissects it."""

    kind: int
    version: int
    length: int
    label: str
    frame: int

    @property
    def same(self) -> tuple[int, int, int]:
        return self.kind, self.version, self.length

    @property
    def encrypted(self) -> bool:
        return any(word in self.label for word in ("Encrypted", "Application Data", "Opaque"))


class Dissected(NamedTuple):
    """What tshark finds in TCP.

    Attributes:
        records: by who sent them to whom, connections one after the other.
        malformed: the frames of which it leaves the rest because something in them is malformed.
    """

    records: dict[Way, list[Theirs]]
    malformed: frozenset[int]


def dissected(tshark: str, capture: Path, ports: Iterable[int] = ()) -> Dissected:
    """Return the TLS that tshark finds in a capture.

    Args:
        tshark: the program.
        capture: the file.
        ports: of TCP, where it is told that TLS is spoken: by itself it goes by the numbers, and asks others first.
    """
    command = [
        tshark,
        "-n",
        "-r",
        str(capture),
        "-Y",
        "tcp && tls.record && !(eap || openvpn || tds)",
        "-Tpdml",
        "-j",
        " ".join(_FIELDS),
    ]
    for option in _OPTIONS:
        command += ["-o", option]
    for port in ports:
        command += ["-d", f"tcp.port=={port},tls"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False, errors="replace")
    found: dict[Way, dict[int, list[Theirs]]] = {}
    hosts: dict[str, str] = {}
    label = ""
    last: dict[str, int] = {}
    record: dict[str, int] = {}
    malformed: set[int] = set()
    for line in done.stdout.splitlines():
        field = dict(re.findall(r'(\w+)="([^"]*)"', line))
        name, show = field.get("name", ""), field.get("show", "")
        if name in {"ip.src", "ipv6.src", "ip.dst", "ipv6.dst"}:
            hosts[name[-3:]] = show
        elif name in {"tcp.srcport", "tcp.dstport", "tcp.stream", "frame.number"}:
            last[name] = int(show)
        elif name == "_ws.malformed":
            malformed.add(last["frame.number"])
        elif name == "tls.record":
            label, record = html.unescape(field["showname"]), {}
        elif name in {"tls.record.content_type", "tls.record.opaque_type"}:
            record["kind"] = int(show)
        elif name == "tls.record.version":
            record["version"] = int(show, 16)
        elif name == "tls.record.length" and len(record) == 2:  # a record of SSL 2.0 has neither type nor version
            way = Endpoint(hosts["src"], last["tcp.srcport"]), Endpoint(hosts["dst"], last["tcp.dstport"])
            read = Theirs(record["kind"], record["version"], int(show), label, last["frame.number"])
            found.setdefault(way, {}).setdefault(last["tcp.stream"], []).append(read)
    records = {way: [r for number in sorted(streams) for r in streams[number]] for way, streams in found.items()}
    return Dissected(records, frozenset(malformed))
