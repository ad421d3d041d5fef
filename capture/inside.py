"""What stands inside records that can be read: handshake messages by name, alerts, a change of ciphers.

Pure. Knows the messages that TLS sends encrypted and that say something about its own working: NewSessionTicket (RFC
8446, section 4.6.1; RFC 5077, section 3.3), KeyUpdate (section 4.6.3), Finished, alerts (section 6). Of every other
message it knows the name. A message may span records, and a record hold several (section 5.1).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from capture import registry
from capture.errors import MalformedError
from capture.extensions import EARLY_DATA
from capture.fields import Cursor
from capture.hello import RETRY_RANDOM
from capture.tls import (
    ALERT,
    APPLICATION_DATA,
    CHANGE_CIPHER_SPEC,
    CONTENT_TYPES,
    FINISHED,
    HANDSHAKE,
    HANDSHAKE_HEADER,
    KEY_UPDATE,
    NEW_SESSION_TICKET,
    SERVER_HELLO,
)

CLOSED = (-1, b"")
_UPDATE_REQUESTED = {0: "update_not_requested", 1: "update_requested"}  # section 4.6.3


@dataclass(frozen=True, slots=True)
class Inside:
    """A thing that a record holds, or a part of it.

    Attributes:
        name: "New Session Ticket", as Wireshark has it; for an alert its description.
        detail: what it says, in a few words; may be empty.
    """

    name: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.name} ({self.detail})" if self.detail else self.name


def look_inside(contents: Sequence[tuple[int, bytes]], *, tls13: bool) -> tuple[tuple[Inside, ...], ...]:
    """Return what each of the readable records of one direction holds.

    Args:
        contents: of each record its (inner) content type and its plaintext, in the order sent; CLOSED where a record
            could not be read, and so no message goes on behind it.
        tls13: whether the version is TLS 1.3: a session ticket looks otherwise before.
    """
    found: list[list[Inside]] = [[] for _ in contents]
    fragments: list[int] = []
    for index, (content_type, plaintext) in enumerate(contents):
        if content_type == HANDSHAKE:
            fragments.append(index)
            continue
        if (content_type, plaintext) == CLOSED:
            _name_messages(contents, fragments, found, tls13=tls13)
            fragments = []
        elif content_type == ALERT:
            found[index].append(_alert(plaintext))
        elif content_type == CHANGE_CIPHER_SPEC:
            found[index].append(Inside("Change Cipher Spec", "means nothing" if tls13 else ""))
        elif content_type != APPLICATION_DATA:
            found[index].append(Inside(CONTENT_TYPES.get(content_type, f"content type {content_type}")))
    _name_messages(contents, fragments, found, tls13=tls13)
    return tuple(tuple(things) for things in found)


def _name_messages(
    contents: Sequence[tuple[int, bytes]], fragments: Sequence[int], found: list[list[Inside]], *, tls13: bool
) -> None:
    """Name the messages in the fragments, each in every record that it has a part in."""
    ends, length = [], 0
    for index in fragments:
        length += len(contents[index][1])
        ends.append(length)
    data = b"".join(contents[index][1] for index in fragments)
    at = number = 0  # the offset of a message, and the number of the fragment that it begins in
    while at < len(data):
        while ends[number] <= at:
            number += 1
        size = int.from_bytes(data[at + 1 : at + HANDSHAKE_HEADER], "big")
        end = at + HANDSHAKE_HEADER + size
        whole = len(data) - at >= HANDSHAKE_HEADER and end <= len(data)
        name = registry.HANDSHAKE_TYPES.get(data[at], f"handshake type {data[at]}")
        body = data[at + HANDSHAKE_HEADER : end]
        if data[at] == SERVER_HELLO and body[2:10] == RETRY_RANDOM[:8]:
            name = "Hello Retry Request"
        if not whole:
            thing = Inside(name, "the rest is missing")
        elif ends[number] >= end:
            thing = Inside(name, _detail(data[at], body, tls13=tls13))
        else:
            thing = Inside(name, "goes on in the next record")
        found[fragments[number]].append(thing)
        while ends[number] < min(end, len(data)):
            number += 1
            found[fragments[number]].append(Inside(f"rest of {name}"))
        at = end if whole else len(data)


def _detail(msg_type: int, body: bytes, *, tls13: bool) -> str:
    try:
        if msg_type == NEW_SESSION_TICKET:
            return _ticket(body, tls13=tls13)
        if msg_type == KEY_UPDATE:
            cursor = Cursor(body)
            asked = cursor.number(1)
            cursor.done()
            return _UPDATE_REQUESTED.get(asked, f"request_update {asked}")
    except MalformedError as error:
        return f"malformed: {error}"
    if msg_type == FINISHED:
        return f"verify_data of {len(body)} bytes"
    return ""


def _ticket(body: bytes, *, tls13: bool) -> str:
    cursor = Cursor(body)
    lifetime = cursor.number(4)
    if tls13:
        cursor.number(4)  # ticket_age_add
        cursor.vector(1)  # ticket_nonce
    ticket = cursor.vector(2).left
    early = 0
    if tls13:
        extensions = cursor.vector(2)
        while extensions.left:
            kind, content = extensions.number(2), extensions.vector(2)
            if kind == EARLY_DATA:
                early = content.number(4)
                content.done()
    cursor.done()
    said = f"ticket of {ticket} bytes, for {lifetime} s"
    return f"{said}, allows {early} bytes of early data" if early else said


def _alert(plaintext: bytes) -> Inside:
    if len(plaintext) != 2:  # RFC 8446, section 5.1: never split, never joined
        return Inside("Alert", f"malformed: {len(plaintext)} bytes instead of 2")
    level, description = plaintext
    return Inside(
        registry.ALERT_DESCRIPTIONS.get(description, f"alert {description}"),
        f"{registry.ALERT_LEVELS.get(level, f'level {level}')} alert",
    )
