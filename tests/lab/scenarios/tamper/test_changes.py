from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat import protocol
from chat.errors import ChatError
from lab.errors import LabError
from lab.scenario import CONVERSATION, messages
from lab.scenarios.tamper.changes import BEFORE, BODY, Flip, OnTheWay, Tampering, Target, Transport, draw, unit_end

TEXTS = [said.text for said in messages(CONVERSATION)]
TARGET = Target(("one", "two", "three", "four", "five"), 2, Flip(1, 2))  # "three", whose h becomes an l


def unit(transport: Transport, words: bytes, number: int) -> bytes:
    """A unit of a transport; of TLS one with the words in the clear, as the attacker does not look."""
    match transport:
        case Transport.PLAIN:
            return words + b"\n"
        case Transport.XOR:
            return len(words).to_bytes(2, "big") + words
    body = number.to_bytes(8, "big") + words + bytes(16) if transport is Transport.TLS_1_2 else words + bytes(17)
    return b"\x17\x03\x03" + len(body).to_bytes(2, "big") + body


def stream(transport: Transport, words: list[str]) -> list[bytes]:
    """What a client sends: what comes before the first message, then the messages."""
    before = [unit(transport, b"x" * 40, n) for n in range(BEFORE[transport])]
    return before + [unit(transport, text.encode(), 7) for text in words]


EXPECTED = {
    Tampering.NONE: ["one", "two", "three", "four", "five"],
    Tampering.FLIP: ["one", "two", "tlree", "four", "five"],
    Tampering.REPLAY: ["one", "two", "three", "three", "four", "five"],
    Tampering.DROP: ["one", "two", "four", "five"],
    Tampering.SWAP: ["one", "two", "four", "three", "five"],
    Tampering.CUT: ["one", "two"],
}


@pytest.mark.parametrize("transport", Transport)
@pytest.mark.parametrize("tampering", Tampering)
def test_what_passes(transport: Transport, tampering: Tampering) -> None:
    sent = b"".join(stream(transport, list(TARGET.words)))
    whole = OnTheWay(transport, tampering, TARGET)(sent)
    assert whole == b"".join(stream(transport, EXPECTED[tampering]))
    # however it comes cut
    change = OnTheWay(transport, tampering, TARGET)
    assert b"".join(change(sent[at : at + 1]) for at in range(len(sent))) == whole


@pytest.mark.parametrize("transport", [Transport.TLS_1_2, Transport.TLS_1_3])
def test_handshake_and_alerts_pass_uncounted(transport: Transport) -> None:
    hello, alert = b"\x16\x03\x01\x00\x02hi", b"\x15\x03\x03\x00\x02\x01\x00"
    sent = hello + b"".join(stream(transport, list(TARGET.words))) + alert
    for tampering in Tampering:
        passed = OnTheWay(transport, tampering, TARGET)(sent)
        assert passed.startswith(hello)
        # with the rest goes the goodbye, which is an alert
        assert passed.endswith(alert) is (tampering is not Tampering.CUT)


@pytest.mark.parametrize("transport", Transport)
def test_a_unit_that_is_not_whole_waits(transport: Transport) -> None:
    whole = unit(transport, b"words", 1)
    assert unit_end(transport, whole + b"more") == len(whole)
    assert [unit_end(transport, whole[:at]) for at in range(len(whole))] == [None] * len(whole)


@pytest.mark.parametrize("transport", Transport)
def test_where_the_words_begin(transport: Transport) -> None:
    assert unit(transport, b"words", 1)[BODY[transport] :].startswith(b"words")


@given(st.lists(st.text(min_size=1, max_size=40), min_size=3, max_size=20), st.integers(0, 2**32))
def test_whatever_is_said_a_flip_leaves_something_that_the_chat_takes(texts: list[str], seed: int) -> None:
    sayable = []
    for text in texts:
        try:
            protocol.encode_typed(text)
            if isinstance(protocol.parse(text.encode()), protocol.Say):
                sayable.append(text)
        except ChatError:
            continue
    if len(set(sayable)) < 3:
        with pytest.raises(LabError, match="Three different messages"):
            draw(sayable, seed)
        return
    target = draw(sayable, seed)
    before, after = target.words[target.at].encode(), target.flipped.encode()
    assert sum((a ^ b).bit_count() for a, b in zip(before, after, strict=True)) == 1
    protocol.encode_typed(target.flipped)
    assert isinstance(protocol.parse(after), protocol.Say)
    assert target.flipped not in target.words
    assert 0 < target.at < len(target.words) - 1


def test_letters_become_letters_and_the_seed_decides() -> None:
    drawn = [draw(TEXTS, seed) for seed in range(60)]
    assert drawn == [draw(TEXTS, seed) for seed in range(60)]
    assert set(Counter(target.at for target in drawn)) == {2, 3, 4}
    for target in drawn:
        assert len(target.words) == 7
        a, b = target.words[target.at].encode()[target.flip.byte], target.flipped.encode()[target.flip.byte]
        assert chr(a).isalnum()
        assert chr(b).isalnum()
        assert max(a, b) < 0x80
        assert chr(a).lower() != chr(b).lower()


def test_words_without_letters_of_ascii() -> None:
    target = draw(["你好", "再见", "晚安"], 1)
    assert target.at == 1
    assert target.flipped != "再见"


def test_too_short() -> None:
    # 0 can become 1, 2, 4, 8 or p, and each has been said; or a blank, or a control character
    with pytest.raises(LabError, match="No bit of '0' can be flipped"):
        draw(["1", "2", "4", "0", "8", "p", "x"], next(seed for seed in range(99) if draw(TEXTS, seed).at == 3))


def test_too_few() -> None:
    with pytest.raises(LabError, match="Three different messages are needed"):
        draw(["a", "b", "a", "b"], 1)
