"""How the window looks: colours, fonts that grow and shrink together, the three locks, access keys.

Knows: tkinter's styles, fonts and bitmaps. Must not know: what the chat does. Contract: every font of the window is one
of `Fonts`, so that one key makes all of it readable from the back of a classroom; no colour says anything that a word
beside it does not say too.
"""

import ctypes
import ctypes.util
import math
import tkinter as tk
from dataclasses import dataclass
from tkinter import font as tkfont
from tkinter import ttk
from typing import Final

from chat.security import Lock

PAPER, SURFACE, INK, DIM, LINE = "#f4f3ef", "#ffffff", "#1c2127", "#5b6470", "#c9ccd1"
ACCENT, ACCENT_DARK, ACCENT_PALE = "#1f5fa8", "#174a84", "#e3edf8"
ALARM, ALARM_PALE = "#a61b12", "#fdebe8"
PRIVATE_PALE = "#f1e9f8"


@dataclass(frozen=True, slots=True)
class Colours:
    """Dark enough to be read on the pale one, and on white."""

    dark: str
    pale: str


LOCKS: Final = {
    Lock.VERIFIED: Colours("#17692f", "#dff2e4"),
    Lock.UNVERIFIED: Colours("#855400", "#ffedc7"),
    Lock.READABLE: Colours(ALARM, ALARM_PALE),
}
# Of people's names: each has a contrast of more than 5 to white (WCAG 2 asks for 4.5).
NAMES: Final = ("#1f5fa8", "#9c2f6f", "#17692f", "#8a4b00", "#5a3fa0", "#00656e", "#a61b12", "#4d5b00")

# The course's font is Arial; these have its measures, or come near.
_FAMILIES = ("Arial", "Liberation Sans", "Arimo", "Helvetica", "Noto Sans", "DejaVu Sans")
_FIXED = ("DejaVu Sans Mono", "Liberation Mono", "Menlo", "Consolas", "Courier New")
_SIZE = 14
_SMALLEST, _LARGEST = -4, 9
_STEP = 1.12
# Older ones end the whole program on an emoji in colour (libXft 2.3.5's notes); as XftGetVersion counts.
_XFT_WITH_COLOUR = 20305


class Fonts:
    """All fonts of the window.

    Args:
        root: the window.
    """

    def __init__(self, root: tk.Misc) -> None:
        there = set(tkfont.families(root))
        family = next((name for name in _FAMILIES if name in there), tkfont.nametofont("TkDefaultFont", root)["family"])
        fixed = next((name for name in _FIXED if name in there), tkfont.nametofont("TkFixedFont", root)["family"])
        self.text = tkfont.Font(root, family=family, size=_SIZE)
        self.bold = tkfont.Font(root, family=family, size=_SIZE, weight="bold")
        self.italic = tkfont.Font(root, family=family, size=_SIZE, slant="italic")
        self.small = tkfont.Font(root, family=family, size=_SIZE)
        self.title = tkfont.Font(root, family=family, size=_SIZE, weight="bold")
        self.fixed = tkfont.Font(root, family=fixed, size=_SIZE)
        self._step = 0
        self._resize()

    def grow(self, steps: int) -> None:
        """Make all of them larger, or smaller; 0 steps make them as they were."""
        self._step = max(_SMALLEST, min(_LARGEST, self._step + steps)) if steps else 0
        self._resize()

    def _resize(self) -> None:
        size = _SIZE * _STEP**self._step
        for font, part in (
            *((font, 1.0) for font in (self.text, self.bold, self.italic)),
            *((self.small, 0.85), (self.fixed, 0.85), (self.title, 1.3)),
        ):
            font.configure(size=round(size * part))


