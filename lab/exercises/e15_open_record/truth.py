"""What a student's code makes of records: the one of their capture, and others that are sealed here."""

import itertools
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from capture.hello import server_hello
from capture.registry import CIPHER_SUITES
from capture.schedule import SUITES, TrafficSecret
from capture.tls import APPLICATION_DATA, HANDSHAKE
from lab import sandbox
from lab.errors import LabError
from lab.exercises.draw import Draw
from lab.exercises.e15_open_record.run import PEOPLE, SOLUTION, sequence, stream
from lab.exercises.e15_open_record.seal import RIGHT, DataMistake, KeyMistake, Mistakes, NonceMistake, Sealed, seal
from lab.exercises.work import Work

LIMITS = sandbox.Limits(seconds=10.0, output=1 << 19)
_HARNESS = Path(__file__).with_name("harness.py")
_SUITES = (0x1301, 0x1302, 0x1303)  # RFC 8446, section B.4
_TEXT = b"text"
_LARGE = 1 << 40  # the number of a record has up to 64 bits (RFC 8446, section 5.3)


@dataclass(frozen=True, slots=True)
class Result:
    """What came out for one record.

    Attributes:
        ended: "bytes", "nothing", "not_bytes" or "raised".
        value: the bytes; none where it ended otherwise.
        name: of the exception.
        content: what is right; None where the record was changed and must be refused.
        inner: the content with its type and padding.
    """

    ended: str
    value: bytes
    name: str
    content: bytes | None
    inner: bytes

    @property
    def is_right(self) -> bool:
        """Whether the content came out, or the changed record was refused."""
        return self.ended == "raised" if self.content is None else (self.ended, self.value) == ("bytes", self.content)


@dataclass(frozen=True, slots=True)
class Truth:
    """What came out, for each group of records.

    Attributes:
        problem: "" or why there is nothing: "no_solution", "never_ends", "broken", "no_function", "crashed".
        printed: whether the code has printed anything.
        captured: the record of the capture.
        numbered: records with other numbers, the last of them with a large one.
        padded: records with padding.
        suites: records of the other cipher suites.
        changed: records that were changed on the way.
        mistaken: the mistakes with which code has to be written to open what it has opened.
    """

    problem: str
    printed: bool = False
    captured: tuple[Result, ...] = ()
    numbered: tuple[Result, ...] = ()
    padded: tuple[Result, ...] = ()
    suites: tuple[Result, ...] = ()
    changed: tuple[Result, ...] = ()
    mistaken: tuple[Mistakes, ...] = ()


@dataclass(frozen=True, slots=True)
class _Case:
    group: str
    record: Sealed
    content: bytes | None
    inner: bytes = b""
    mistakes: Mistakes = RIGHT


def truth(work: Work) -> Truth:
    """Run the student's code: apart from everything where the system allows it, and always where it is graded.

    Raises:
        LabError: capture and key log do not hold the record, or code cannot be run apart although it must.
        CaptureError: one of them cannot be read.
    """
    cases = [_captured(work)]
    cases += _sealed(work.draw, cases[0].record)
    if not work.has(SOLUTION):
        return Truth("no_solution")
    told = _run(work, [case.record for case in cases])
    if isinstance(told, str):
        return Truth(told)
    groups: dict[str, list[Result]] = {}
    mistaken = []
    for case, (ended, value) in zip(cases, told["results"], strict=True):
        opened = bytes.fromhex(value) if ended == "bytes" else b""
        if case.group == "mistaken":
            mistaken += [case.mistakes] if ended == "bytes" and opened.startswith(_TEXT) else []
            continue
        groups.setdefault(case.group, []).append(Result(ended, opened, value, case.content, case.inner))
    found = {group: tuple(results) for group, results in groups.items()}
    return Truth("", told["printed"], **found, mistaken=tuple(mistaken))


def _captured(work: Work) -> _Case:
    traffic = work.opened(work.keylog())
    traffic.expect(PEOPLE)
    session = traffic.sessions[stream(work.draw)]
    answer = server_hello(session.server)
    opened = None if session.opened is None else session.opened[0]
    for item in opened or ():
        secret = item.keys.secret
        if (
            item.content_type == APPLICATION_DATA
            and item.sequence == sequence(work.draw)
            and isinstance(secret, TrafficSecret)
            and answer is not None
        ):
            record = Sealed(answer.cipher_suite, secret.secret, item.sequence, item.record.header, item.record.fragment)
            inner = item.plaintext + bytes([item.content_type]) + bytes(item.padding)
            return _Case("captured", record, item.plaintext, inner)
    raise LabError("The key log does not open the record that the run has made.")


