"""Dissects a capture file with tshark, where sharkd is not installed: from its PDML.

Knows PDML (https://gitlab.com/wireshark/wireshark/-/blob/master/doc/README.xml-output) and what it leaves out: the
bytes that are not the frame's own, and what Wireshark made up. A second tshark prints these
(`capture.dissectors.printed`), and `capture.dissectors.places` finds where each field stands.
"""

import codecs
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from xml.parsers import expat

from capture.dissection import Dissection, Node, Source
from capture.dissectors.places import Field, place
from capture.dissectors.printed import Printed
from capture.dissectors.profile import CAPTURE, Profile, Understood, profile
from capture.dissectors.values import number_of
from capture.errors import CaptureError
from capture.readers.tshark import last_words
from capture.tools import require

_READ = ("-2", "-r", CAPTURE)  # -2: like sharkd, which reads the file to its end before it takes a frame apart
_CHUNK = 1 << 16
_SUMMARY = "geninfo"  # PDML's own, at the head of each frame
_WRAPPER = "fake-field-wrapper"  # around fields that belong to no protocol


def dissect(path: Path, ports: Mapping[int, Understood], keylog: Path | None) -> Iterator[Dissection]:
    """Yield each frame of the whole capture file at `path`, taken apart.

    Args:
        path: the capture file.
        ports: what a TCP port carries.
        keylog: the key log that opens TLS.

    Raises:
        ToolMissingError: there is no tshark.
        KeyLogError: the key log cannot be read.
        CaptureError: tshark could not read the file, or has died, or says what cannot be understood.
    """
    program = require("tshark")
    with profile(path, ports, keylog) as where:
        yield from _read(program, where, path)


def _read(program: str, where: Profile, path: Path) -> Iterator[Dissection]:
    with (
        tempfile.TemporaryFile("w+", errors="replace") as stderr,
        where.start(program, *_READ, "-T", "pdml", stderr=stderr) as fields,
        where.start(program, *_READ, "-V", "-x", stderr=stderr) as text,
    ):
        try:
            printed = Printed(_lines(text))
            for frame, tree in enumerate(_trees(fields), start=1):
                yield _dissection(frame, tree, printed)
        except _EndedError as error:
            stderr.seek(0)
            msg = f"tshark could not read {path}: {last_words(stderr.read(), error.status)}."
            raise CaptureError(msg) from error
        except (expat.ExpatError, ValueError, LookupError) as error:
            msg = f"tshark says about {path} what the lab cannot read; another version of Wireshark may help."
            raise CaptureError(msg) from error
        finally:
            fields.kill()
            text.kill()


class _EndedError(Exception):
    """tshark has ended and says that it failed."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def _chunks(process: subprocess.Popen[bytes]) -> Iterator[bytes]:
    assert process.stdout is not None
    while chunk := process.stdout.read(_CHUNK):
        yield chunk
    status = process.wait()
    if status:
        raise _EndedError(status)


def _lines(process: subprocess.Popen[bytes]) -> Iterator[str]:
    rest = b""
    for chunk in _chunks(process):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (line.decode(errors="replace") for line in lines)


def _trees(process: subprocess.Popen[bytes]) -> Iterator[list[Field]]:
    """Yield the protocols of each frame, with the fields that belong to them."""
    done: list[list[Field]] = []
    open_lists: list[list[Field]] = []

    summary = False

    def start(element: str, attributes: dict[str, str]) -> None:
        nonlocal summary
        if element == "packet":
            open_lists.append([])
        elif element == "proto":
            summary = attributes["name"] == _SUMMARY
        if element in ("proto", "field") and not summary:
            one = _field(attributes)
            open_lists[-1].append(one)
            open_lists.append(one.fields)

    def end(element: str) -> None:
        if element in ("proto", "field") and not summary:
            open_lists.pop()
        elif element == "packet":
            done.append(open_lists.pop())

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = start, end
    decoder = codecs.getincrementaldecoder("utf-8")("replace")  # captured text may be in it that is no UTF-8
    for chunk in _chunks(process):
        parser.Parse(decoder.decode(chunk))
        yield from done
        done.clear()
    parser.Parse("", True)
    yield from done  # expat may have put off what it could not finish in the last chunk


def _field(attributes: Mapping[str, str]) -> Field:
    show = attributes.get("show", "")
    # of bits, `value` is what they are worth
    value = attributes.get("unmaskedvalue") or attributes.get("value")
    return Field(
        name=attributes["name"],
        label=attributes.get("showname") or show,
        show=show,
        position=int(attributes.get("pos", 0)),
        size=int(attributes.get("size", 0)),
        value=bytes.fromhex(value) if value else None,
        hidden=attributes.get("hide") == "yes",
    )


def _dissection(frame: int, tree: list[Field], printed: Printed) -> Dissection:
    top = [one for protocol in tree for one in (protocol.fields if protocol.name == _WRAPPER else [protocol])]
    seen = list(_seen(top))
    lines, sources = printed.frame([one.label for one in seen])
    for one, line in zip(seen, lines, strict=True):
        one.label, one.made_up = line
        if one.value and not one.size and one.fields:
            # bytes of no protocol: PDML says where they stand only of the field below, which has the same
            one.position, one.size = one.fields[0].position, len(one.value)
    place(top, sources)
    return Dissection(frame, tuple(sources), tuple(_nodes(top, 0, sources)))


def _seen(fields: list[Field]) -> Iterator[Field]:
    """Yield the fields that Wireshark shows, from top to bottom."""
    for one in fields:
        if not one.hidden:
            yield one
            yield from _seen(one.fields)


def _nodes(fields: list[Field], depth: int, sources: list[Source]) -> Iterator[Node]:
    for one in fields:
        if one.hidden:
            continue
        below = depth
        data = sources[one.source].data[one.start : one.start + one.size]
        if data and not one.made_up:
            # a protocol shows no value, and what has no bytes in PDML has no number there
            number = number_of(one.show, data) if one.value else None
            yield Node(one.name, one.label, number, one.source, one.start, len(data), depth)
            below = depth + 1
        yield from _nodes(one.fields, below, sources)
