import errno
import ssl
from pathlib import Path

import pytest

from capture.errors import CaptureError
from capture.rights import Way
from capture.sources import SourceName
from certs.errors import CertsError
from chat.errors import ChatError
from lab import cli_run, private
from lab.cli_run import INTERRUPTED, Failure, WayName, choice_of, complain, kept, sentence
from lab.errors import LabError
from lab.folder import RunFolder, make_folder


def caused(error: Exception, cause: BaseException) -> Exception:
    error.__cause__ = cause
    return error


def test_sentences() -> None:
    assert sentence(LabError("It rained.")) == "It rained."
    in_use = caused(ChatError("Port 12345 is in use."), OSError(errno.EADDRINUSE, "in use"))
    assert sentence(in_use) == "Port 12345 is in use. `--plain-port 0 --tls-port 0` takes any that are free."
    # what TLS says is put into words by those who know certificates
    ended = caused(ChatError("TLS failed."), ssl.SSLEOFError(8, "EOF occurred in violation of protocol"))
    assert sentence(ended).startswith("The other side closed the connection before TLS was ready")


def test_a_complaint_colours_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    complain("\x1b[31mred\x1b[0m [bold]x[/bold]")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "\\x1b[31mred\\x1b[0m [bold]x[/bold]\n")


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return make_folder(tmp_path, "test")


@pytest.mark.parametrize("error", [LabError, CaptureError, CertsError, ChatError])
@pytest.mark.parametrize("captured", [True, False])
def test_what_was_captured_is_kept(
    error: type[Exception], captured: bool, folder: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.capture.write_bytes(b"packets" if captured else b"")
    folder.keylog.write_text("keys")
    certs = folder.path / "certs"
    certs.mkdir()
    (certs / "ca.key").write_text("key")
    with pytest.raises(Failure) as failure, kept(folder):
        raise error("It rained.")
    assert failure.value.status == 1
    said = capsys.readouterr().err
    where = f" What was captured is in {folder.capture}." if captured else ""
    assert said == f"It rained.{where}\n"
    # keys without a capture are of use to nobody
    assert folder.path.exists() is captured
    assert folder.keylog.exists() is captured


def test_the_place_is_said_once(folder: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    folder.capture.write_bytes(b"packets")
    with pytest.raises(Failure), kept(folder):
        raise CaptureError(f"{folder.capture} is full.")
    assert capsys.readouterr().err == f"{folder.capture} is full.\n"


def test_stopped(folder: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Failure) as failure, kept(folder):
        raise KeyboardInterrupt
    assert failure.value.status == INTERRUPTED == 130
    assert capsys.readouterr().err == "Stopped.\n"
    assert not folder.path.exists()


def test_our_own_mistakes_are_not_swallowed(folder: RunFolder) -> None:
    with pytest.raises(ZeroDivisionError), kept(folder):
        raise ZeroDivisionError
    assert folder.path.exists()


def test_a_run_that_went_well_is_left_alone(folder: RunFolder) -> None:
    with kept(folder):
        pass
    assert folder.path.exists()


def test_the_tap_is_always_there() -> None:
    choice = choice_of("tap", None)
    assert (choice.way, choice.why) == (Way.TAP, "")


@pytest.mark.parametrize("source", ["packet-socket", "tcpdump", "dumpcap"])
def test_a_source_that_may_not(source: SourceName, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli_run, "refusal", lambda _: "it has no rights.")
    monkeypatch.setattr(private, "inside", lambda: False)
    ways: tuple[WayName, ...] = ("auto", "loopback")
    for way in ways:
        with pytest.raises(LabError, match=rf"The {source} may not capture here \(it has no rights\): "):
            choice_of(way, source)


def test_a_source_that_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli_run, "refusal", lambda _: "")
    monkeypatch.setattr(private, "inside", lambda: False)
    choice = choice_of("auto", "tcpdump")
    assert (choice.way, choice.source) == (Way.LOOPBACK, "tcpdump")


def test_no_private_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private, "inside", lambda: False)
    monkeypatch.setattr(cli_run, "private_refusal", lambda: "unshare is not installed.")
    with pytest.raises(LabError, match=r"There is no private loopback here: unshare is not installed\."):
        choice_of("private", None)
    # who is in one already needs no other
    monkeypatch.setattr(private, "inside", lambda: True)
    assert choice_of("private", None).way is Way.PRIVATE
