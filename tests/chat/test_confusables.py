import re
import string
import unicodedata
from pathlib import Path

import pytest

from chat import confusables
from chat.confusables import PROTOTYPES

LETTERS_AND_DIGITS = set(string.ascii_letters + string.digits)


# As in Unicode's confusables.txt (https://www.unicode.org/Public/security/): a character, and its prototype in ASCII.
@pytest.mark.parametrize(
    ("source", "prototype"),
    [
        ("DIGIT ZERO", "O"),
        ("DIGIT ONE", "l"),
        ("LATIN CAPITAL LETTER I", "l"),
        ("LATIN SMALL LETTER M", "rn"),
        ("CYRILLIC SMALL LETTER A", "a"),
        ("CYRILLIC SMALL LETTER IE", "e"),
        ("CYRILLIC SMALL LETTER O", "o"),
        ("CYRILLIC SMALL LETTER ER", "p"),
        ("CYRILLIC SMALL LETTER ES", "c"),
        ("CYRILLIC SMALL LETTER U", "y"),
        ("CYRILLIC SMALL LETTER HA", "x"),
        ("CYRILLIC SMALL LETTER DZE", "s"),
        ("CYRILLIC CAPITAL LETTER EN", "H"),
        ("CYRILLIC CAPITAL LETTER VE", "B"),
        ("CYRILLIC CAPITAL LETTER YU", "lO"),
        ("CYRILLIC CAPITAL LETTER YERU", "bl"),
        ("GREEK SMALL LETTER OMICRON", "o"),
        ("GREEK SMALL LETTER NU", "v"),
        ("GREEK SMALL LETTER RHO", "p"),
        ("GREEK CAPITAL LETTER RHO", "P"),
        ("GREEK CAPITAL LETTER ETA", "H"),
        ("CHEROKEE LETTER GO", "A"),
        ("LATIN SMALL LETTER DOTLESS I", "i"),
        ("LATIN SMALL LETTER AE", "ae"),
        ("ARMENIAN SMALL LETTER OH", "o"),
        ("ARABIC-INDIC DIGIT ONE", None),
        ("EXTENDED ARABIC-INDIC DIGIT ONE", "l"),
        ("LISU LETTER SHA", "X"),
        ("HEBREW LETTER VAV", None),
        ("LATIN SMALL LETTER A", None),
        ("LATIN SMALL LETTER L", None),
        ("LATIN CAPITAL LETTER M", None),
        ("CYRILLIC SMALL LETTER ZHE", None),
        ("GREEK SMALL LETTER LAMDA", None),
    ],
)
def test_facts(source: str, prototype: str | None) -> None:
    assert PROTOTYPES.get(ord(unicodedata.lookup(source))) == prototype


def test_everything_leads_to_ascii_letters_and_digits() -> None:
    for looks in PROTOTYPES.values():
        assert set(looks) <= LETTERS_AND_DIGITS


def test_what_a_character_looks_like_looks_like_itself() -> None:
    for looks in PROTOTYPES.values():
        assert looks.translate(PROTOTYPES) == looks


def test_only_what_a_name_can_hold_is_listed() -> None:
    for code in PROTOTYPES:
        char = chr(code)
        category = unicodedata.category(char)
        assert category[0] == "L" or category in {"Nd", "Cn"}, f"U+{code:04X}"  # Cn: newer than this Python


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
def test_normalization_leaves_them_to_the_table(form: str) -> None:
    changed = [chr(code) for code in PROTOTYPES if unicodedata.normalize(form, chr(code)) != chr(code)]  # type: ignore[arg-type]
    assert changed == []


def test_each_looks_like_one_thing_only() -> None:
    """Of a character listed twice, the table would keep the later place without a word."""
    source = Path(confusables.__file__).read_text("utf-8")
    listed = "".join(re.findall(r'^    "[A-Za-z0-9]+": "(.*)",$', source, re.MULTILINE))
    assert len(listed) == len(set(listed)) == len(PROTOTYPES)
