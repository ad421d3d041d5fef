from collections.abc import Iterator

import pytest

pytest.importorskip("tkinter", reason="this Python has no tkinter")

import tkinter as tk

from chat import window_look
from chat.security import Lock
from chat.window_look import ALARM, ALARM_PALE, INK, LOCKS, NAMES, SURFACE, Fonts, Label, label, lock_bitmap


@pytest.fixture
def root(display: str) -> Iterator[tk.Tk]:
    made = tk.Tk(screenName=display)
    yield made
    made.destroy()


def luminance(colour: str) -> float:
    """Relative luminance, as WCAG 2 defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return float(0.2126 * red + 0.7152 * green + 0.0722 * blue)


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(
    ("ink", "ground"),
    [(name, SURFACE) for name in NAMES]
    + [(colours.dark, colours.pale) for colours in LOCKS.values()]
    + [(ALARM, ALARM_PALE), (INK, SURFACE)],
)
def test_every_colour_can_be_read(ink: str, ground: str) -> None:
    assert contrast(ink, ground) >= 5


def test_the_measure_of_contrast() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        ("&Send", Label("Send", "s", 0)),
        ("List &users", Label("List users", "u", 5)),
        ("no key", Label("no key", "", -1)),
        ("at the end&", Label("at the end&", "", -1)),
        ("", Label("", "", -1)),
    ],
)
def test_access_keys(marked: str, expected: Label) -> None:
    assert label(marked) == expected


@pytest.mark.parametrize("size", [0, 12, 15, 24, 64])
def test_tk_takes_the_pictures(size: int, root: tk.Tk) -> None:
    pictures = [tk.BitmapImage(master=root, data=lock_bitmap(size, lock)) for lock in Lock]
    assert {picture.width() for picture in pictures} == {max(size, 12)}


def test_each_lock_has_its_own_picture() -> None:
    assert len({lock_bitmap(24, lock) for lock in Lock}) == 3


def test_fonts_grow_together_within_limits(root: tk.Tk) -> None:
    fonts = Fonts(root)
    every = (fonts.text, fonts.bold, fonts.italic, fonts.small, fonts.title, fonts.fixed)
    before = [font["size"] for font in every]
    assert fonts.text["size"] == 14
    fonts.grow(3)
    assert all(font["size"] > size for font, size in zip(every, before, strict=True))
    fonts.grow(0)
    assert [font["size"] for font in every] == before
    for steps in (1000, -1000):
        fonts.grow(steps)
        assert 6 < fonts.small["size"] <= fonts.text["size"] < 50


def test_emoji_are_spelled_out_where_they_end_the_program(root: tk.Tk, monkeypatch: pytest.MonkeyPatch) -> None:
    class Library:
        def __init__(self, version: int) -> None:
            self.version = version

        def XftGetVersion(self) -> int:  # noqa: N802  (its name)
            return self.version

    monkeypatch.setattr("ctypes.util.find_library", lambda _name: "libXft.so.2")
    for version, can in ((20304, False), (20305, True)):
        monkeypatch.setattr("ctypes.CDLL", lambda _name, version=version: Library(version))
        assert window_look.drawable(root) == can
    monkeypatch.setattr("ctypes.util.find_library", lambda _name: None)
    assert window_look.drawable(root)
    assert window_look.without_emoji("ñ 🙂 →") == "ñ \\U0001f642 →"
    assert window_look.without_emoji("plain") == "plain"
