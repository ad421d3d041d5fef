"""Text made safe to show: on a terminal, in a log, in a report.

Knows Unicode's general categories; must not know where the text came from. Contract: a total function; what it returns
holds no character that moves a cursor, colours, hides, reorders or breaks a line (TAB excepted).
"""

import unicodedata

_ESCAPED = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# Letters and marks by category, yet drawn as nothing (Unicode's Default_Ignorable_Code_Point).
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0").union(
    map(chr, range(0x180B, 0x1810)), map(chr, range(0xFE00, 0xFE10)), map(chr, range(0xE0100, 0xE01F0))
)
_JOINER, _EMOJI_STYLE, _KEYCAP = "\u200d", "\ufe0f", "\u20e3"


def visible(text: str) -> str:
    r"""Return `text` with every character that is not plainly visible written out, as `\x1b` or `\u202e`.

    Escaped are controls (C0, C1, DEL), format characters (bidi controls, zero-width ones), line and paragraph
    separators, lone surrogates, and letters or marks drawn as nothing. Letters, accents, spaces and TAB stay. The
    zero-width joiner and the emoji variation selector stay where they hold an emoji together, since a family or a
    heart would fall to pieces without them, and are escaped elsewhere, where they could hide in a word.

    The result is for reading, not for undoing: a backslash that was typed is not doubled.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if _is_plain(char) or _holds_emoji(text, at) else _escape(char) for at, char in enumerate(text))


def _is_plain(char: str) -> bool:
    return char == "\t" or (unicodedata.category(char) not in _ESCAPED and char not in _BLANK)


def _holds_emoji(text: str, at: int) -> bool:
    before, after = text[at - 1 : at] if at else "", text[at + 1 : at + 2]
    if text[at] == _EMOJI_STYLE:
        return _is_emoji(before) or (before in set("0123456789#*") and after == _KEYCAP)
    if text[at] == _JOINER:
        joins = _is_emoji(before) or (before == _EMOJI_STYLE and _holds_emoji(text, at - 1))
        return joins and _is_emoji(after)
    return False


def _is_emoji(char: str) -> bool:
    """Tell roughly: symbols, and the emoji blocks, which grow faster than the tables of any one Python."""
    return char != "" and (unicodedata.category(char) == "So" or "\U0001f000" <= char <= "\U0001faff" or char == "↔")


def _escape(char: str) -> str:
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
