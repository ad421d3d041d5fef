import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from capture.keylog import parse_keylog
from lab.pipeline import Outcome
from lab.report.messages import messages
from lab.report.source import read_run
from lab.report.wire import read_wire
from tests.lab.report.conftest import Captured

Frames = list[bytes]
FramesOf = Callable[[Path], Frames]


def at(frames: Frames, spans: list[list[int]]) -> bytes:
    """What stands in the capture where the page says it does."""
    return b"".join(frames[frame - 1][first : last + 1] for frame, first, last in spans)


def test_the_bytes_of_every_message(both: Outcome, data: dict[str, Any], frames_of: FramesOf) -> None:
    frames = frames_of(both.folder.capture)
    sent = [finding.sent for chat in both.chats.values() for finding in chat.verdict.findings][: len(data["messages"])]
    assert [(one["n"], one["who"], one["text"]) for one in data["messages"]] == [
        (one.number, one.who, one.text) for one in sent
    ]
    for one, truth in zip(data["messages"], sent, strict=True):
        words = truth.text.encode()
        plain, tls = one["plain"], one["tls"]
        assert plain["read"] is True
        assert plain["text"] == tls["keys"]["text"] == one["text"]
        assert at(frames, plain["spans"]) == words
        assert at(frames, plain["payload"]) == words + b"\n"
        assert one["t"] == plain["t"] > 0
        passed = f"{truth.who} > ".encode() + words
        assert len(plain["passed_on"]) == len(truth.heard_by)
        for frame in plain["passed_on"]:  # a long one goes on in the frames behind
            assert passed[:1000] in frames[frame - 1]
        assert tls["read"] is False
        assert tls["keys"]["read"] is True
        whole = b""
        for record in tls["records"]:
            wire = at(frames, record["spans"])
            assert wire[:5] == bytes([record["type"]]) + bytes.fromhex(record["version"]) + record["length"].to_bytes(2)
            assert len(wire) == 5 + record["length"]
            inner = bytes.fromhex(record["inner"]["hex"])
            assert record["hidden"] == len(inner)  # nothing pads here
            assert (record["nonce"], record["tag"], record["inner"]["type"]) == (0, 16, 23)
            assert record["from_client"] is True
            whole += inner[slice(*record["inner"]["words"])]
            assert words[:20] not in wire
        assert whole == words


def test_both_chats_are_there_when_nobody_says_what_was_sent(both: Outcome, data: dict[str, Any]) -> None:
    """From a capture alone, the conversation is what was read; its two halves find each other."""
    run = read_run(both.folder.capture, both.folder.keylog)
    alone = messages(read_wire(run.capture, run.keys), {})
    places = [(one["who"], one["text"], one["plain"]["spans"], one["tls"]["records"]) for one in data["messages"]]
    assert [(one["who"], one["text"], one["plain"]["spans"], one["tls"]["records"]) for one in alone] == places
    assert [one["n"] for one in alone] == list(range(1, len(places) + 1))


def test_without_keys(both: Outcome) -> None:
    wire = read_wire(both.folder.capture, None)
    for one in messages(wire, read_run(both.folder.path).sent):
        assert one["plain"]["read"] is True
        assert one["tls"] == {"read": False, "keys": None, "records": []}
    assert all(one["tls"] is None for one in messages(wire, {}))


def test_explicit_nonces(tls12: Outcome) -> None:
    run = read_run(tls12.folder.path)
    found = messages(read_wire(run.capture, run.keys), run.sent)
    assert len(found) == 12
    for one in found:
        assert one["plain"] is None
        (record,) = one["tls"]["records"]
        assert (record["nonce"], record["tag"]) == (8, 16)
        assert record["hidden"] == record["length"] - 24 == len(record["inner"]["hex"]) // 2


def test_a_message_in_two_records(captured: Captured, certificate: tuple[Path, Path], frames_of: FramesOf) -> None:
    said, keylog = tls_conversation(certificate, [b"anna\n", b"\xc2\xbfwho is", b" there?\nand you?\n"])
    capture = captured(*said)
    wire = read_wire(capture, parse_keylog(keylog.read_text()))
    first, second = messages(wire, {})
    assert (first["text"], second["text"]) == ("¿who is there?", "and you?")
    frames, whole = frames_of(capture), b""
    assert len(first["tls"]["records"]) == 2
    for record in first["tls"]["records"]:
        assert at(frames, record["spans"])[:3] == b"\x17\x03\x03"
        whole += bytes.fromhex(record["inner"]["hex"])[slice(*record["inner"]["words"])]
    assert whole == "¿who is there?".encode()
    assert first["tls"]["records"][1]["spans"] == second["tls"]["records"][0]["spans"], "both have a part in it"
    assert len(second["tls"]["records"]) == 1


def test_what_is_not_readable(captured: Captured) -> None:
    entered = (">", b"mallory\n"), ("<", b"* welcome, mallory. 1 here: mallory\n")
    capture = captured(*entered, (">", b"</script>\xe2\x80\xae\n"), ("<", b"mallory > </script>\xe2\x80\xae\n"))
    (one,) = messages(read_wire(capture, None), {})
    assert one["text"] == one["plain"]["text"] == "</script>\\u202e"
    assert one["plain"]["passed_on"] == [6]


def test_the_same_words_twice(captured: Captured) -> None:
    entered = (">", b"anna\n"), ("<", b"* welcome, anna. 1 here: anna\n")
    one, two = messages(read_wire(captured(*entered, (">", b"yes\n"), (">", b"yes\n")), None), {})
    assert (one["plain"]["spans"][0][0], two["plain"]["spans"][0][0]) == (5, 6)


@pytest.mark.parametrize(
    ("sides", "passed_on"),
    [("><><", [[6], [8]]), (">><<", [[7], [8]]), ("><>", [[6], []]), (">><", [[], [7]])],
)
def test_the_same_words_are_passed_on_each_for_itself(
    captured: Captured, sides: str, passed_on: list[list[int]]
) -> None:
    entered = (">", b"anna\n"), ("<", b"* welcome, anna. 1 here: anna\n")
    said = [(side, b"yes\n" if side == ">" else b"anna > yes\n") for side in sides]
    found = messages(read_wire(captured(*entered, *said), None), {})
    assert [one["plain"]["passed_on"] for one in found] == passed_on


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    from certs.store import open_store  # noqa: PLC0415  (only this test needs it)

    store = open_store(tmp_path_factory.mktemp("certs"))
    return store.server_certificate, store.server_key


def tls_conversation(certificate: tuple[Path, Path], said: list[bytes]) -> tuple[list[tuple[str, bytes]], Path]:
    """What a client and a server of OpenSSL's say, a write a record; and the key log."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    context.keylog_filename = str(certificate[0].with_name("keys"))
    asking = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    asking.check_hostname, asking.verify_mode = False, ssl.CERT_NONE
    boxes = [ssl.MemoryBIO() for _ in range(4)]
    client = asking.wrap_bio(boxes[0], boxes[1])
    server = context.wrap_bio(boxes[2], boxes[3], server_side=True)
    wire: list[tuple[str, bytes]] = []

    def move() -> None:
        for side, source, target in ((">", boxes[1], boxes[2]), ("<", boxes[3], boxes[0])):
            if part := source.read():
                wire.append((side, part))
                target.write(part)

    done = 0
    while done < 2:
        done = 0
        for end in (client, server):
            try:
                end.do_handshake()
                done += 1
            except ssl.SSLWantReadError:
                pass
            move()
    for words in said:
        client.write(words)
    move()
    server.write(b"* welcome, anna. 1 here: anna\n")
    move()
    return wire, Path(context.keylog_filename)
