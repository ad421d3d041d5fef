import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.escape import visible


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "a\tb",
        "¿Qué tal, señor?",
        "日本語",
        "नमस्ते",
        "👍🏽",
        "👩‍👩‍👧",
        "❤️‍🔥",
        "🏳️‍🌈",
        "1️⃣",
        "🇪🇸",
        "cafe\u0301",
        "C:\\x",
    ],
)
def test_what_people_write_stays(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("a\r\nb\0", r"a\x0d\x0ab\x00"),
        ("\x7f\x9b2J", r"\x7f\x9b2J"),
        ("user\u202egnp.exe", r"user\u202egnp.exe"),
        ("\u2066a\u2069", r"\u2066a\u2069"),
        ("pass\u200bword", r"pass\u200bword"),
        ("a\u2028b\u2029c", r"a\u2028b\u2029c"),
        ("\ufeffbom", r"\ufeffbom"),
        ("half \ud83d", r"half \ud83d"),
        ("tag\U000e0041", r"tag\U000e0041"),
        ("blank\u3164", r"blank\u3164"),
        ("a\u200db", r"a\u200db"),
        ("\u200d👩", r"\u200d👩"),
        ("👩\u200dx", r"👩\u200dx"),
        ("a\ufe0f", r"a\ufe0f"),
        ("1\ufe0f", r"1\ufe0f"),
    ],
)
def test_what_acts_on_a_terminal_is_written_out(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text(st.characters(exclude_categories=[])))
def test_any_text_becomes_safe(text: str) -> None:
    shown = visible(text)
    assert not any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in shown if char != "\t")
    assert not any(unicodedata.category(char) == "Cf" for char in shown if char != "\u200d")
    assert visible(shown) == shown
    shown.encode("utf-8")