def _sealed(draw: Draw, captured: Sealed) -> Iterator[_Case]:
    """Yield the records that nobody has seen: their keys and texts are drawn."""
    suite = captured.suite

    def case(group: str, label: str, number: int, *, suite: int = suite, end: bytes = b"", **more: Any) -> _Case:
        secret = draw.bytes(f"secret of {label}", SUITES[suite].hash.digest_size)
        content = draw.bytes(f"text of {label}", 24).hex().encode() + end
        sealed = seal(suite, secret, number, content, **more)
        inner = content + bytes([more.get("inner_type", APPLICATION_DATA)]) + bytes(more.get("padding", 0))
        return _Case(group, sealed, content, inner)

    yield case("numbered", "first", draw.number("small", 1, 255))
    yield case("numbered", "second", draw.number("middle", 256, 65_535))
    yield case("numbered", "third", draw.number("large", _LARGE, 2 * _LARGE))
    yield case("padded", "padded", 3, padding=draw.number("padding", 2, 64))
    yield case("padded", "handshake", 4, padding=draw.number("more padding", 2, 64), inner_type=HANDSHAKE)
    yield case("padded", "zeros", 5, padding=draw.number("last padding", 0, 3), end=bytes(draw.number("zeros", 1, 5)))
    for other in _SUITES:
        if other != suite:
            yield case("suites", f"suite {other}", draw.number(f"number of {other}", 1, 255), suite=other)
    whole = case("changed", "changed", draw.number("changed", 1, 255)).record
    at = draw.number("changed byte", 0, len(whole.fragment) - 17)
    header = whole.header[:1] + b"\x03\x02" + whole.header[3:]
    for changed in (
        replace(whole, fragment=_flipped(whole.fragment, at)),
        replace(whole, fragment=_flipped(whole.fragment, len(whole.fragment) - 1)),
        replace(whole, fragment=whole.fragment[:-1]),
        replace(whole, header=header),
        replace(whole, sequence=whole.sequence + 1),
    ):
        yield _Case("changed", changed, None)
    kinds = itertools.product(get_args(KeyMistake), get_args(NonceMistake), get_args(DataMistake))
    for mistakes in itertools.starmap(Mistakes, kinds):
        if mistakes.first:
            record = seal(suite, captured.secret, captured.sequence, _TEXT, mistakes=mistakes)
            yield _Case("mistaken", record, None, mistakes=mistakes)


def _flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def _run(work: Work, records: Sequence[Sealed]) -> dict[str, Any] | str:
    """Return what the harness says, its results as pairs; or which problem there is instead."""
    given = [
        {
            "suite": CIPHER_SUITES[record.suite],
            "secret": record.secret.hex(),
            "header": record.header.hex(),
            "fragment": record.fragment.hex(),
            "sequence": record.sequence,
        }
        for record in records
    ]
    code = work.read(SOLUTION)
    with tempfile.TemporaryDirectory() as private:
        folder = Path(private)
        (folder / SOLUTION).write_bytes(code)
        order = json.dumps({"path": SOLUTION, "records": given}).encode()
        command = [sys.executable, "-P", str(_HARNESS)]
        ran = sandbox.run(command, folder, given=order, limits=LIMITS, isolated=work.apart)
    if ran.stopped == "time":
        return "never_ends"
    try:
        told = json.loads(ran.stdout)
        if told["problem"] in ("broken", "no_function"):
            return str(told["problem"])
        results = [(str(result["ended"]), str(result["value"])) for result in told["results"]]
        for ended, value in results:
            if ended == "bytes":
                bytes.fromhex(value)
        usable = len(results) == len(records)
        told = {"printed": bool(told["printed"]), "results": results}
    # the code may have written anything there, or nothing
    except (ValueError, KeyError, TypeError, RecursionError):
        usable = False
    return told if usable else "crashed"
