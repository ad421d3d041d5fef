"""Captures of TLS that other programs than the lab's spoke: GnuTLS, Java's JSSE and openssl, TLS 1.0 to 1.3."""

from collections.abc import Callable
from pathlib import Path

import pytest

from capture.alert import alerts
from capture.handshake import read_handshake
from capture.protection import protection
from capture.tls import HANDSHAKE, VERSIONS
from lab.sessions import Session
from tests.capture.hostile import compare
from tests.capture.hostile.compare import read

DATA = Path(__file__).parents[2] / "data"
FOREIGN = sorted(DATA.glob("foreign-*.pcapng"))


def session(name: str) -> Session:
    (found,), problem = read(DATA / f"foreign-{name}.pcapng", "native")
    assert not problem
    return found


@pytest.mark.parametrize("path", FOREIGN, ids=lambda path: path.stem)
def test_records_are_those_of_tshark(path: Path, tool: Callable[[str], str]) -> None:
    result = compare.compare(tool("tshark"), path, "native")
    assert (result.differences, result.malformed, result.problem) == ((), (), "")
    assert result.streams == 2
    assert result.records >= 2


@pytest.mark.parametrize(
    ("name", "version"), [("tls10", 0x0301), ("tls11", 0x0302), ("tls12", 0x0303), ("tls13", 0x0304)]
)
def test_handshakes_split_across_records(name: str, version: int) -> None:
    found = session(name)
    handshake = read_handshake(found.client, found.server)
    assert [hello.version for hello in handshake.server_hellos] == [version]
    assert found.problems == ()
    assert {state for states in protection(found.client, found.server) for state in states} == {"clear", "encrypted"}
    assert max(len(record.fragment) for record in found.server.records) < 700, "they were asked to be small"
    if version < 0x0304:  # from then on it is encrypted
        assert handshake.server_certificate is not None
        chain = handshake.server_certificate.certificates
        assert len(chain) == 2
        assert sum(map(len, chain)) > max(len(r.fragment) for r in found.server.records if r.content_type == HANDSHAKE)


@pytest.mark.parametrize(("name", "description"), [("no-cipher", 40), ("old-version", 70)])
def test_early_alerts(name: str, description: int) -> None:
    found = session(name)
    (alert,) = alerts(found.server, protection(found.client, found.server)[1])
    assert (alert.level, alert.description, alert.protection) == (2, description, "clear")
    assert read_handshake(found.client, found.server).server_hellos == ()


def test_words_before_tls() -> None:
    found = session("starttls")
    assert found.is_closed
    before = found.client.stream.data[: found.client.start], found.server.stream.data[: found.server.start]
    assert before[0].endswith(b"STARTTLS\r\n")
    assert before[1].endswith(b"220 go ahead\r\n")
    assert [stream.data for stream in found.readable] == list(before), "what was said in the clear can be read"
    assert found.problems == ()
    assert [hello.version for hello in read_handshake(found.client, found.server).server_hellos] == [0x0304]


def test_words_after_tls() -> None:
    found = session("clear-after")
    for layer, words in ((found.client, b"this is none\n"), (found.server, b"THIS IS NONE\n")):
        assert layer.end == "malformed"
        assert layer.stream.data[layer.at :] == words
    assert [problem.split(": ")[1].split(" (")[0] for problem in found.problems] == [
        "74 is not a TLS content type",
        "54 is not a TLS content type",
    ]
    assert found.readable == ()


def test_a_difference_is_found_and_said(
    tmp_path: Path, tool: Callable[[str], str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A test of the comparison: with another reading of records it must fail, and name the stream."""
    tool("tshark")
    (tmp_path / "tls12.pcapng").write_bytes((DATA / "foreign-tls12.pcapng").read_bytes())
    (tmp_path / "notes.txt").write_text("no capture")
    assert compare.main([str(tmp_path)]) == 0
    assert "notes.txt is not a capture" in capsys.readouterr().out
    monkeypatch.delitem(VERSIONS, 0x0303)
    assert compare.main([str(tmp_path), "--all"]) == 0
    assert "after bytes that are no record; here nothing, tshark 22/0303/" in capsys.readouterr().out
    monkeypatch.undo()
    monkeypatch.setattr(compare, "protection", lambda *layers: tuple(("encrypted",) * len(x.records) for x in layers))
    assert compare.main([str(tmp_path)]) == 1
    assert "tls12.pcapng: 127.0.0.1" in capsys.readouterr().out
    monkeypatch.setattr(compare, "look", lambda *_: 1 / 0)
    assert compare.main([str(tmp_path)]) == 1
    assert "BROKEN ZeroDivisionError" in capsys.readouterr().out
