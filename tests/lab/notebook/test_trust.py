"""The recorded run against the textbook's table; contexts of our own against the same table, in real handshakes."""

import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from certs.contexts import client_context, unverified_client_context
from certs.lax import nameless_client_context
from lab.notebook.live import Run
from lab.notebook.trust import ask, fooled, frames, grid, meeting, overheard, refusals
from lab.scenarios.mitm.cast import Shown, Who
from lab.scenarios.mitm.judge import TEXTBOOK
from tests.lab.notebook.recorded import recorded


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return recorded("mitm", tmp_path_factory.mktemp("mitm"))


def test_grid_is_the_textbooks(relay: Run) -> None:
    rows = grid(relay.verdict)
    assert [row[0] for row in rows] == list(Shown)
    for shown, *cells in rows:
        for who, cell in zip(Who, cells, strict=True):
            check = TEXTBOOK[who][Shown(shown)]
            read = 0 if shown == Shown.GENUINE else 2
            assert cell == (f"accepts; {read} read" if check is None else f"✘ {check}")


def test_fooled_counts_what_the_textbook_lets_pass(relay: Run) -> None:
    passed = {who: sum(check is None for check in row.values()) - 1 for who, row in TEXTBOOK.items()}
    assert fooled(relay.verdict) == passed


def test_overheard_words_stand_in_the_frames_that_are_named(relay: Run, tool: Callable[[str], str]) -> None:
    cell = meeting(relay.verdict, "verifies nothing", "self-signed")
    (_, _, same, _), (sent, at, got, arrived) = overheard(cell)
    assert (sent, got) == ("Then pay 100 euros to Anna, please.", "Then pay 900 euros to Mallory, please.")
    assert same == "Bob, are we alone here?"

    shown = {}
    for words, where in ((sent, at), (got, arrived)):
        frame = int(where.split(",")[0].removeprefix("frame "))
        assert frame in frames(cell)
        shown[words] = frame
    wanted = " or ".join(f"frame.number == {frame}" for frame in shown.values())
    keylog = f"tls.keylog_file:{relay.folder / 'attacker.keylog'}"
    command = [tool("tshark"), "-r", str(relay.capture), "-o", keylog, "-Y", wanted, "-Tfields"]
    command += ["-e", "frame.number", "-e", "data.data"]
    lines = subprocess.run(command, capture_output=True, check=True, text=True, timeout=60).stdout.splitlines()
    read = {int(number): data for number, data in (line.split("\t") for line in lines)}
    for words, frame in shown.items():
        assert words.encode().hex() in read[frame]


def test_refusals_name_check_alert_and_place(relay: Run) -> None:
    strict = refusals(relay.verdict, Who.STRICT)
    assert [row[0] for row in strict] == list(Shown)[1:]
    certificate, why, alert, where = strict[1]
    assert (certificate, alert) == ("wrong name", "bad_certificate (42), in the clear")
    assert why.startswith("62: ")
    cell = meeting(relay.verdict, Who.STRICT, Shown.WRONG_NAME)
    assert where.startswith(f"frame {frames(cell)[0]}, ")
    assert refusals(relay.verdict, Who.COURSE) == []
    assert all("close_notify (0), encrypted" in row for row in refusals(relay.verdict, Who.PINNED))


@pytest.mark.parametrize(
    ("make", "who"),
    [(nameless_client_context, Who.NAMELESS), (lambda _: unverified_client_context(), Who.COURSE)],
    ids=["skips the name", "verifies nothing"],
)
def test_ask_finds_what_the_textbook_has(make: Callable[[Path], ssl.SSLContext], who: Who) -> None:
    answers = ask(make)
    assert [shown for shown, _ in answers] == list(Shown)
    assert {Shown(shown): said == "accepts" for shown, said in answers} == {
        shown: check is None for shown, check in TEXTBOOK[who].items()
    }


def test_ask_gives_the_reason_in_openssls_words() -> None:
    said = dict(ask(client_context))
    assert said[Shown.WRONG_NAME] == "✘ Hostname mismatch, certificate is not valid for 'localhost'"
    assert said[Shown.EXPIRED] == "✘ certificate has expired"
    assert said[Shown.REVOKED] == "accepts"  # it was given no list of revoked ones


def test_ask_says_why_there_is_no_handshake_at_all() -> None:
    def old(ca: Path) -> ssl.SSLContext:
        context = client_context(ca, version=ssl.TLSVersion.TLSv1_2)
        context.set_ciphers("AES128-SHA")  # RSA only, and the certificates have keys on a curve
        return context

    assert {said[0] for _, said in ask(old)} == {"✘"}
