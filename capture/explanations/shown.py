"""A field's value as text that may stand in a sentence.

Pure and total. What was captured is data: only printable characters come out, all others as escapes.
"""

import codecs
import ipaddress
import re
from collections.abc import Callable

_HEX = 16  # bytes shown as hexadecimal digits
_TEXT = 60  # bytes shown as text
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


def fill(template: str, number: int | None, size: int, head: bytes) -> str:
    """Put a value into a template.

    Args:
        template: a sentence; may hold the placeholders {number}; {bytes}, the number with its unit; {long}, the field's
            size with its unit; {hex}; {text}; {address}; {oid}.
        number: the field's value, where it is a number.
        size: how many bytes the field has.
        head: its first bytes.

    Returns:
        The sentence; empty where it needs a number and there is none.
    """
    if number is None and ("{number}" in template or "{bytes}" in template):
        return ""
    return _PLACEHOLDER.sub(lambda found: PLACEHOLDERS[found[1]](number or 0, size, head[:size]), template)


def digits(data: bytes, size: int) -> str:
    """Return bytes as "17:03:03", the first of them where there are many."""
    return data[:_HEX].hex(":") + ("…" if size > _HEX else "")


def text(data: bytes, size: int) -> str:
    """Return bytes as UTF-8 text, the beginning where it is long; anything that cannot be printed as an escape."""
    whole = size <= _TEXT
    # a character that the cut goes through is left out
    decoded = codecs.getincrementaldecoder("utf-8")("backslashreplace").decode(data[:_TEXT], final=whole)
    printable = (c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in decoded)
    return "".join(printable) + ("" if whole else "…")


def address(data: bytes) -> str:
    """Return the address of a network card, IPv4 or IPv6, told by its length."""
    return str(ipaddress.ip_address(data)) if len(data) in {4, 16} else digits(data, len(data))


def object_identifier(data: bytes) -> str:
    """Return an object identifier in dots (X.690, section 8.19), or "" where there is none.

    Args:
        data: its content alone, or a sequence that begins with it, as extensions of a certificate and algorithms do.
    """
    if data[:1] == b"\x30":  # a sequence: its header, then the header of the identifier
        start = 2 + (data[1] & 0x7F if len(data) > 1 and data[1] & 0x80 else 0)
        if data[start : start + 1] != b"\x06" or len(data) < start + 2:
            return ""
        data = data[start + 2 : start + 2 + data[start + 1]]
    numbers, number = [], 0
    for byte in data:
        number = number << 7 | byte & 0x7F
        if not byte & 0x80:
            numbers.append(number)
            number = 0
    if not numbers or data[-1] & 0x80:
        return ""
    first = min(numbers[0] // 40, 2)
    return ".".join(map(str, [first, numbers[0] - 40 * first, *numbers[1:]]))


def _bytes(number: int) -> str:
    return f"{number} byte" if number == 1 else f"{number} bytes"


# What stands for each placeholder, of a number, a size and the first bytes.
PLACEHOLDERS: dict[str, Callable[[int, int, bytes], str]] = {
    "number": lambda number, _size, _head: str(number),
    "bytes": lambda number, _size, _head: _bytes(number),
    "long": lambda _number, size, _head: _bytes(size),
    "hex": lambda _number, size, head: digits(head, size),
    "text": lambda _number, size, head: text(head, size),
    "address": lambda _number, _size, head: address(head),
    "oid": lambda _number, _size, head: object_identifier(head),
}
