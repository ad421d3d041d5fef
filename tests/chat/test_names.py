import itertools
import unicodedata
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.errors import NicknameError
from chat.names import MAX_NICKNAME, RESERVED, name_key, name_keys, nickname, skeleton

# What anybody can see, by the names that Unicode gives them: letters that are drawn alike.
DOUBLES = {
    "a": ["CYRILLIC SMALL LETTER A", "GREEK SMALL LETTER ALPHA"],
    "c": ["CYRILLIC SMALL LETTER ES"],
    "e": ["CYRILLIC SMALL LETTER IE"],
    "i": ["CYRILLIC SMALL LETTER BYELORUSSIAN-UKRAINIAN I", "LATIN SMALL LETTER DOTLESS I"],
    "j": ["CYRILLIC SMALL LETTER JE"],
    "o": ["CYRILLIC SMALL LETTER O", "GREEK SMALL LETTER OMICRON", "ARMENIAN SMALL LETTER OH"],
    "p": ["CYRILLIC SMALL LETTER ER", "GREEK SMALL LETTER RHO"],
    "s": ["CYRILLIC SMALL LETTER DZE"],
    "v": ["GREEK SMALL LETTER NU"],
    "x": ["CYRILLIC SMALL LETTER HA"],
    "y": ["CYRILLIC SMALL LETTER U"],
}


def doubles(letter: str) -> list[str]:
    return [letter, *map(unicodedata.lookup, DOUBLES.get(letter, ()))]


def taken_for_each_other(one: str, other: str) -> bool:
    return not name_keys(one).isdisjoint(name_keys(other))


@pytest.mark.parametrize(
    "name", ["alice", "Ñandú", "李雷", "अमित", "a", "x" * 20, "_b.o-b_", "٣", "Ольга", "Νίκος", "ada1"]
)
def test_names(name: str) -> None:
    assert nickname(f" {name} ") == name


def test_a_name_is_composed() -> None:
    assert nickname("Jose\u0301") == "José"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "   ",
        "x" * 21,
        "two words",
        "*",
        "* server",
        "!quit",
        "a>b",
        "\x1b[31mred",
        "a\u200bb",
        "a\u202eb",
        "\u3164",
        "\ufe0f",
        "\u0301a",
        "...",
        "👍",
        "x²",
        "аlice",  # noqa: RUF001 - the first letter is Cyrillic
        "half\ud83d",
        "a\u00a0b",
        "\u3000alice",
        "a,b",
        "a:b",
    ],
)
def test_names_refused(name: str) -> None:
    with pytest.raises(NicknameError, match=r"^A name .*: choose another one\.$"):
        nickname(name)


@given(st.text(max_size=25))
def test_a_name_is_settled_or_refused(text: str) -> None:
    try:
        name = nickname(text)
    except NicknameError:
        return
    assert name == unicodedata.normalize("NFC", text.strip(" \t"))
    assert nickname(name) == name
    assert 1 <= len(name) <= MAX_NICKNAME
    assert not set(name) & set(" *!>,:\t\n\r")
    assert not any(char.isspace() or unicodedata.category(char)[0] in "CZ" for char in name)


@pytest.mark.parametrize(("one", "other"), [("alice", "ALICE"), ("alice", "ａｌｉｃｅ"), ("straße", "STRASSE")])  # noqa: RUF001
def test_names_that_look_the_same_share_a_key(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)


@given(st.text("aàeñßſkKåÅοΟσςΣiİıдДﬁＡｂ1١.-_", min_size=1, max_size=8))  # noqa: RUF001
def test_the_same_word_in_other_letters_has_the_same_key(name: str) -> None:
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert name_key(unicodedata.normalize(form, name)) == name_key(name)
    assert name_key(name.casefold()) == name_key(name)
    assert name_key(name_key(name)) == name_key(name)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("coco", "сосо"),  # noqa: RUF001 - Cyrillic
        ("COCO", "сосо"),  # noqa: RUF001
        ("coco", "СОСО"),  # noqa: RUF001
        ("Nikos", "Νikos"),  # noqa: RUF001 - a Greek letter
        ("alice", "a1ice"),
        ("alice", "aIice"),
        ("Alice", "AIice"),
        ("ALICE", "A1ICE"),
        ("adam", "adarn"),
        ("Bob", "b0b"),
        ("BOB", "b0b"),
        ("ëco", "ёсо"),
        ("cocó", "сосо\u0301"),  # noqa: RUF001 - with an accent that Cyrillic has no composed letters for
        ("ïo", "їо"),
        ("oo", "ꝏ"),
        ("Roma", "Rorna"),
        ("O5", "05"),
    ],
)
def test_names_that_look_alike_share_a_key(one: str, other: str) -> None:
    assert taken_for_each_other(one, other)


@given(st.data(), st.text("".join(DOUBLES) + "bdn", min_size=1, max_size=8))
def test_a_name_in_borrowed_letters_is_known(data: st.DataObject, name: str) -> None:
    disguised = "".join(data.draw(st.sampled_from(doubles(letter))) for letter in name)
    assert taken_for_each_other(name, disguised)
    assert skeleton(disguised) == skeleton(name)


@pytest.mark.parametrize(
    "others", [("bob", "rob", "bo", "bobo", "bub", "b.b"), ("José", "Jose", "Josè"), ("李雷", "李蕾")]
)
def test_names_that_differ_to_the_eye_share_nothing(others: tuple[str, ...]) -> None:
    for one, other in itertools.combinations(others, 2):
        assert not taken_for_each_other(one, other)


@given(st.text(max_size=12))
def test_a_skeleton_is_its_own_skeleton(name: str) -> None:
    assert skeleton(skeleton(name)) == skeleton(name)
    assert name_keys(name) == {name_key(name), skeleton(name), skeleton(name_key(name)).casefold()}


@pytest.mark.parametrize("word", sorted(RESERVED))
def test_some_names_are_nobodys(word: str) -> None:
    for name in (word, word.upper(), word.title(), "".join(chr(0xFEE0 + ord(letter)) for letter in word)):
        with pytest.raises(NicknameError) as caught:
            nickname(name)
        assert str(caught.value) == f"The name {name} is nobody's: choose another one."


@pytest.mark.parametrize(
    "name",
    [
        *("r00t", "R00T", "al1", "AII", "aIl", "rne", "adrnin", "ADMlN", "ADM1N", "rnoderator", "sisterna", "SlSTEMA"),
        *("Everyb0dy", "n0body", "уоս", "ＲＯＯＴ"),  # noqa: RUF001 - Cyrillic with an Armenian letter, full width
    ],
)
def test_nor_are_they_in_disguise(name: str) -> None:
    with pytest.raises(NicknameError, match="is nobody's: choose another one"):
        nickname(name)


@pytest.mark.parametrize("name", ["alicia", "rooter", "adam", "adminton", "Yousef", "mei", "Allan", "serv3r", "my"])
def test_what_only_begins_like_one_is_somebodys(name: str) -> None:
    assert nickname(name) == name


def test_long_names_cost_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Putting marks in order takes quadratic time, so a line full of them would hold the server."""
    longest = 0
    real = unicodedata.normalize

    def watched(form: Literal["NFC", "NFD", "NFKC", "NFKD"], text: str) -> str:
        nonlocal longest
        longest = max(longest, len(text))
        return real(form, text)

    monkeypatch.setattr(unicodedata, "normalize", watched)
    with pytest.raises(NicknameError, match="has 1 to 20 characters"):
        nickname("a" + "\u0301" * 1020 + "\u0316" * 1020)
    assert longest <= 80
    assert nickname("o\u0308" * 20) == "\u00f6" * 20
