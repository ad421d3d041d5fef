"""TLS records, and bytes that are none, as trees of fields in the sources that they stand in.

Pure. Knows what is shown of a record that is in the clear, opened, or closed, and which sources that takes: the frame,
a record put together from several frames, a message put together from several records, what a record held. What stands
in messages is `capture.anatomy`'s.
"""

import itertools
from collections.abc import Iterable

from capture import anatomy
from capture.anatomy_labels import number_name
from capture.anatomy_streams import Part, Unit
from capture.anatomy_tree import Tree, digits, plural
from capture.dissection import Source
from capture.tls import ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, HEADER, HEARTBEAT, TLS_1_3, Record

OPENED_BELOW = "Encrypted content, opened below"  # label of a ciphertext whose content has its own tree


def data(tree: Tree, content: bytes, start: int) -> None:
    """Add bytes of no protocol, as Wireshark does."""
    tree.add("data", f"Data ({plural(len(content), 'byte')})", start, len(content))
    tree.add("data.data", f"Data: {digits(content)}", start, len(content), below=1)


def frame_units(tree: Tree, sources: list[Source], ended: Iterable[Unit]) -> None:
    """Add what ends in a frame.

    Args:
        tree: where it goes.
        sources: those of the frame; new ones are added.
        ended: in the order of their bytes.
    """
    for (plain, spanning, _), group in itertools.groupby(
        ended, key=lambda unit: (unit.record is None, unit.spans, unit.spans and unit.pieces)
    ):
        found = list(group)
        if plain:
            for unit in found:
                data(tree, unit.data, unit.pieces[0].offset)
            continue
        starts = [unit.pieces[0].offset for unit in found]
        if spanning:
            sources.append(Source("reassembled", found[0].data))
            tree.source, starts = len(sources) - 1, [0]
        source = tree.source
        end = starts[-1] + len(found[-1].data)
        tree.add("tls", "Transport Layer Security", starts[0], end - starts[0])
        inner: list[int] = []
        for unit, start in zip(found, starts, strict=True):
            _record(tree, sources, unit, start)
            if tree.source != source and unit.content_type == APPLICATION_DATA:
                inner.append(tree.source)
            tree.source = source
        for tree.source in inner:
            data(tree, sources[tree.source].data, 0)
        tree.source = 0


def _record(tree: Tree, sources: list[Source], unit: Unit, start: int) -> None:
    """Add a record that begins at `start`; `tree.source` is then that of what it held, if it was opened."""
    record = unit.record
    assert record is not None
    version = anatomy.version_name(unit.version or record.version)
    tree.add("tls.record", f"{version} Record Layer: {_title(unit)}", start, len(unit.data), below=1)
    tree.depth = 2
    anatomy.record_header(tree, record, start, unit.version)
    inside = start + HEADER
    if unit.opened is not None:
        if unit.content_type == APPLICATION_DATA:
            _closed(tree, record, inside, "Encrypted ")
        else:
            tree.rest(OPENED_BELOW, inside, start + len(unit.data))
        if unit.content:
            sources.append(Source("decrypted", unit.content))
            tree.source = len(sources) - 1
            _content(tree, sources, unit, 0)
    elif unit.state == "clear" and record.fragment:
        _content(tree, sources, unit, inside)
    else:
        _closed(tree, record, inside, "Encrypted " if unit.state == "encrypted" else "")
    tree.depth = 0


def _closed(tree: Tree, record: Record, start: int, how: str) -> None:
    """Add what a record holds that cannot be read; `how` is "Encrypted " where it is known to be that."""
    size = len(record.fragment)
    if record.content_type == HANDSHAKE:
        tree.add("tls.handshake", f"Handshake Protocol: {how}Handshake Message", start, size)
    elif record.content_type == ALERT:
        tree.add("tls.alert_message", f"Alert Message: {how}Alert", start, size)
    elif record.content_type == CHANGE_CIPHER_SPEC:
        tree.add("tls.change_cipher_spec", "Change Cipher Spec Message", start, size)
    elif record.content_type == HEARTBEAT:
        tree.add("tls.heartbeat_message", f"{how}Heartbeat Message", start, size)
    else:
        tree.add("tls.app_data", f"{how}Application Data: {digits(record.fragment)}", start, size)


def _content(tree: Tree, sources: list[Source], unit: Unit, start: int) -> None:
    """Add what a record holds, where it can be read."""
    content = unit.content
    if unit.content_type == HANDSHAKE:
        source = tree.source
        for part in unit.parts:
            _part(tree, sources, unit, part, start)
            tree.source = source
    elif unit.content_type == ALERT:
        anatomy.alert(tree, content, start)
    elif unit.content_type == CHANGE_CIPHER_SPEC:
        tree.add("tls.change_cipher_spec", "Change Cipher Spec Message", start, len(content))
    elif unit.content_type == HEARTBEAT:
        anatomy.heartbeat(tree, content, start)
    elif unit.content_type == APPLICATION_DATA:
        if unit.opened is None:
            tree.add("tls.app_data", f"Application Data: {digits(content)}", start, len(content))
    else:
        tree.rest("Content of an unknown type", start, start + len(content))


def _part(tree: Tree, sources: list[Source], unit: Unit, part: Part, start: int) -> None:
    if part.which != "whole":
        said = f"Handshake Protocol: {anatomy.message_name(part.message)} ({part.which})"
        tree.add("tls.handshake", said, start + part.start, part.size)
        if part.which == "fragment":
            return
        sources.append(Source("reassembled", part.message))
        tree.source = len(sources) - 1
    at = start + part.start if part.which == "whole" else 0
    anatomy.handshake(tree, part.message, at, unit.answer, tls13=unit.version == TLS_1_3)


def _title(unit: Unit) -> str:
    """Return what a record is said to hold."""
    readable = unit.opened is not None or unit.state == "clear"
    how = "Encrypted " if unit.state == "encrypted" else ""
    if unit.content_type == HANDSHAKE:
        if not readable:
            return f"Handshake Protocol: {how}Handshake Message"
        names = [anatomy.message_name(part.message) for part in unit.parts]
        return f"Handshake Protocol: {names[0] if len(names) == 1 else 'Multiple Handshake Messages'}"
    if unit.content_type == ALERT:
        if not readable or len(unit.content) != 2:
            return f"{how}Alert" if not readable else "Alert"
        level, description = unit.content
        said = number_name("tls.alert_message.level", level), number_name("tls.alert_message.desc", description)
        return f"Alert (Level: {said[0]}, Description: {said[1]})"
    if unit.content_type == CHANGE_CIPHER_SPEC:
        return "Change Cipher Spec Protocol: Change Cipher Spec"
    return "Heartbeat" if unit.content_type == HEARTBEAT else "Application Data Protocol: Application Data"
