"""Every byte of a TCP header as fields, its options too.

Pure. Knows the header (RFC 9293, section 3.1) and the options that are common (RFC 9293, section 3.2; RFC 7323; RFC
2018), as Wireshark calls them; any other option is its kind, its length and the bytes between. An option whose length
does not fit is one field, with all that follows it.
"""

from capture.anatomy_tree import Tree, bits, digits, masked, plural

_FLAGS = (
    ("res", "Reserved", 0xE00, 0, 1),
    ("ae", "Accurate ECN", 0x100, 0, 1),
    ("cwr", "Congestion Window Reduced", 0x080, 1, 1),
    ("ece", "ECN-Echo", 0x040, 1, 1),
    ("urg", "Urgent", 0x020, 1, 1),
    ("ack", "Acknowledgment", 0x010, 1, 1),
    ("push", "Push", 0x008, 1, 1),
    ("reset", "Reset", 0x004, 1, 1),
    ("syn", "Syn", 0x002, 1, 1),
    ("fin", "Fin", 0x001, 1, 1),
)
_SHORT = ((0x02, "SYN"), (0x01, "FIN"), (0x04, "RST"), (0x08, "PSH"), (0x10, "ACK"), (0x20, "URG"))
_END, _NOP, _MSS, _WINDOW_SCALE, _SACK_PERMITTED, _SACK, _TIMESTAMP = 0, 1, 2, 3, 4, 5, 8
# kind: Wireshark's name, its title, the title of the kind
_OPTIONS = {
    _END: ("tcp.options.eol", "End of Option List (EOL)", "End of Option List"),
    _NOP: ("tcp.options.nop", "No-Operation (NOP)", "No-Operation"),
    _MSS: ("tcp.options.mss", "Maximum segment size", "Maximum Segment Size"),
    _WINDOW_SCALE: ("tcp.options.wscale", "Window scale", "Window Scale"),
    _SACK_PERMITTED: ("tcp.options.sack_perm", "SACK permitted", "SACK Permitted"),
    _SACK: ("tcp.options.sack", "SACK", "SACK"),
    _TIMESTAMP: ("tcp.options.timestamp", "Timestamps", "Time Stamp Option"),
}
# kind: length with kind and length, and the numbers within: name, title, size
_VALUES = {
    _MSS: (4, (("tcp.options.mss_val", "MSS Value", 2),)),
    _WINDOW_SCALE: (3, (("tcp.options.wscale.shift", "Shift count", 1),)),
    _SACK_PERMITTED: (2, ()),
    _TIMESTAMP: (
        10,
        (
            ("tcp.options.timestamp.tsval", "Timestamp value", 4),
            ("tcp.options.timestamp.tsecr", "Timestamp echo reply", 4),
        ),
    ),
}


