"""Dissects a capture file with one sharkd, Wireshark's server for other programs.

Knows JSON-RPC as sharkd speaks it (https://wiki.wireshark.org/sharkd-JSON-RPC-Request-Syntax) over its standard input
and output. Requests are sent ahead of the answers, but never so many that they fill a pipe: then nobody waits for
nobody, and no thread is needed.
"""

import base64
import contextlib
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from capture.dissection import Dissection, Node, Source
from capture.dissectors.profile import CAPTURE, Profile, Understood, profile
from capture.dissectors.values import kind_of, name_of, number_of
from capture.errors import CaptureError
from capture.readers.tshark import last_words
from capture.tools import require

_AHEAD = 128  # requests; of 90 bytes each, so that they fit into the smallest pipe there is (16 KiB on macOS)

_USUAL = ("Hello in child", "load: ")  # what it says where all is well


def dissect(path: Path, ports: Mapping[int, Understood], keylog: Path | None) -> Iterator[Dissection]:
    """Yield each frame of the whole capture file at `path`, taken apart.

    Args:
        path: the capture file.
        ports: what a TCP port carries.
        keylog: the key log that opens TLS.

    Raises:
        ToolMissingError: there is no sharkd.
        KeyLogError: the key log cannot be read.
        CaptureError: sharkd could not read the file, or has died, or says what cannot be understood.
    """
    program = require("sharkd")
    with profile(path, ports, keylog) as where:
        yield from _talk(program, where, path)


def _talk(program: str, where: Profile, path: Path) -> Iterator[Dissection]:
    with (
        tempfile.TemporaryFile("w+", errors="replace") as stderr,
        where.start(program, "-", stderr=stderr, asked=True) as process,
    ):
        try:
            yield from Sharkd(process).frames(CAPTURE)
        except _EndedError as error:
            status = process.wait()
            stderr.seek(0)
            said = "".join(line for line in stderr if not line.startswith(_USUAL))
            msg = f"sharkd could not read {path}: {last_words(said, status)}."
            raise CaptureError(msg) from error
        except _RefusedError as error:
            msg = f"sharkd could not read {path}: {error}."
            raise CaptureError(msg) from error
        # what stands in an answer is looked for where it must be; that it stands elsewhere, or is another thing, is
        # not told apart
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            msg = f"sharkd gave an answer about {path} that the lab cannot read; another version of Wireshark may help."
            raise CaptureError(msg) from error
        finally:
            process.kill()


class _EndedError(Exception):
    """sharkd has ended."""


class _RefusedError(Exception):
    """sharkd answers that it cannot do it."""


class Sharkd:
    """A conversation with a sharkd that was started with its standard input and output as pipes.

    What it cannot be asked or answers otherwise than it should raises as `dissect` expects it.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._in, self._out = process.stdin.fileno(), process.stdout
        self._asked = self._answered = 0

    def frames(self, file: str) -> Iterator[Dissection]:
        """Let it load a capture file and yield each frame of it; to the end, before another file is asked for."""
        self._ask("load", file=file)
        self._ask("status")
        self._answer()
        count = int(self._answer()["frames"])
        asked = 0
        for frame in range(1, count + 1):
            while asked < min(count, frame + _AHEAD):
                asked += 1
                self._ask("frame", frame=asked, proto=True, bytes=True)
            yield _dissection(frame, self._answer())

    def _ask(self, method: str, **parameters: Any) -> None:
        self._asked += 1
        request = {"jsonrpc": "2.0", "id": self._asked, "method": method, "params": parameters}
        with contextlib.suppress(BrokenPipeError):  # then there is no answer, which is noticed
            os.write(self._in, json.dumps(request).encode() + b"\n")

    def _answer(self) -> Any:
        line = b"\n"
        while line == b"\n":  # it writes empty ones in between
            line = self._out.readline()
        if not line.endswith(b"\n"):
            raise _EndedError
        # captured text may be in it that is no UTF-8, or not escaped
        answer = json.loads(line.decode(errors="replace"), strict=False)
        self._answered += 1
        if answer["id"] != self._answered:
            msg = f"answer {answer['id']} instead of {self._answered}"
            raise ValueError(msg)
        if "error" in answer:
            raise _RefusedError(str(answer["error"]["message"]).rstrip("."))
        return answer["result"]


def _dissection(frame: int, answer: Mapping[str, Any]) -> Dissection:
    sources = [Source("frame", _bytes(answer["bytes"]))]
    sources += [Source(kind_of(source["name"]), _bytes(source["bytes"])) for source in answer.get("ds", ())]
    nodes: list[Node] = []
    _flatten(answer["tree"], 0, sources, nodes)
    return Dissection(frame, tuple(sources), tuple(nodes))


def _bytes(text: str) -> bytes:
    return base64.b64decode(text)


def _flatten(tree: list[Any], depth: int, sources: list[Source], nodes: list[Node]) -> None:
    """Append the nodes of a tree of sharkd's that stand on bytes.

    Its keys: l is the text, f the display filter, h first byte and length, ds the index of the source if it is not the
    frame, g whether Wireshark made the field up, v whether it is hidden, n what belongs to it.
    """
    for item in tree:
        below = depth
        if "h" in item and "g" not in item and "v" not in item:
            start, size = item["h"]
            source = item.get("ds", 0)
            data = sources[source].data[start : start + size]
            if data:  # what Wireshark misses at the end of a frame cut short is in no source
                label = item["l"]
                name, _, value = item.get("f", "").partition(" == ")
                number = number_of(value, data) if value else None
                if not name or name.startswith("frame["):  # a filter for these bytes, whatever they are
                    name, number = name_of(label), None
                nodes.append(Node(name, label, number, source, start, len(data), depth))
                below = depth + 1
        if "n" in item:
            _flatten(item["n"], below, sources, nodes)
