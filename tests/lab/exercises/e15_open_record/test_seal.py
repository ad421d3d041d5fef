"""Records that are sealed as they should be open, and those with a mistake do not."""

import itertools
from typing import get_args

import pytest

from capture.opened import Protector
from capture.schedule import SUITES, TrafficSecret, traffic_keys
from capture.segment import Endpoint
from capture.streams import ByteStream
from capture.tls import HANDSHAKE, HEADER, Record, parse_header
from lab.exercises.e15_open_record.seal import DataMistake, KeyMistake, Mistakes, NonceMistake, Sealed, seal

_SECRET = bytes(range(48))
_KINDS = tuple(itertools.product(get_args(KeyMistake), get_args(NonceMistake), get_args(DataMistake)))


def _open(sealed: Sealed) -> tuple[int, bytes, int] | None:
    """Open it with the lab's own code, which is checked against RFC 8448 and tshark: type, content, padding."""
    secret = TrafficSecret("CLIENT_TRAFFIC_SECRET_0", 0, sealed.secret)
    protector = Protector(traffic_keys(secret, SUITES[sealed.suite]))
    protector.sequence = sealed.sequence
    end = Endpoint("127.0.0.1", 1)
    stream = ByteStream(0, end, end, True, sealed.header + sealed.fragment, (), ())
    opened = protector.open13(Record(stream, 0, sealed.header[0], 0x0303, 0, sealed.fragment))
    return None if opened is None else (opened.content_type, opened.plaintext, opened.padding)


@pytest.mark.parametrize("suite", [0x1301, 0x1302, 0x1303])
@pytest.mark.parametrize("sequence", [0, 1, 300, 1 << 40])
def test_a_record_without_a_mistake_opens(suite: int, sequence: int) -> None:
    sealed = seal(suite, _SECRET, sequence, b"hello\0", inner_type=HANDSHAKE, padding=7)
    assert parse_header(sealed.header) == (23, 0x0303, len(sealed.fragment))
    assert len(sealed.header) == HEADER
    assert _open(sealed) == (HANDSHAKE, b"hello\0", 7)


@pytest.mark.parametrize("kinds", _KINDS[1:])
def test_a_record_with_a_mistake_does_not(kinds: tuple[KeyMistake, NonceMistake, DataMistake]) -> None:
    assert _open(seal(0x1302, _SECRET, 2, b"hello", mistakes=Mistakes(*kinds))) is None


def test_every_mistake_makes_another_record() -> None:
    records = {seal(0x1302, _SECRET, 2, b"hello", mistakes=Mistakes(*kinds)).fragment for kinds in _KINDS}
    assert len(records) == len(_KINDS)
    assert [Mistakes(*kinds).first == "" for kinds in _KINDS].count(True) == 1
