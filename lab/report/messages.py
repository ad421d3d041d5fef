"""Side by side: each message of the conversation, where it was read in plaintext, and which TLS records hold it. Pure.

A message is known from the transcript of a demo, or else from what was read off the wire, with keys where it was TLS.
"""

import bisect
import itertools
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from capture.decrypt import explicit_nonce, overhead
from capture.opened import Opened
from capture.schedule import SUITES, TAG
from capture.streams import ByteStream, Span
from capture.tls import APPLICATION_DATA
from chat.escape import visible
from lab.overhear import Heard, overhear, repeated
from lab.reading import listen
from lab.report.wire import Talk, Wire
from lab.scenario import Sent


def messages(wire: Wire, sent: Mapping[str, Sequence[Sent]]) -> list[dict[str, Any]]:
    """Return the conversation as the page has it.

    Args:
        wire: the capture.
        sent: what was sent over each transport, empty where that is not known.
    """
    clear = [talk for talk in wire.talks if talk.tls is None]
    sealed = [talk for talk in wire.talks if talk.tls is not None]
    plain = listen([stream for talk in clear for stream in talk.streams])
    tls = listen([stream for talk in sealed for stream in talk.session.readable])
    overheard = _Pool(overhear([stream for talk in sealed for stream in talk.streams]))
    passed_on = _passed_on(plain, repeated([stream for talk in clear for stream in talk.streams]))
    side = _Tls(wire, sealed)
    found = []
    for number, (words, left, right) in enumerate(_rows(sent, plain, tls), start=1):
        first = left or right
        time_ns = first.time_ns if first is not None else words.time_ns if words is not None else None
        who, text = (words.who, words.text) if words is not None else (first.who, first.text) if first else ("", "")
        found.append(
            {
                "n": words.number if words is not None else number,
                "who": visible(who),
                "text": visible(text),
                "t": wire.since_start(time_ns) if time_ns is not None else None,
                "plain": _plain(wire, left, passed_on) if left is not None or "plain" in sent else None,
                "tls": side.cell(right, overheard.take(who, text)) if right is not None or "tls" in sent else None,
            }
        )
    return found


def _rows(
    sent: Mapping[str, Sequence[Sent]], plain: Sequence[Heard], tls: Sequence[Heard]
) -> Iterable[tuple[Sent | None, Heard | None, Heard | None]]:
    """Yield of each message what was sent, where it was read in plaintext, and where over TLS."""
    left, right = _Pool(plain), _Pool(tls)
    if sent:
        for words in max(sent.values(), key=len):
            yield words, left.take(words.who, words.text), right.take(words.who, words.text)
        return
    rows: list[tuple[int, Heard | None, Heard | None]] = [
        (heard.time_ns, heard, right.take(heard.who, heard.text)) for heard in plain
    ]
    rows += [(heard.time_ns, None, heard) for heard in right.left()]
    for _, one, other in sorted(rows, key=lambda row: row[0]):
        yield None, one, other


class _Pool:
    """Messages that were read, each to be taken once."""

    def __init__(self, heard: Iterable[Heard]) -> None:
        self._left: dict[tuple[str, str], deque[Heard]] = defaultdict(deque)
        for one in heard:
            self._left[one.who, one.text].append(one)

    def take(self, who: str, text: str) -> Heard | None:
        waiting = self._left.get((who, text))
        return waiting.popleft() if waiting else None

    def left(self) -> Iterable[Heard]:
        return itertools.chain.from_iterable(self._left.values())


def _plain(wire: Wire, heard: Heard | None, passed_on: Mapping[Span, list[int]]) -> dict[str, Any]:
    """Return what the eavesdropper has of a message in plaintext."""
    if heard is None:
        return {"read": False, "text": "", "spans": [], "payload": [], "t": None, "conn": None, "passed_on": []}
    data = heard.stream.data
    line_feed = data.find(b"\n", heard.end)
    line = data.rfind(b"\n", 0, heard.start) + 1, line_feed + 1 if line_feed >= 0 else len(data)
    return {
        "read": True,
        "text": visible(heard.text),
        "spans": spans(heard.spans),
        "payload": spans(heard.stream.locate(*line)),
        "t": wire.since_start(heard.time_ns),
        "conn": heard.stream.connection,
        "passed_on": passed_on[heard.spans[0]],
    }


