from collections.abc import Callable
from pathlib import Path

import pytest

from capture.hello import parse_client_hello
from capture.ja3 import ja3, ja3_full
from capture.registry import GREASE
from capture.tls import HANDSHAKE, RecordLayer, handshake_messages
from tests.capture.dissected import CAPTURES, DATA

Layers = Callable[[Path], list[RecordLayer]]
Tshark = Callable[..., list[str]]


@pytest.mark.parametrize("name", CAPTURES)
def test_tshark_finds_the_same(name: str, layers_of: Layers, tshark: Tshark) -> None:
    ours = sorted(
        (str(layer.stream.connection), ja3_full(hello), ja3(hello))
        for layer in layers_of(DATA / name)
        if layer.stream.from_client
        for message in handshake_messages(r.fragment for r in layer.records if r.content_type == HANDSHAKE)
        if message.msg_type == 1
        for hello in [parse_client_hello(message.body)]
    )
    fields = ("-e", "tcp.stream", "-e", "tls.handshake.ja3_full", "-e", "tls.handshake.ja3")
    theirs = tshark(DATA / name, "-Y", "tls.handshake.ja3", "-Tfields", *fields)
    assert ours == sorted(tuple(line.split("\t")) for line in theirs)
    assert ours


def numbers(*values: int) -> bytes:
    return b"".join(value.to_bytes(2, "big") for value in values)


def vector(data: bytes, length_bytes: int = 2) -> bytes:
    return len(data).to_bytes(length_bytes, "big") + data


def hello(version: int, suites: tuple[int, ...], extensions: dict[int, bytes]) -> bytes:
    block = b"".join(numbers(kind) + vector(data) for kind, data in extensions.items())
    start = numbers(version) + bytes(32) + b"\0" + vector(numbers(*suites)) + b"\1\0"
    return start + (vector(block) if extensions else b"")


GROUPS = vector(numbers(23, 24, 25))
POINTS = vector(b"\0", 1)
# the two examples of https://github.com/salesforce/ja3, "How it works"
EXAMPLES = [
    (
        (47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4),
        {0: b"", 10: GROUPS, 11: POINTS},
        "769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-10-11,23-24-25,0",
        "ada70206e40642a3e4461f35503241d5",
    ),
    (
        (4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99),
        {},
        "769,4-5-10-9-100-98-3-6-19-18-99,,,",
        "de350869b8c85de67a350c8d186f11e6",
    ),
]


@pytest.mark.parametrize(("suites", "extensions", "full", "digest"), EXAMPLES)
def test_the_examples_of_its_authors(
    suites: tuple[int, ...], extensions: dict[int, bytes], full: str, digest: str
) -> None:
    read = parse_client_hello(hello(769, suites, extensions))
    assert (ja3_full(read), ja3(read)) == (full, digest)


@pytest.mark.parametrize("number", sorted(GREASE))
def test_what_differs_each_time_is_left_out(number: int) -> None:
    suites, extensions, full, digest = EXAMPLES[0]
    groups = vector(numbers(number, 23, 24, 25))
    greased = {number: b"", **extensions, 10: groups}
    read = parse_client_hello(hello(769, (number, *suites), greased))
    assert (ja3_full(read), ja3(read)) == (full, digest)


def test_the_order_counts() -> None:
    suites, extensions, _, digest = EXAMPLES[0]
    other = dict(reversed(extensions.items()))
    assert ja3(parse_client_hello(hello(769, suites, other))) != digest
