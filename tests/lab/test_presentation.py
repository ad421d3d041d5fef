import io
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from capture.decode import colon_hex
from capture.rights import MEANING
from capture.sources.source import Counters
from certs.openssl_course import Step
from lab import presentation
from lab.doctor import Check
from lab.folder import make_folder
from lab.pipeline import Outcome, run
from lab.presentation import shorten, show, show_checks, show_reading, show_step, spans_text
from lab.reading import read_capture
from lab.record import Plan, Transport
from lab.scenario import Join, Say
from lab.verdict import Verdict

HOSTILE = (
    "\u202ereversed",
    "zero\u200bwidth",
    "[red]x[/] [link=http://evil]y[/link] [/nothing]",
    "line\u2028separator",
    ":smile: \\[bold]",
)


def render(print_it: Callable[[Console], None], width: int = 80, *, color: bool = False) -> str:
    file = io.StringIO()
    console = Console(
        file=file, width=width, highlight=False, force_terminal=color, color_system="truecolor" if color else None
    )
    print_it(console)
    return file.getvalue()


def shown(outcome: Outcome, width: int = 80) -> str:
    return render(lambda console: show(console, outcome), width)


def squeezed(text: str) -> str:
    """The text without what wrapping does to it."""
    return " ".join(text.split())


@pytest.fixture(scope="module")
def hostile(make_plan: Callable[..., Plan], tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    steps = (Join("anna"), Join("bob"), *(Say("anna", words) for words in HOSTILE))
    return run(
        make_plan(Transport.PLAIN, Transport.TLS, steps=steps), make_folder(tmp_path_factory.mktemp("hostile"), "both")
    )


def only(outcome: Outcome, transport: Transport) -> Outcome:
    return replace(outcome, chats={transport: outcome.chats[transport]})


@pytest.mark.parametrize("width", [80, 40, 200])
def test_the_plaintext_run(plain: Outcome, width: int) -> None:
    text = shown(plain, width)
    chat = plain.chats[Transport.PLAIN]
    flat = squeezed(text)
    assert f"Captured {MEANING[plain.plan.choice.way]}." in flat
    assert "Verdict: 12 of 12 messages read off the wire." in flat
    assert "Not as expected" not in flat
    for finding in chat.verdict.findings:
        assert finding.heard is not None
        assert str(finding.heard.spans[0]) in flat
        if width == 200 and len(finding.sent.text) < 50:
            payload = finding.sent.text.encode() + b"\n"
            assert colon_hex(payload) in flat
            assert payload.hex() in flat
            assert finding.sent.text in flat
    assert f"tshark -r '{plain.folder.capture.parent.parent}".split("'")[0] in text
    assert f"{plain.counters.received} " in flat
    assert "0 dropped" in flat
    assert "tls.keylog" not in flat


@pytest.mark.parametrize("width", [80, 40])
def test_the_tls_run(tls12: Outcome, both: Outcome, width: int) -> None:
    for outcome in (tls12, only(both, Transport.TLS)):
        flat = squeezed(shown(outcome, width))
        chat = outcome.chats[Transport.TLS]
        assert "Verdict without keys: 0 of 12 messages read off the wire." in flat
        assert "Verdict with the keys: 12 of 12 messages read with the key log." in flat
        assert "Not as expected" not in flat
        assert flat.count("found nowhere") == 12
        assert chat.verdict.randomness is not None
        assert f"p = {chat.verdict.randomness.p_value:.3g}" in flat
        record = min((record for record in chat.carriers if record), key=lambda record: len(record.fragment))
        assert "content type 23: application_data" in flat
        assert f"length: {len(record.fragment)} bytes follow" in flat
        assert "localhost" in flat
        assert chat.visible[0].cipher_suite
        assert chat.visible[0].cipher_suite in "".join(flat.split())
        assert "tls.keylog" in flat
    assert "the first 8 a number in the clear" in squeezed(shown(tls12))
    assert "a number in the clear" not in squeezed(shown(only(both, Transport.TLS)))


@pytest.mark.parametrize("width", [80, 40])
def test_both_side_by_side(both: Outcome, width: int) -> None:
    text = shown(both, width)
    flat = squeezed(text)
    assert "Plaintext: 12 of 12 messages read off the wire." in flat
    assert "TLS: 0 of 12 messages read off the wire." in flat
    assert "TLS with the key log: 12 of 12 messages read." in flat
    if width == 80:
        for finding, record in zip(
            both.chats[Transport.PLAIN].verdict.findings, both.chats[Transport.TLS].carriers, strict=True
        ):
            assert record is not None
            assert colon_hex(record.header)[:8] == "17:03:03"
            assert finding.sent.text[:10] in flat
        assert flat.count("17:03:03") >= 12


@pytest.mark.parametrize("width", [1, 5, 20, 21])
def test_no_terminal_is_too_narrow(both: Outcome, plain: Outcome, width: int) -> None:
    for outcome in (both, plain, only(both, Transport.TLS)):
        assert shown(outcome, width)


def check_harmless(text: str) -> None:
    controls = set(
        re.findall(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]", text)
    )
    assert controls == set()


@pytest.mark.parametrize("width", [80, 40])
def test_hostile_words_do_nothing(hostile: Outcome, width: int) -> None:
    assert hostile.ok
    for outcome in (hostile, only(hostile, Transport.PLAIN), only(hostile, Transport.TLS)):
        text = shown(outcome, width)
        check_harmless(text)
        flat = squeezed(text)
        assert "5 of 5" in flat
        if width == 80:
            assert "\\u202ereversed" in flat
            assert "zero\\u200bwidth" in flat
            assert "[red]x[/]" in flat, "markup is shown, not obeyed"
            assert ":smile:" in flat


def test_hostile_words_cannot_colour(hostile: Outcome) -> None:
    """Escape sequences in the output are only those that the lab's own styles make: never a link."""
    text = render(lambda console: show(console, only(hostile, Transport.PLAIN)), 120, color=True)
    assert "\x1b[" in text
    assert "\x1b]8" not in text
    assert set(re.findall(r"\x1b(.)", text)) == {"["}
    assert "[red]x[/]" in re.sub(r"\x1b\[[0-9;]*m", "", text)


def failing(verdict: Verdict) -> Verdict:
    """Nothing read, and a reason."""
    lost = tuple(replace(finding, heard=None, places=()) for finding in verdict.findings)
    return replace(verdict, findings=lost, problems=("12 of 12 messages were not read: number 1 to 12.",))


def test_what_went_wrong_is_said(both: Outcome) -> None:
    chats = {}
    for transport, chat in both.chats.items():
        with_keys = failing(chat.with_keys) if chat.with_keys else None
        carriers = (None,) * len(chat.carriers)
        chats[transport] = replace(chat, verdict=failing(chat.verdict), with_keys=with_keys, carriers=carriers)
    failed = replace(both, chats=chats, counters=Counters(9, 3))
    for outcome in (failed, only(failed, Transport.PLAIN), only(failed, Transport.TLS)):
        flat = squeezed(shown(outcome))
        assert "Not as expected: The capture dropped 3 packets." in flat
        assert "Not as expected: 12 of 12 messages were not read: number 1 to 12." in flat
        assert "0 of 12 messages read" in flat
        assert "not read" in flat


def test_words_found_by_chance_are_called_that(tls12: Outcome) -> None:
    chat = tls12.chats[Transport.TLS]
    places = tuple((chat.streams[0].locate(n, n + 1)) for n in range(2))
    finding = replace(chat.verdict.findings[0], places=places, in_payload=2, by_chance=2.0, found=False)
    leaked = replace(chat.verdict.findings[1], places=places, in_payload=2, by_chance=1e-9, found=True)
    verdict = replace(chat.verdict, findings=(finding, leaked, *chat.verdict.findings[2:]))
    flat = squeezed(shown(replace(tls12, chats={Transport.TLS: replace(chat, verdict=verdict)})))
    assert "2 places; chance alone explains 2" in flat
    assert flat.count("found nowhere") == 10


@pytest.mark.parametrize(
    ("text", "width", "short"),
    [
        ("hello", 5, "hello"),
        ("hello!", 5, "he…o!"),
        ("0123456789", 7, "0123…89"),
        ("0123456789", 1, "…"),
        ("", 3, ""),
    ],
)
def test_shorten(text: str, width: int, short: str) -> None:
    assert shorten(text, width) == short


@given(text=st.text(max_size=60), width=st.integers(min_value=1, max_value=70))
def test_shorten_keeps_both_ends(text: str, width: int) -> None:
    short = shorten(text, width)
    assert len(short) == min(len(text), width)
    if short != text:
        head, _, tail = short.rpartition("…") if "…" not in text else (short[: (width - 1) * 2 // 3], "", "")
        assert text.startswith(head)
        assert text.endswith(tail)


def test_spans_text(both: Outcome) -> None:
    longest = max(both.chats[Transport.PLAIN].verdict.findings, key=lambda f: len(f.sent.text))
    assert longest.heard is not None
    text = spans_text(longest.heard.spans)
    assert re.fullmatch(r"frame \d+, bytes \d+-\d+(; frame \d+, bytes \d+-\d+)+", text)
    assert spans_text([]) == ""


def test_what_was_read_of_a_file(both: Outcome, hostile: Outcome) -> None:
    closed = squeezed(render(lambda c: show_reading(c, read_capture(both.folder.capture, "scapy"))))
    assert "Hello Bob, are we alone here?" in closed
    assert "3 TLS connections stay closed: no key was given that opens them (--keylog)." in closed
    opened = squeezed(render(lambda c: show_reading(c, read_capture(both.folder.capture, "scapy", both.folder.keylog))))
    assert "stay closed" not in opened
    assert opened.count("Hello Bob, are we alone here?") == 2
    check_harmless(render(lambda c: show_reading(c, read_capture(hostile.folder.capture, "scapy"))))


def test_a_file_without_a_chat() -> None:
    data = Path(__file__).parent.parent / "data" / "no-packets.pcap"
    text = render(lambda console: show_reading(console, read_capture(data, "scapy")))
    assert text == "No message of the chat stands readable in its 0 TCP segments.\n"


def test_the_doctors_findings() -> None:
    checks = [
        Check("Python", True, "3.12"),
        Check("tshark", False, "not \x1b[31minstalled [red]really[/]", "Install it: sudo apt-get install -y tshark"),
    ]
    text = render(lambda console: show_checks(console, checks))
    check_harmless(text)
    assert [line.split()[:2] for line in text.splitlines()[:2]] == [["ok", "Python"], ["!!", "tshark"]]
    assert "not \\x1b[31minstalled [red]really[/]" in text
    assert "Install it: sudo apt-get install -y tshark" in text


def test_a_step_of_the_openssl_course() -> None:
    step = Step("A key", "openssl genpkey -out '[key]'", "done\x1b]0;owned\x07\n[red]two[/]\n", "It is a key.")
    text = render(lambda console: show_step(console, step))
    check_harmless(text)
    assert "A key" in text
    assert "$ openssl genpkey -out '[key]'\n" in text
    assert "done\\x1b]0;owned\\x07\n[red]two[/]\n" in text
    assert text.endswith("It is a key.\n")


@pytest.mark.parametrize(("numbers", "words"), [([1], "1"), ([1, 2], "1 and 2"), ([1, 2, 3], "1, 2 and 3")])
def test_lists_in_words(numbers: Sequence[int], words: str) -> None:
    assert presentation._list(numbers) == words
