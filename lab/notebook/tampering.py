"""What notebook 8 shows of tampering: rows of the verdict of the scenario `tamper`, and the bytes behind them.

Knows verdict.json and capture files, and ciphers to try by hand. Decides nothing.
"""

from collections.abc import Callable, Mapping
from typing import Any

from capture.packets import packets
from lab.errors import LabError
from lab.notebook.errors import CellError
from lab.notebook.live import Run
from lab.scenarios.codecs import LENGTH, Codec, RepeatingXor
from lab.scenarios.tamper.changes import Flip, Tampering, Transport

_AROUND = 5  # bytes shown on each side of the one that differs


def grid(verdict: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Return for each thing done on the way what the reader got over each transport, and who noticed."""
    claims = {claim["what"]: claim for claim in verdict["claims"]}

    def entry(transport: str, tampering: str) -> str:
        read = claims[f"{transport}, {tampering}: what is read"]["measured"]
        return read if tampering == Tampering.NONE else f"{read}; {_noticed(claims, transport, tampering)}"

    return [(tampering, *(entry(transport, tampering) for transport in Transport)) for tampering in Tampering]


def _noticed(claims: Mapping[str, Mapping[str, Any]], transport: str, tampering: str) -> str:
    claim = claims[f"{transport}, {tampering}: who notices"]
    if not claim["measured"].startswith("the server refuses"):
        return f"✘ {claim['measured']}"
    _, alert, *_ = claim["spans"]  # the record, the alert, the end of the connection
    return f"✔ refused, alert in frame {alert['frame']}"


def frames(verdict: Mapping[str, Any], transport: str) -> list[int]:
    """Return the frames with the message whose bit was flipped: as it was sent, and as it arrived."""
    return [span["frame"] for span in _flipped(verdict, transport)]


def bits(run: Run) -> list[tuple[str, str, bytes, str, str]]:
    """Return the flipped bit over each transport, as it was sent and as it arrived.

    Returns:
        Two rows for each transport: its name, where the byte stands, the bytes around it, the byte in bits, and after
        its arrival who noticed.
    """
    data = {packet.frame: packet.data for packet in packets(run.capture)}
    claims = {claim["what"]: claim for claim in run.verdict["claims"]}
    rows = []
    for transport in Transport:
        hops = _flipped(run.verdict, transport)
        before, after = (data[span["frame"]][span["first"] : span["last"] + 1] for span in hops)
        at = next(n for n, (one, other) in enumerate(zip(before, after, strict=True)) if one != other)
        around = slice(max(0, at - _AROUND), at + _AROUND + 1)
        ends = "as sent", _noticed(claims, transport, Tampering.FLIP)
        for span, unit, end in zip(hops, (before, after), ends, strict=True):
            where = f"frame {span['frame']}, byte {span['first'] + at}"
            rows.append((str(transport), where, unit[around], f"{unit[at]:08b}", end))
    return rows


def _flipped(verdict: Mapping[str, Any], transport: str) -> list[Mapping[str, int]]:
    name = f"{transport}, {Tampering.FLIP}: on the way"
    return next(claim["spans"] for claim in verdict["claims"] if claim["what"] == name)


def flip(cipher: Callable[[], Codec], words: str, byte: int, bit: int) -> list[tuple[str, str]]:
    """Seal a line, flip a bit of it without the key, and open it, to be tried by hand.

    Args:
        cipher: makes one side of what seals; both sides have the same key.
        words: the line.
        byte: which byte of the words, from 0.
        bit: which bit of it, 0 for the lowest.

    Returns:
        What each of the three has: who seals, who flips, who opens.

    Raises:
        CellError: there is no such byte or bit.
    """
    line = words.encode()
    if not 0 <= byte < len(line) or not 0 <= bit < 8:
        msg = f"The words have the bytes 0 to {len(line) - 1}, and a byte has the bits 0 to 7."
        raise CellError(msg)
    sealed = cipher().seal(line)
    # the others have the length of what is sealed in front
    body = 0 if isinstance(cipher(), RepeatingXor) else LENGTH
    changed = Flip(byte, bit).of(sealed, body)
    try:
        opened = b"".join(cipher().open(changed)).decode("utf-8", "backslashreplace")
    except LabError as error:
        opened = f"✘ refused: {error}"
    return [("alice seals", sealed.hex(" ")), ("on the way it becomes", changed.hex(" ")), ("bob opens", opened)]