def style(root: tk.Misc, fonts: Fonts) -> None:
    """Give every kind of widget its looks. To be called again when the fonts have changed."""
    looks = ttk.Style(root)
    looks.theme_use("clam")
    looks.configure(
        ".", background=PAPER, foreground=INK, font=fonts.text, bordercolor=LINE, focuscolor=ACCENT, troughcolor=PAPER
    )
    looks.configure("Surface.TFrame", background=SURFACE)
    for name, ground, ink, font in (
        ("TLabel", PAPER, INK, fonts.text),
        ("Dim.TLabel", PAPER, DIM, fonts.small),
        ("Title.TLabel", PAPER, INK, fonts.title),
        ("Alarm.TLabel", ALARM_PALE, ALARM, fonts.text),
    ):
        looks.configure(name, background=ground, foreground=ink, font=font)
    looks.configure("Alarm.TFrame", background=ALARM_PALE)
    pad = fonts.text.metrics("linespace") // 3
    looks.configure("TButton", background=SURFACE, padding=(pad * 2, pad), relief="flat", width=0)
    looks.map(
        "TButton",
        background=[("pressed", LINE), ("active", ACCENT_PALE), ("disabled", PAPER)],
        foreground=[("disabled", LINE)],
        bordercolor=[("focus", ACCENT)],
        lightcolor=[("focus", ACCENT)],
        darkcolor=[("focus", ACCENT)],
    )
    looks.configure("Small.TButton", font=fonts.small, padding=(pad, pad))
    looks.configure("Main.TButton", background=ACCENT, foreground=SURFACE, font=fonts.bold, focuscolor=SURFACE)
    looks.map(
        "Main.TButton",
        background=[("pressed", ACCENT_DARK), ("active", ACCENT_DARK), ("disabled", LINE)],
        foreground=[("disabled", SURFACE)],
        bordercolor=[("focus", INK)],
        lightcolor=[("focus", INK)],
        darkcolor=[("focus", INK)],
    )
    for kind in ("TRadiobutton", "TCheckbutton"):
        looks.configure(
            kind, padding=pad // 2, indicatorsize=fonts.text.metrics("linespace") // 1.6, indicatormargin=(0, 0, pad, 0)
        )
        looks.map(
            kind,
            background=[("active", ACCENT_PALE), ("focus", ACCENT_PALE)],
            indicatorbackground=[("selected", SURFACE)],
            indicatorforeground=[("selected", ACCENT)],
        )
    looks.configure("TEntry", padding=pad, fieldbackground=SURFACE, selectbackground=ACCENT, selectforeground=SURFACE)
    looks.map(
        "TEntry",
        selectbackground=[],
        selectforeground=[],
        bordercolor=[("focus", ACCENT)],
        lightcolor=[("focus", ACCENT)],
        darkcolor=[("focus", ACCENT)],
    )
    looks.configure(
        "TScrollbar", background=LINE, arrowsize=fonts.text.metrics("linespace") // 1.5, relief="flat", gripcount=0
    )
    for lock, colours in LOCKS.items():
        looks.configure(f"{lock.name}.TButton", background=colours.pale, foreground=colours.dark, font=fonts.bold)
        looks.configure(f"{lock.name}.TLabel", background=PAPER, foreground=colours.dark, font=fonts.small)
        looks.map(f"{lock.name}.TButton", background=[("active", colours.pale), ("pressed", LINE)])


def lock_bitmap(size: int, lock: Lock) -> str:
    """Return the picture of a lock as an X bitmap: shut and full, shut and hollow, or open."""
    size = max(size, 12)
    rows = [[_inside((x + 0.5) / size, (y + 0.5) / size, lock) for x in range(size)] for y in range(size)]
    data = []
    for row in rows:
        for at in range(0, size, 8):
            data.append(sum(1 << bit for bit, on in enumerate(row[at : at + 8]) if on))
    numbers = ",".join(f"0x{byte:02x}" for byte in data)
    return f"#define i_width {size}\n#define i_height {size}\nstatic unsigned char i_bits[] = {{\n{numbers}\n}};"


def _inside(x: float, y: float, lock: Lock) -> bool:
    line = 0.1
    if 0.15 <= x <= 0.85 and 0.45 <= y <= 0.95:  # the body
        hollow = 0.15 + line <= x <= 0.85 - line and 0.45 + line <= y <= 0.95 - line
        return not (lock is Lock.UNVERIFIED and hollow)
    middle = 0.5 if lock is not Lock.READABLE else 0.78  # the shackle, swung aside where it is open
    radius = 0.25
    if y < 0.33:
        distance = math.hypot(x - middle, y - 0.33)
        return radius - line <= distance <= radius
    if y >= 0.45:
        return False
    legs = [middle - radius + line / 2] + ([middle + radius - line / 2] if lock is not Lock.READABLE else [])
    return any(abs(x - leg) <= line / 2 for leg in legs)


@dataclass(frozen=True, slots=True)
class Label:
    """The words on a button, and which of its letters pressed with Alt presses it.

    Attributes:
        text: the words.
        key: the letter, in lower case; empty where there is none.
        at: where it is in the words, -1 where there is none.
    """

    text: str
    key: str
    at: int


def label(marked: str) -> Label:
    """Return the words and the access key of a text in which `&` stands before it: `&Send`."""
    before, mark, after = marked.partition("&")
    if not mark or not after:
        return Label(marked, "", -1)
    return Label(before + after, after[0].lower(), len(before))


def drawable(root: tk.Misc) -> bool:
    """Tell whether this screen can be asked to draw an emoji: an old libXft ends the program instead."""
    if root.tk.call("tk", "windowingsystem") != "x11":
        return True
    name = ctypes.util.find_library("Xft")
    try:
        version: int = _XFT_WITH_COLOUR if name is None else ctypes.CDLL(name).XftGetVersion()
    except (OSError, AttributeError):
        return True
    return version >= _XFT_WITH_COLOUR


def without_emoji(text: str) -> str:
    """Return a text with the characters spelled out that only an emoji font has."""
    if text.isascii():
        return text
    return "".join(char if char <= "\uffff" else f"\\U{ord(char):08x}" for char in text)
