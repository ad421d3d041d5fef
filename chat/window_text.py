"""Text that can be read, selected and copied with the keyboard, and not be edited; the transcript is one.

Knows: tkinter, the model's entries. Must not know: the session, what keys do elsewhere. Contract: `draw` makes the
screen what the model says, touching only what changed; it scrolls along only where the reader is at the end. Whatever
is shown is plain text: nothing in it can be clicked.
"""

import tkinter as tk
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from tkinter import ttk

from chat.model import Entry, Kind, Model, hue
from chat.window_look import (
    ACCENT,
    ACCENT_DARK,
    ALARM,
    DIM,
    INK,
    LINE,
    NAMES,
    PRIVATE_PALE,
    SURFACE,
    Fonts,
    without_emoji,
)

_UNREAD = 0  # where the unread line stands among the numbers of the lines; entries count from 1


class ReadOnlyText(tk.Text):
    """A text widget that only the program writes in.

    It is not `state=disabled`, in which there is no cursor to be seen and so no selecting with the keyboard. Instead
    everything that would change the text is turned away where Tk executes it, whichever key, click or drop asked.
    """

    def __init__(self, master: tk.Misc, fonts: Fonts, *, height: int = 1) -> None:
        super().__init__(
            master,
            height=height,
            width=20,
            wrap="word",
            font=fonts.text,
            background=SURFACE,
            foreground=INK,
            relief="flat",
            borderwidth=0,
            highlightthickness=2,
            highlightbackground=SURFACE,
            highlightcolor=ACCENT,
            selectbackground=ACCENT,
            selectforeground=SURFACE,
            inactiveselectbackground=LINE,
            insertwidth=2,
            padx=8,
            pady=4,
            undo=False,
        )
        self._writing = False
        self._real = f"{self}_real"
        self.tk.call("rename", str(self), self._real)
        self.tk.createcommand(str(self), self._turn_away)
        # Tab goes on to the next widget, as everywhere else
        self.bind("<Tab>", self._next)
        self.bind("<Shift-Tab>", self._previous)
        self.bind("<Control-a>", self._select_all)

    def write(self, *parts: str | tuple[str, ...]) -> None:
        """Add text at the end: words and their tags in turn."""
        self._writing = True
        try:
            self.insert("end", *parts)  # type: ignore[arg-type]  # the stubs know one pair only
        finally:
            self._writing = False

    def cut(self, first: str, last: str) -> None:
        """Take text away."""
        self._writing = True
        try:
            self.delete(first, last)
        finally:
            self._writing = False

    def destroy(self) -> None:
        """Destroy the widget, and its other name."""
        with suppress(tk.TclError):
            self.tk.deletecommand(str(self))
            self.tk.call("rename", self._real, str(self))
        super().destroy()

    def _turn_away(self, operation: str, *arguments: object) -> object:
        if operation in ("insert", "delete", "replace") and not self._writing:
            return ""
        try:
            return self.tk.call(self._real, operation, *arguments)
        except tk.TclError:  # as Tk's own bindings ask for a selection that there is not
            return ""

    def _next(self, _event: object) -> str:
        following = self.tk_focusNext()
        if following is not None:
            following.focus_set()
        return "break"

    def _previous(self, _event: object) -> str:
        before = self.tk_focusPrev()
        if before is not None:
            before.focus_set()
        return "break"

    def _select_all(self, _event: object) -> str:
        self.tag_add("sel", "1.0", "end-1c")
        return "break"


