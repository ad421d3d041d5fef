"""Frames as trees of fields without any program: link layer, IP, TCP, and the TLS records that end in each frame.

Reads the file twice: once to put the streams together and find their records, once to take each frame apart with what
ends in it. As in Wireshark, a record that spans frames is shown where it ends, on a source of its own, and what was in
an opened record on another. What stands where is known to `capture.anatomy` and the files beside it. Datagrams in
fragments, and protocols beside TCP and UDP, are data; what a RST carries too.
"""

import contextlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from capture import anatomy_packet, anatomy_records, anatomy_tcp
from capture.anatomy_streams import Unit, units
from capture.anatomy_tree import Tree, digits, plural
from capture.dissection import Dissection, Source
from capture.dissectors.profile import Understood
from capture.errors import KeyLogError, MalformedError, TornCaptureError
from capture.keylog import KeyLog, read_keylog
from capture.packets import Packet, packets
from capture.readers.native import segments
from capture.secrets import carried_keys
from capture.segment import RST, Segment
from capture.streams import reassemble


def dissect(path: Path, *, ports: Mapping[int, Understood], keylog: Path | None = None) -> Iterator[Dissection]:
    """Yield each frame of the capture file at `path`, zipped or not, taken apart; in order.

    Args:
        path: the capture file.
        ports: what a TCP port carries, whichever side has it. Where "tls" does not hold, and on ports that are not
            named, TLS is what begins with a hello (`capture.upgrade`).
        keylog: the key log that opens TLS, beside the keys that the file carries itself.

    Raises:
        NotACaptureError: the file is empty or of another kind.
        KeyLogError: the key log cannot be read.
        TornCaptureError: the file ends within a packet or is damaged; raised after everything before it has been
            yielded.
        CaptureError: the file cannot be read.
    """
    keys = dict(read_keylog(keylog)) if keylog is not None else {}
    # what a file carries may be no key log: then it opens nothing, and is no reason to stop
    with contextlib.suppress(KeyLogError, MalformedError):
        keys = {**(carried_keys(path) or {}), **keys}
    ended = _ended(path, ports, keys)
    for packet in packets(path):
        yield _dissection(packet, ended.pop(packet.frame, []))


def _ended(path: Path, ports: Mapping[int, Understood], keys: KeyLog) -> dict[int, list[Unit]]:
    """Return what ends in each frame."""
    found: dict[int, list[Unit]] = defaultdict(list)
    streams = reassemble(_until_torn(path))
    for client, server in zip(streams[::2], streams[1::2], strict=True):
        said = {ports.get(client.source.port), ports.get(server.source.port)}
        for unit in units(client, server, keys, plain="data" in said):
            found[unit.frame].append(unit)
    return dict(found)


def _until_torn(path: Path) -> Iterator[Segment]:
    try:
        yield from segments(packets(path))
    except TornCaptureError:
        return  # it is said when the file is read for the second time


def _dissection(packet: Packet, ended: list[Unit]) -> Dissection:
    data = packet.data
    tree, sources = Tree(), [Source("frame", data)]
    wire, captured = plural(packet.wire_length, "byte"), plural(len(data), "byte")
    tree.add("frame", f"Frame {packet.frame}: {wire} on wire, {captured} captured", 0, len(data))
    above = anatomy_packet.frame(tree, packet.linktype, data)
    start, end = above.start, above.end
    if above.protocol == anatomy_packet.TCP and end - start >= 20:
        reset = data[start + 13] & RST
        start = anatomy_tcp.header(tree, data, start, end)
        if reset:  # RFC 9293, section 3.5.3
            tree.add("tcp.reset_cause", f"Reset cause: {digits(data[start:end])}", start, end - start, below=1)
        else:
            _payload(tree, sources, ended, start, end)
        return Dissection(packet.frame, tuple(sources), tuple(tree.nodes))
    if above.protocol == anatomy_packet.UDP and end - start >= 8:
        start = anatomy_packet.udp(tree, data, start, end)
    anatomy_records.data(tree, data[start:end], start)
    return Dissection(packet.frame, tuple(sources), tuple(tree.nodes))


def _payload(tree: Tree, sources: list[Source], ended: list[Unit], start: int, end: int) -> None:
    """Add what a TCP segment carries, from `start` to `end` of the frame, and what ends with it."""
    tree.add("tcp.payload", f"TCP payload ({plural(end - start, 'byte')})", start, end - start, below=1)
    shown = sorted((unit.pieces[0].offset, len(unit.data)) for unit in ended if not unit.spans)
    reached = start  # what stands between goes on in another frame, or was sent before
    for at, size in [*shown, (end, 0)]:
        _waiting(tree, reached, min(at, end))
        reached = max(reached, at + size)
    anatomy_records.frame_units(tree, sources, ended)


def _waiting(tree: Tree, start: int, end: int) -> None:
    size = max(0, end - start)
    tree.add("tcp.segment_data", f"TCP segment data ({plural(size, 'byte')})", start, size, below=1)
