"""The recorded run attacked again: what comes out must be what its verdict says, which other code has written."""

from fractions import Fraction

import pytest

from capture.errors import CaptureError
from lab.notebook.leaking import attacked, by_speaker, chats, heard, padded, scores, truth
from lab.notebook.live import Run
from lab.scenarios.leaks.guess import fitting, sealed_length
from lab.scenarios.leaks.result import BUCKETS, CONSTANT, NONE, Attacked, Padding
from lab.scenarios.leaks.talk import PHRASES
from tests.lab.notebook.recorded import recorded


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return recorded("leaks", tmp_path_factory.mktemp("leaks"))


@pytest.fixture(scope="module")
def found(talk: Run) -> dict[Padding, Attacked]:
    return attacked(talk)


def test_the_chats_are_told_apart_as_the_verdict_has_them(talk: Run, found: dict[Padding, Attacked]) -> None:
    assert list(found) == [NONE, BUCKETS, CONSTANT]
    for padding, chat in found.items():
        told = talk.verdict["chats"][padding.words]
        assert {str(length): count for length, count in chat.lengths.items()} == told["lengths"]
        assert chat.tapped.octets == told["bytes"]
        assert list(chat.names) == told["names"]
        assert chat.scores.message.right == told["message"]["right"]
        assert chat.scores.answer.right == told["answer"]["right"]


def test_a_capture_without_the_chats_is_refused() -> None:
    with pytest.raises(CaptureError, match="holds 0 of the 3 chats"):
        chats(())


def test_scores_stand_beside_guessing(talk: Run, found: dict[Padding, Attacked]) -> None:
    told = [talk.verdict["chats"][padding.words]["message"]["right"] for padding in found]
    assert scores(found)[0] == ("what is said", *(f"{right} of 200" for right in told), "4")


def test_heard_rows_say_where_and_whether_right(talk: Run, found: dict[Padding, Attacked]) -> None:
    rows = heard(found[NONE], truth(talk), 200)
    assert len(rows) == 200
    assert sum(right == "✔" for *_, right in rows) == found[NONE].scores.message.right
    for said, (where, length, candidates, guessed, _) in zip(talk.sent["sent"], rows, strict=True):
        assert where.startswith("frame ")
        assert guessed.startswith(f"{said['who']}: ")
        fit = fitting(length, PHRASES, found[NONE].tapped.overhead, 1)
        assert said["text"] in fit
        assert candidates == len(fit)
    assert len(heard(found[NONE], truth(talk), 3)) == 3


def test_by_speaker_begins_at_nought_and_forgets_nobody(talk: Run, found: dict[Padding, Attacked]) -> None:
    rows = by_speaker(found[NONE], 40)
    assert set(rows) == {said["who"] for said in talk.sent["sent"][:40]}
    points = sorted(point for own in rows.values() for point in own)
    assert len(points) == 40
    assert points[0] == (0.0, found[NONE].tapped.lines[0].length)
    assert set(by_speaker(found[CONSTANT], 40)) <= {f"person {n}" for n in range(1, 5)}


@pytest.mark.parametrize("block", [1, 16, 32, 256])
def test_padded_is_what_guessing_phrase_by_phrase_gives(block: int) -> None:
    sizes = [sealed_length(phrase, 17, block) for phrase in PHRASES]
    chance = sum(Fraction(1, len(fitting(size, PHRASES, 17, block))) for size in sizes) / len(PHRASES)
    choice = padded(PHRASES, block, 17)
    assert choice.named == pytest.approx(float(chance))
    assert choice.lengths == len(set(sizes))
    assert choice.octets == pytest.approx(5 + sum(sizes) / len(sizes))  # a header of 5 bytes, RFC 8446, section 5.1