def header(tree: Tree, data: bytes, start: int, end: int) -> int:
    """Add a TCP header; return where what it carries begins.

    Args:
        tree: where the fields go.
        data: the frame.
        start: offset of the header, which has 20 bytes at least.
        end: offset of the first byte after the segment.
    """
    source, destination = _number(data, start, 2), _number(data, start + 2, 2)
    seq, ack = _number(data, start + 4, 4), _number(data, start + 8, 4)
    words, flags = data[start + 12] >> 4, _number(data, start + 12, 2) & 0xFFF
    length = words * 4
    payload = min(start + max(length, 20), end)
    acks = f"Ack: {ack}, " if flags & 0x10 else ""
    title = f"Src Port: {source}, Dst Port: {destination}, Seq: {seq}, {acks}Len: {end - payload}"
    tree.add("tcp", f"Transmission Control Protocol, {title}", start, payload - start)
    tree.add("tcp.srcport", f"Source Port: {source}", start, 2, source, below=1)
    tree.add("tcp.dstport", f"Destination Port: {destination}", start + 2, 2, destination, below=1)
    tree.add("tcp.seq", f"Sequence Number: {seq}", start + 4, 4, seq, below=1)
    tree.add("tcp.ack", f"Acknowledgment Number: {ack}", start + 8, 4, ack, below=1)
    if not flags & 0x10:  # it means nothing then, and Wireshark shows it once more
        tree.add("tcp.ack_raw", f"Acknowledgment number (raw): {ack}", start + 8, 4, ack, below=1)
    drawn = bits(data[start + 12], 0xF0, 8)
    tree.add("tcp.hdr_len", f"{drawn} = Header Length: {length} bytes ({words})", start + 12, 1, length, below=1)
    said = ", ".join(name for mask, name in _SHORT if flags & mask) or "<None>"
    tree.add("tcp.flags", f"Flags: 0x{flags:03x} ({said})", start + 12, 2, flags, below=1)
    for name, called, mask, at, size in _FLAGS:
        value = masked(flags, mask)
        said = f"{bits(flags, mask, 12)} = {called}: {'Set' if value else 'Not set'}"
        tree.add(f"tcp.flags.{name}", said, start + 12 + at, size, value, below=2)
    for at, name, called in (
        (14, "tcp.window_size_value", "Window"),
        (16, "tcp.checksum", "Checksum"),
        (18, "tcp.urgent_pointer", "Urgent Pointer"),
    ):
        value = _number(data, start + at, 2)
        shown = f"0x{value:04x}" if name == "tcp.checksum" else str(value)
        tree.add(name, f"{called}: {shown}", start + at, 2, value, below=1)
    if payload > start + 20:
        _options(tree, data, start + 20, payload)
    return payload


def _number(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "big")


def _options(tree: Tree, data: bytes, start: int, end: int) -> None:
    size = plural(end - start, "byte")
    tree.add("tcp.options", f"Options: ({size})", start, end - start, below=1)
    at = start
    while at < end:
        kind = data[at]
        single = kind in (_END, _NOP)
        length = 1 if single else data[at + 1] if at + 1 < end else 0
        if length < (1 if single else 2) or at + length > end:
            tree.rest("Malformed option", at, end, below=2)
            return
        name, title, called = _OPTIONS.get(kind, ("tcp.options.unknown", "Unknown", "Unknown"))
        tree.add(name, f"TCP Option - {title}{_said(data, kind, at, length)}", at, length, below=2)
        tree.add("tcp.option_kind", f"Kind: {called} ({kind})", at, 1, kind, below=3)
        if not single:
            tree.add("tcp.option_len", f"Length: {length}", at + 1, 1, length, below=3)
            _values(tree, data, kind, at + 2, at + length)
        at += length
        if kind == _END:
            tree.rest("Padding", at, end, below=2)
            return


def _said(data: bytes, kind: int, at: int, length: int) -> str:
    """Return what the label of an option says of its value."""
    if length != _VALUES.get(kind, (0, ()))[0]:
        return ""
    if kind == _MSS:
        return f": {plural(_number(data, at + 2, 2), 'byte')}"
    if kind == _WINDOW_SCALE:
        return f": {data[at + 2]} (multiply by {1 << min(data[at + 2], 14)})"  # RFC 7323, section 2.3
    if kind == _TIMESTAMP:
        return f": TSval {_number(data, at + 2, 4)}, TSecr {_number(data, at + 6, 4)}"
    return ""


def _values(tree: Tree, data: bytes, kind: int, at: int, end: int) -> None:
    if kind == _SACK and (end - at) % 8 == 0:
        for edge in range(at, end, 4):
            name, called = ("sack_re", "right edge") if (edge - at) % 8 else ("sack_le", "left edge")
            value = _number(data, edge, 4)
            tree.add(f"tcp.options.{name}", f"{called} = {value}", edge, 4, value, below=3)
        return
    length, values = _VALUES.get(kind, (0, ()))
    if length != end - at + 2:
        tree.add("tcp.options.unknown.payload", f"Payload: {digits(data[at:end])}", at, end - at, below=3)
        return
    for name, called, size in values:
        value = _number(data, at, size)
        tree.add(name, f"{called}: {value}", at, size, value, below=3)
        at += size