def _passed_on(heard: Iterable[Heard], copies: Iterable[Heard]) -> Mapping[Span, list[int]]:
    """Return of each message, by its first span, the frames in which the server repeats it, to each listener once.

    The same words may come again. Whoever came in between has only the later ones, whoever left only the earlier: so
    the last of them takes the last copy to each listener, if that is not from before it.
    """
    left: dict[tuple[str, str], dict[int, list[Heard]]] = defaultdict(lambda: defaultdict(list))
    for copy in sorted(copies, key=_when):
        left[copy.who, copy.text][copy.stream.connection].append(copy)
    found: dict[Span, list[int]] = {}
    for one in sorted(heard, key=_when, reverse=True):
        last = [waiting for waiting in left[one.who, one.text].values() if waiting and _when(waiting[-1]) >= _when(one)]
        found[one.spans[0]] = sorted({waiting.pop().spans[0].frame for waiting in last})
    return found


def _when(heard: Heard) -> tuple[int, int]:
    return heard.time_ns, heard.spans[0].frame


class _Tls:
    """What there is of the TLS chats: the records, and what the keys open of them."""

    def __init__(self, wire: Wire, talks: Sequence[Talk]) -> None:
        self._wire = wire
        self._talks = {talk.number: talk for talk in talks}
        self._opened: dict[tuple[int, bool], tuple[list[int], list[Opened]]] = {}

    def cell(self, heard: Heard | None, overheard: Heard | None) -> dict[str, Any]:
        keys = None
        if heard is not None or self._wire.has_keys:
            keys = {"read": heard is not None, "text": visible(heard.text) if heard is not None else ""}
        records = [] if heard is None else [self._record(heard, *part) for part in self._parts(heard)]
        return {"read": overheard is not None, "keys": keys, "records": records}

    def _parts(self, heard: Heard) -> Iterable[tuple[Opened, int, int]]:
        """Yield the opened records that the words stand in, each with the range of them in its plaintext."""
        ends, items = self._index(heard.stream)
        number = bisect.bisect_right(ends, heard.start)
        while number < len(items) and ends[number] - len(items[number].plaintext) < heard.end:
            base = ends[number] - len(items[number].plaintext)
            yield items[number], max(0, heard.start - base), min(len(items[number].plaintext), heard.end - base)
            number += 1

    def _index(self, stream: ByteStream) -> tuple[list[int], list[Opened]]:
        """Return the opened records that say something, and where each ends in the readable stream."""
        key = stream.connection, stream.from_client
        if key not in self._opened:
            session = self._talks[stream.connection].session
            layer = session.client if stream.from_client else session.server
            sides = session.opened or ([], [])
            side = sides[0] if stream.from_client else sides[1]
            items = [item for item in side if item.content_type == APPLICATION_DATA and item.plaintext]
            # what was said in the clear before TLS stands before it in the stream
            ends = list(itertools.accumulate((len(item.plaintext) for item in items), initial=layer.start))[1:]
            self._opened[key] = ends, items
        return self._opened[key]

    def _record(self, heard: Heard, item: Opened, first: int, end: int) -> dict[str, Any]:
        record, talk = item.record, self._talks[heard.stream.connection]
        assert talk.tls is not None
        answer = talk.tls.answer
        longer = overhead(answer) if answer is not None else None
        piece = record.stream.slice(record.start, record.end)[0]
        return {
            "spans": spans(record.stream.locate(record.start, record.end)),
            "type": record.content_type,
            "version": f"{record.version:04x}",
            "length": len(record.fragment),
            "hidden": len(record.fragment) - longer if longer is not None else None,
            "nonce": explicit_nonce(answer) if answer is not None else 0,
            "tag": TAG if answer is not None and answer.cipher_suite in SUITES else 0,
            "conn": talk.number,
            "from_client": heard.stream.from_client,
            "t": self._wire.since_start(piece.time_ns),
            "inner": {
                "type": item.content_type,
                "padding": item.padding,
                "hex": item.plaintext.hex(),
                "words": [first, end],
            },
        }


def spans(found: Iterable[Span]) -> list[list[int]]:
    """Return spans as the page has them: frame, first byte, last byte."""
    return [[span.frame, span.first, span.last] for span in found]
