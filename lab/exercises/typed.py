"""Answers as people type or copy them, compared with what is right. Pure; knows no exercise."""

import re

_SEPARATORS = str.maketrans("", "", ": ")


def without_separators(digits: str) -> str:
    """Return hex digits without colons and spaces between them, as `tr -d ': '` does."""
    return digits.translate(_SEPARATORS)


def plain_digits(answer: str) -> str:
    """Return hex digits in small letters, without what stands between them or in front: "0x1A:2B" is "1a2b"."""
    return without_separators(answer.strip().lower().removeprefix("0x"))


def letters_in(answer: str, known: str) -> frozenset[str]:
    """Return the letters that an answer names, of capital ones that are known: "B, D", "b and d" and "BD" are B and D.

    A word with any other letter in it, as "and", names none.
    """
    words = re.findall(r"[^\W_]+", answer.upper())
    return frozenset("".join(word for word in words if set(word) <= set(known)))


def same_text(answer: str, text: str) -> bool:
    """Return whether an answer is this text, up to the spaces around it.

    A text in which each byte that is not ASCII is a dot counts, too: so Wireshark and tshark show it in some places.
    """
    dotted = "".join(letter if letter.isascii() else "." * len(letter.encode()) for letter in text)
    return answer.strip() in (text.strip(), dotted.strip())
