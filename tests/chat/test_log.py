import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.log import log


@contextmanager
def logged(level: int = logging.INFO) -> Iterator[list[logging.LogRecord]]:
    """The records that the server's log gives meanwhile."""
    records: list[logging.LogRecord] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(record)

    logger, keep = logging.getLogger("chat.server"), Keep()
    before = logger.level
    logger.addHandler(keep)
    logger.setLevel(level)
    try:
        yield records
    finally:
        logger.setLevel(before)
        logger.removeHandler(keep)


def fields(line: str) -> dict[str, object]:
    """Read a line of the log back, by JSON's own rules for the values."""
    found: dict[str, object] = {}
    decoder, at = json.JSONDecoder(), 0
    while at < len(line):
        equals = line.index("=", at)
        value, end = decoder.raw_decode(line, equals + 1)
        found[line[at:equals]] = value
        assert line[end : end + 1] in ("", " ")
        at = end + 1
    return found


def test_one_line_an_event() -> None:
    with logged() as records:
        log("joined", member=3, name="José", tls=True, cipher=None)
    [record] = records
    assert record.name == "chat.server"
    assert record.levelno == logging.INFO
    assert record.getMessage() == 'event="joined" member=3 name="Jos\\u00e9" tls=true cipher=null'


@given(st.dictionaries(st.sampled_from(["name", "why", "text"]), st.text(st.characters())))
def test_whatever_was_received_can_be_shown_and_read_back(values: dict[str, str]) -> None:
    with logged() as records:
        log("said", **values)
    [record] = records
    line = record.getMessage()
    assert line.isascii()
    assert line.isprintable()
    assert fields(line) == {"event": "said", **values}


@pytest.mark.parametrize(
    "text", ["\x1b[2J", "\x07", "\x7f", "\x9b2J", "\u202e", "\n", '" event="joined', "%s %d", "\ud83d"]
)
def test_nothing_acts_on_the_terminal_or_forges_a_field(text: str) -> None:
    with logged() as records:
        log("said", text=text)
    line = records[0].getMessage()
    assert line.isascii()
    assert line.isprintable()
    assert fields(line) == {"event": "said", "text": text}


def test_a_log_that_nobody_wants_costs_nothing() -> None:
    with logged(logging.WARNING) as records:
        log("said", text=object())  # it would fail, were it written
    assert records == []
