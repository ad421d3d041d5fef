"""What an attacker on the way does to messages that pass: which one, which bit of it, and how. Pure.

Knows how the bytes of each transport are cut into units: a line, a framed line, a TLS record. No key is needed for
that, and none is here. Must not know: sockets, the capture, what comes of it.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from capture.tls import APPLICATION_DATA, HEADER, parse_header
from chat import protocol
from chat.errors import ChatError
from lab.errors import LabError
from lab.scenarios.codecs import LENGTH

_MOST = 7  # messages: some before the one that is changed and some after it, and all fit a page


class Transport(StrEnum):
    """How a chat travels."""

    PLAIN = "plaintext"
    XOR = "XOR"
    TLS_1_2 = "TLS 1.2"
    TLS_1_3 = "TLS 1.3"

    @property
    def is_tls(self) -> bool:
        """Whether it is TLS."""
        return self in (Transport.TLS_1_2, Transport.TLS_1_3)


class Tampering(StrEnum):
    """What is done to one message on its way."""

    NONE = "left alone"
    FLIP = "one bit flipped"
    REPLAY = "sent twice"
    DROP = "left out"
    SWAP = "swapped with next"
    CUT = "chat cut short"


# How many units the client sends before its first message: the name, and in TLS 1.3 its Finished, which from outside
# looks like any other record.
BEFORE = {Transport.PLAIN: 1, Transport.XOR: 1, Transport.TLS_1_2: 1, Transport.TLS_1_3: 2}

# How many bytes of a unit stand before the words: a length; the header of a record, and in TLS 1.2 with AES-GCM the
# explicit nonce of 8 bytes (RFC 5288, section 3). All encrypt byte by byte, so after it stand the words, byte for byte.
BODY = {Transport.PLAIN: 0, Transport.XOR: LENGTH, Transport.TLS_1_2: HEADER + 8, Transport.TLS_1_3: HEADER}


@dataclass(frozen=True, slots=True)
class Flip:
    """A bit to flip.

    Attributes:
        byte: offset of its byte in the words.
        bit: its number in that byte, 0 for the lowest.
    """

    byte: int
    bit: int

    def of(self, data: bytes, body: int = 0) -> bytes:
        """Return `data`, in which the words start at `body`, with this bit flipped."""
        at = body + self.byte
        return data[:at] + bytes([data[at] ^ 1 << self.bit]) + data[at + 1 :]


@dataclass(frozen=True, slots=True)
class Target:
    """What is said, and what of it is to be changed.

    Attributes:
        words: the messages, no two of them the same.
        at: which one is changed, from 0.
        flip: which bit of it, where one is flipped.
    """

    words: tuple[str, ...]
    at: int
    flip: Flip

    @property
    def flipped(self) -> str:
        """The words with the bit flipped."""
        return self.flip.of(self.words[self.at].encode()).decode()


def draw(texts: Sequence[str], seed: int) -> Target:
    """Choose a message somewhere in the middle and a bit of it; a message that is said twice counts once.

    Raises:
        LabError: there are too few messages, or no bit of that one can be flipped.
    """
    words = tuple(dict.fromkeys(texts))[:_MOST]
    if len(words) < 3:
        msg = "Three different messages are needed: one to change, one before it and one after it."
        raise LabError(msg)
    drawing = random.Random(seed)  # noqa: S311  (what is drawn is to be drawn again, and is no secret)
    margin = min(2, (len(words) - 1) // 2)
    at = drawing.randrange(margin, len(words) - margin)
    flips = _flips(words, at)
    if not flips:
        msg = f"No bit of {words[at]!a} can be flipped so that it says something else: give longer messages."
        raise LabError(msg)
    return Target(words, at, drawing.choice(flips))


def _flips(words: tuple[str, ...], at: int) -> list[Flip]:
    """Return the flips that turn a letter or digit into another one, else all that make other words."""
    data = words[at].encode()
    flips = [Flip(byte, bit) for byte in range(len(data)) for bit in range(8)]
    fit = [flip for flip in flips if _sayable(line := flip.of(data)) and line.decode() not in words]
    return [flip for flip in fit if _shows(data[flip.byte], data[flip.byte] ^ 1 << flip.bit)] or fit


def _shows(before: int, after: int) -> bool:
    """Return whether two bytes are different letters or digits of ASCII, and not one letter large and small."""
    old, new = chr(before), chr(after)
    return max(before, after) < 0x80 and old.isalnum() and new.isalnum() and old.lower() != new.lower()


def _sayable(line: bytes) -> bool:
    try:
        text = line.decode()
        protocol.encode_typed(text)
        return isinstance(protocol.parse(line), protocol.Say)
    except (UnicodeDecodeError, ChatError):
        return False


def unit_end(transport: Transport, data: bytes) -> int | None:
    """Return where the first unit of `data` ends; None: need more bytes.

    Raises:
        MalformedError: it is not what this transport sends.
    """
    if transport is Transport.PLAIN:
        return data.find(b"\n") + 1 or None
    if transport is Transport.XOR:
        end = LENGTH + int.from_bytes(data[:LENGTH], "big")
        return end if end <= len(data) else None
    header = parse_header(data)
    return None if header is None or HEADER + header[2] > len(data) else HEADER + header[2]


def carries(transport: Transport, unit: bytes) -> bool:
    """Return whether a unit may carry words: of TLS only a record of type application_data."""
    return not transport.is_tls or unit[0] == APPLICATION_DATA


class OnTheWay:
    """Changes what a client sends, as it passes; for one connection."""

    def __init__(self, transport: Transport, tampering: Tampering, target: Target) -> None:
        self._transport, self._tampering, self._target = transport, tampering, target
        self._rest = b""
        self._number = -BEFORE[transport]  # of the next unit that carries words, 0 for the first message
        self._held = b""

    def __call__(self, data: bytes) -> bytes:
        """Take the next bytes; return what is passed on now. What is no whole unit yet waits for the rest of it."""
        self._rest += data
        passed = []
        while (end := unit_end(self._transport, self._rest)) is not None:
            unit, self._rest = self._rest[:end], self._rest[end:]
            passed.append(self._pass(unit))
        return b"".join(passed)

    def _pass(self, unit: bytes) -> bytes:
        after = self._number - self._target.at
        if carries(self._transport, unit):
            self._number += 1
        elif after <= 0:
            return unit
        match self._tampering:
            case Tampering.FLIP if after == 0:
                return self._target.flip.of(unit, BODY[self._transport])
            case Tampering.REPLAY if after == 0:
                return unit + unit
            case Tampering.DROP if after == 0:
                return b""
            case Tampering.SWAP if after == 0:
                self._held = unit
                return b""
            case Tampering.SWAP if after == 1:
                return unit + self._held
            case Tampering.CUT if after >= 0:
                return b""
        return unit
