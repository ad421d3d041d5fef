from chat import transcript
from chat.transcript import Entry


def test_what_was_said() -> None:
    assert transcript.entry("alice > hi > all") == Entry("alice", "hi > all")
    assert str(transcript.entry("alice > hi > all")) == "alice > hi > all"


def test_a_notice() -> None:
    assert transcript.entry("* bob has left") == Entry(None, "* bob has left")


def test_whatever_comes_is_made_safe() -> None:
    assert transcript.entry("alice > \x1b[2Jgone") == Entry("alice", "\\x1b[2Jgone")
    assert transcript.entry("\x1b[2J > x") == Entry(None, "\\x1b[2J > x")
    assert transcript.entry("* \u202ex") == Entry(None, "* \\u202ex")


def test_our_own_sentences_are_told_from_the_servers() -> None:
    assert str(transcript.own_notice("It\x07 is gone.")) == "! It\\x07 is gone."
    assert str(transcript.unsent("half a sent")) == "! not sent: half a sent"


def test_a_name_keeps_its_hue() -> None:
    assert transcript.hue("alice", 6) == transcript.hue("ALICE", 6)
    assert len({transcript.hue(name, 6) for name in ("alice", "bob", "carol", "dave", "erin", "frank")}) > 1
    assert all(0 <= transcript.hue(f"name{number}", 6) < 6 for number in range(100))