class Panel(ReadOnlyText):
    """A few labelled lines, as high as they are, but never so high that nothing else can be seen.

    Args:
        master: the window.
        fonts: its fonts.
        share: the part of the window's height that it may take; what is longer can be scrolled.
    """

    def __init__(self, master: tk.Misc, fonts: Fonts, *, share: float) -> None:
        super().__init__(master, fonts)
        self._share = share
        self._fonts = fonts
        self._rows: tuple[tuple[str, str, str], ...] | None = None
        self.tag_configure("label", foreground=DIM, font=fonts.small)
        self.tag_configure("plain", foreground=INK, font=fonts.small)
        self.tag_configure("fixed", foreground=INK, font=fonts.fixed)
        self.tag_configure("exposed", foreground=ALARM, font=fonts.bold)
        self.bind("<Configure>", lambda _event: self.after_idle(self._fit))

    def draw(self, rows: Iterable[tuple[str, str, str]]) -> None:
        """Show rows of a label, a value and the value's tag: plain, fixed or exposed."""
        if (new := tuple(rows)) == self._rows:
            return
        self._rows = new
        self.cut("1.0", "end")
        for at, (name, value, tag) in enumerate(new):
            row = "bytes" if tag == "fixed" else "row"
            self.write(("\n" if at else "") + name + "\t", ("label", row), value, (tag, row))
        self.restyle()

    def restyle(self) -> None:
        """Lay it out for the fonts as they are now."""
        if self._rows:
            wide = max(self._fonts.small.measure(name) for name, _, _ in self._rows)
            wide = max(wide, *(self._fonts.fixed.measure(name) for name, _, _ in self._rows)) + 16
            self.tag_configure("row", tabs=(wide,), lmargin2=wide, spacing3=2)
            self.tag_configure("bytes", tabs=(wide,), lmargin2=wide, spacing3=2, wrap="char")  # hex has no words
        self.after_idle(self._fit)

    def _fit(self) -> None:
        if self.winfo_exists():
            high = self.tk.call(self._real, "count", "-update", "-ypixels", "1.0", "end")
            most = self._share * self.winfo_toplevel().winfo_height()
            line = self._fonts.text.metrics("linespace")
            self.configure(height=max(1, -(-int(min(int(high), most)) // line)))


class Transcript(ttk.Frame):
    """The conversation, with its scrollbar."""

    def __init__(self, master: tk.Misc, fonts: Fonts, *, emoji: bool = True) -> None:
        super().__init__(master, style="Surface.TFrame")
        self._fonts, self._emoji = fonts, emoji
        self.text = ReadOnlyText(self, fonts, height=4)
        bar = ttk.Scrollbar(self, command=self.text.yview, takefocus=False)
        self.text.configure(yscrollcommand=bar.set)
        bar.pack(side="right", fill="y")
        self.text.pack(side="left", fill="both", expand=True)
        self._lines: deque[int] = deque()  # which entry each line is, from the top
        self._edition = -1
        self._last = 0
        self._marker: int | None = None
        self._following = True
        self.text.bind("<Configure>", self._resized)
        for event in ("<KeyRelease>", "<ButtonRelease>", "<MouseWheel>", "<Button-4>", "<Button-5>"):
            self.text.bind(event, self._scrolled, add=True)
            bar.bind(event, self._scrolled, add=True)
        self.restyle()

    def restyle(self) -> None:
        """Lay it out for the fonts as they are now."""
        tag, fonts = self.text.tag_configure, self._fonts
        wide = fonts.small.measure("00:00") + fonts.text.measure("  ")
        tag("line", tabs=(wide,), lmargin2=wide, spacing1=2, spacing3=2)
        tag("time", foreground=DIM, font=fonts.small)
        tag("sign", foreground=DIM)
        tag("own", foreground=INK, font=fonts.bold)
        tag("notice", foreground=DIM, font=fonts.italic)
        tag("client", foreground=ACCENT_DARK, font=fonts.italic)
        tag("error", foreground=ALARM)
        tag("earlier", foreground=DIM)
        tag("private", background=PRIVATE_PALE)
        tag("unread", justify="center", foreground=ACCENT, font=fonts.bold)
        for number, colour in enumerate(NAMES):
            tag(f"name{number}", foreground=colour, font=fonts.bold)
        self.text.tag_raise("sel")

    def draw(self, model: Model) -> None:
        """Show what has changed."""
        if model.edition != self._edition:
            self.text.cut("1.0", "end")
            self._lines.clear()
            self._edition, self._last, self._marker = model.edition, 0, None
        if self._marker != model.marker:
            self._unmark()
        first = model.entries[0].number if model.entries else self._last + 1
        self._drop(first)
        new = model.after(self._last)
        for entry in new:
            if entry.number == model.marker:
                unread = model.words.say("unread from here")  # not within the f-string, where nobody looks for it
                self._line(_UNREAD, f"──── {unread} ────", ("unread",))
                self._marker = model.marker
            self._line(entry.number, *self._parts(entry, model))
            self._last = entry.number
        if new and self._following:
            self.text.see("end")

    def follow(self) -> None:
        """Go to the end, and stay there."""
        self._following = True
        self.text.see("end")

    def scroll(self, how: int) -> None:
        """Scroll by so many pages."""
        self.text.yview_scroll(how, "pages")
        self._scrolled(None)

    def _line(self, number: int, *parts: str | tuple[str, ...]) -> None:
        self.text.write(*(("\n", ("line",)) if self._lines else ()), *parts)
        self._lines.append(number)

    def _parts(self, entry: Entry, model: Model) -> tuple[str | tuple[str, ...], ...]:
        who = model.who(entry)
        time = (f"{entry.at:%H:%M}\t", ("line", "time"))
        text = model.text(entry) if self._emoji else without_emoji(model.text(entry))
        match entry.kind:
            case Kind.NOTICE:
                return *time, text, ("line", "notice")
            case Kind.CLIENT:
                return *time, text, ("line", "client")
            case Kind.ERROR:
                return *time, text, ("line", "error")
            case Kind.EARLIER:
                return *time, f"{who} > {text}", ("line", "earlier")
        tags = ("line", "private") if entry.to else ("line",)
        colour = "own" if entry.kind is Kind.OWN else f"name{hue(entry.name, len(NAMES))}"
        return *time, who, (*tags, colour), " > ", (*tags, "sign"), text, tags

    def _drop(self, first: int) -> None:
        """Take the lines away whose entries the model keeps no longer."""
        gone = 0
        while self._lines and self._lines[0] < first and (self._lines[0] != _UNREAD or len(self._lines) > 1):
            if self._lines[0] == _UNREAD and self._lines[1] >= first:
                break
            self._lines.popleft()
            gone += 1
        if gone:
            self.text.cut("1.0", f"{gone + 1}.0")

    def _unmark(self) -> None:
        if self._marker is not None and _UNREAD in self._lines:
            line = self._lines.index(_UNREAD) + 1
            self._lines.remove(_UNREAD)
            self.text.cut(f"{line}.0", f"{line + 1}.0")
        self._marker = None

    def _at_end(self) -> bool:
        return self.text.dlineinfo("end-1c") is not None

    def _scrolled(self, _event: object) -> None:
        self.after_idle(self._look_where)

    def _look_where(self) -> None:
        if self.winfo_exists():
            self._following = self._at_end()

    def _resized(self, _event: object) -> None:
        if self._following:
            self.text.see("end")
