"""The conversation: transcript, who is here, the input line, the lock, what the eavesdropper sees.

Knows: tkinter, the model. Must not know: connections; what a person wants goes to `Wishes`. Contract: `draw` shows what
the model says; nothing is kept here that is not in the model, but where things are and which one has the keyboard.
"""

import tkinter as tk
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from tkinter import ttk
from typing import Final

from chat import protocol
from chat.model import LOCAL_COMMANDS, Model, Stage, hue
from chat.security import Lock
from chat.window_look import ACCENT, ACCENT_PALE, INK, LOCKS, NAMES, SURFACE, Fonts, Label, label, lock_bitmap
from chat.window_text import Panel, Transcript
from chat.words import LANGUAGES, language_after, mark

_USERS_WIDE = 14  # characters: most names; it can be drawn wider
_BUTTONS: Final = {
    "send": mark("&Send"),
    "users": mark("List &users"),
    "leave": mark("&Leave"),
    "again": mark("&Reconnect"),
    "cancel": mark("&Cancel"),
}


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the person can ask for here.

    Attributes:
        send: something to be sent, as it is typed.
        leave: to leave.
        again: to connect again.
        cancel: to wait no longer.
        changed: the model was changed here; show it.
    """

    send: Callable[[str], None]
    leave: Callable[[], None]
    again: Callable[[], None]
    cancel: Callable[[], None]
    changed: Callable[[], None]


class Talk(ttk.Frame):
    """The conversation.

    Args:
        master: the window.
        fonts: its fonts.
        model: what is shown, and told what is typed.
        wishes: where everything goes that needs the connection.
        grow: makes the fonts larger by so many steps.
        emoji: whether the screen can draw them.
    """

    def __init__(
        self,
        master: tk.Misc,
        fonts: Fonts,
        model: Model,
        wishes: Wishes,
        *,
        grow: Callable[[int], None],
        emoji: bool = True,
    ) -> None:
        super().__init__(master, padding=10)
        self._fonts, self._model, self._wishes = fonts, model, wishes
        self._shown_users: tuple[str, ...] | None = None
        self._locks: dict[Lock, tk.BitmapImage] = {}
        self.columnconfigure(0, weight=1)
        self.rowconfigure(2, weight=1)
        self._make_head(grow)
        self.details = Panel(self, fonts, share=0.5)
        self.details.grid(row=1, column=0, sticky="ew", pady=(0, 8))
        self._panes = ttk.Panedwindow(self, orient="horizontal")
        self._panes.grid(row=2, column=0, sticky="nsew")
        self.transcript = Transcript(self._panes, fonts, emoji=emoji)
        self._panes.add(self.transcript, weight=1)
        self._make_users()
        self.wire = Panel(self, fonts, share=0.35)
        self.wire.grid(row=3, column=0, sticky="ew", pady=(8, 0))
        self._make_banner()
        self._make_line()
        self._make_foot()
        for button in (self.lock, self.language, self.again, self.send_it, self.list_users, self.watch, self.leave):
            button.bind("<Return>", partial(_press, button))
        self.restyle()

    def _make_head(self, grow: Callable[[int], None]) -> None:
        head = ttk.Frame(self)
        head.grid(row=0, column=0, sticky="ew", pady=(0, 8))
        self.lock = ttk.Button(head, compound="left", command=self.switch_details)
        self.lock.pack(side="left")
        self.language = ttk.Button(head, command=self.switch_language, style="Small.TButton")
        self.language.pack(side="right")
        for text, steps in (("A+", 1), ("A-", -1)):
            button = ttk.Button(head, text=text, command=partial(grow, steps), takefocus=False, style="Small.TButton")
            button.pack(side="right", padx=(0, 6))

    def _make_banner(self) -> None:
        self.banner = ttk.Frame(self, style="Alarm.TFrame", padding=8)
        self.banner.grid(row=4, column=0, sticky="ew", pady=(8, 0))
        self._trouble = ttk.Label(self.banner, style="Alarm.TLabel", anchor="w")
        self.again = ttk.Button(self.banner, style="Main.TButton", command=self._again_or_cancel)
        self.again.pack(side="right")
        self._trouble.pack(side="left", fill="x", expand=True)
        self._trouble.bind("<Configure>", lambda event: self._trouble.configure(wraplength=max(event.width - 16, 100)))

    def _make_line(self) -> None:
        line = ttk.Frame(self)
        line.grid(row=5, column=0, sticky="ew", pady=(8, 0))
        line.columnconfigure(0, weight=1)
        self.typed = tk.StringVar(self)
        self.typed.trace_add("write", self._on_typed)
        self.entry = ttk.Entry(line, textvariable=self.typed, font=self._fonts.text)
        self.entry.grid(row=0, column=0, sticky="ew")
        self.send_it = ttk.Button(line, style="Main.TButton", command=self.submit)
        self.send_it.grid(row=0, column=1, padx=(8, 0), sticky="ns")
        self._bind_entry()

    def _make_foot(self) -> None:
        row = ttk.Frame(self)
        row.grid(row=6, column=0, sticky="ew", pady=(8, 0))
        self.list_users = ttk.Button(row, command=self.ask_users)
        self.list_users.pack(side="left")
        self._watch = tk.BooleanVar(self)
        self.watch = ttk.Checkbutton(row, variable=self._watch, command=self.switch_eavesdropper)
        self.watch.pack(side="left", padx=14)
        self.leave = ttk.Button(row, command=self._wishes.leave)
        self.leave.pack(side="right")

    def _make_users(self) -> None:
        side = ttk.Frame(self._panes, padding=(10, 0, 0, 0))
        self._panes.add(side, weight=0)
        self.here = ttk.Label(side, style="Dim.TLabel")
        self.here.pack(anchor="w", pady=(0, 4))
        bar = ttk.Scrollbar(side, takefocus=False)
        self.users = tk.Listbox(
            side,
            font=self._fonts.text,
            width=_USERS_WIDE,
            background=SURFACE,
            foreground=INK,
            relief="flat",
            borderwidth=0,
            highlightthickness=2,
            highlightbackground=SURFACE,
            highlightcolor=ACCENT,
            selectbackground=ACCENT_PALE,
            selectforeground=INK,
            activestyle="dotbox",
            exportselection=False,
            yscrollcommand=bar.set,
        )
        bar.configure(command=self.users.yview)
        bar.pack(side="right", fill="y")
        self.users.pack(side="left", fill="both", expand=True)
        for event in ("<Return>", "<KP_Enter>", "<Double-Button-1>"):
            self.users.bind(event, self._whisper)

    def _bind_entry(self) -> None:
        for key in ("<Return>", "<KP_Enter>"):
            self.entry.bind(key, lambda _event: self.submit())
        self.entry.bind("<Up>", lambda _event: self._walk(self._model.up))
        self.entry.bind("<Down>", lambda _event: self._walk(self._model.down))
        self.entry.bind("<<Paste>>", self._paste)
        self.entry.bind("<Prior>", lambda _event: self.transcript.scroll(-1))
        self.entry.bind("<Next>", lambda _event: self.transcript.scroll(1))

    def restyle(self) -> None:
        """Lay it out for the fonts as they are now."""
        size = round(self._fonts.bold.metrics("linespace") * 0.85)
        self._locks = {
            lock: tk.BitmapImage(master=self, data=lock_bitmap(size, lock), foreground=colours.dark)
            for lock, colours in LOCKS.items()
        }
        self.entry.configure(font=self._fonts.text)  # it does not notice by itself
        self.transcript.restyle()
        self.details.restyle()
        self.wire.restyle()

    def letters(self) -> dict[str, Callable[[], object]]:
        """Return what each letter pressed with Alt does."""
        buttons = {"send": self.send_it, "users": self.list_users, "leave": self.leave}
        if self._model.stage is not Stage.INSIDE:
            buttons["cancel" if self._model.stage is Stage.CONNECTING else "again"] = self.again
        return {self._label(name).key: button.invoke for name, button in buttons.items()}

    def _label(self, name: str) -> Label:
        return label(self._model.words.say(_BUTTONS[name]))

    def draw(self) -> None:
        """Show what the model says."""
        model, say = self._model, self._model.words.say
        inside = model.stage is Stage.INSIDE
        for button, name in ((self.send_it, "send"), (self.list_users, "users"), (self.leave, "leave")):
            words = self._label(name)
            key = "  F2" if name == "users" else ""
            button.configure(text=words.text + key, underline=words.at)
        for button in (self.send_it, self.list_users):
            button.state(["!disabled" if inside else "disabled"])
        self.watch.configure(text=say("What passes on the wire") + "  F3")
        self._watch.set(model.eavesdropping)
        lock = model.security.lock
        self.lock.configure(
            text=f"  {model.lock()}  F5" if inside else "  " + say("not connected"),
            style=f"{lock.name}.TButton" if inside else "TButton",
            image=self._locks[lock] if inside else "",
        )
        self.language.configure(text=f"{LANGUAGES[language_after(model.words.language)]}  F4")
        detailed = model.detailed and inside
        self._draw_panel(self.details, detailed)
        if detailed:
            fixed = say("SHA-256 fingerprint"), say("Encryption")
            self.details.draw(
                (row.label, row.value, "fixed" if row.label in fixed else "plain") for row in model.details()
            )
        # one of them at a time, or nothing would be left of the conversation
        self._draw_panel(self.wire, model.eavesdropping and not detailed)
        if model.eavesdropping:
            wire = say("On the wire")
            self.wire.draw(
                (row.label, row.value, "exposed" if row.exposed else "fixed" if row.label == wire else "plain")
                for row in model.overheard()
            )
        self._draw_banner()
        self._draw_users()
        self.transcript.draw(model)
        self.show_draft()

    def show_draft(self) -> None:
        """Show what is in the input line; at once, or the next key would be taken for a change of the old text."""
        if self.typed.get() != self._model.draft:
            self.typed.set(self._model.draft)
            self.entry.icursor("end")
            self.entry.xview_moveto(1)

    def _draw_panel(self, panel: Panel, shown: bool) -> None:
        if shown:
            panel.grid()
        else:
            panel.grid_remove()

    def _draw_banner(self) -> None:
        model, say = self._model, self._model.words.say
        if model.stage is Stage.INSIDE:
            self.banner.grid_remove()
            return
        waiting = model.stage is Stage.CONNECTING
        trouble = say("Connecting …") if waiting else say("No connection.")
        if model.problem is not None:
            trouble = model.words.notice(model.problem)
        words = self._label("cancel" if waiting else "again")
        self._trouble.configure(text=trouble)
        self.again.configure(text=words.text, underline=words.at)
        self.banner.grid()

    def _draw_users(self) -> None:
        model, say = self._model, self._model.words.say
        self.here.configure(text=say("In {room}: {count}", room=model.room, count=len(model.users)))
        shown = tuple(say("{name} (you)", name=name) if name == model.name else name for name in model.users)
        if shown == self._shown_users:
            return
        top = self.users.yview()[0]
        self.users.delete(0, "end")
        self.users.insert("end", *(f" {name}" for name in shown))
        for at, name in enumerate(model.users):
            colour = INK if name == model.name else NAMES[hue(name, len(NAMES))]
            self.users.itemconfigure(at, foreground=colour, selectforeground=colour)
        self.users.yview_moveto(top)
        self._shown_users = shown

    # --- what the person does ---

    def submit(self) -> str:
        """Send what was typed, and go on typing; where the connection is lost, connect again, and keep it."""
        if self._model.stage is Stage.LOST and self._model.draft.strip().casefold() not in LOCAL_COMMANDS:
            self._wishes.again()
            return "break"
        text = self._model.submit()
        self.entry.focus_set()
        self.transcript.follow()
        self._wishes.changed()
        if text is not None:
            self._wishes.send(text)
        return "break"

    def ask_users(self) -> None:
        """Ask who is here, in the language of the window."""
        self._wishes.send(self._model.words.command(protocol.USERS_COMMANDS))

    def ask_help(self) -> None:
        """Ask what can be said."""
        self._wishes.send(self._model.words.command(protocol.HELP_COMMANDS))

    def switch_details(self) -> None:
        """Show or hide who can read this."""
        self._model.switch_details()
        self._wishes.changed()

    def switch_eavesdropper(self) -> None:
        """Show or hide what passes on the wire."""
        self._model.switch_eavesdropper()
        self._wishes.changed()

    def switch_language(self) -> None:
        """Go to the other language."""
        self._model.switch_language()
        self._wishes.changed()

    def _again_or_cancel(self) -> None:
        if self._model.stage is Stage.CONNECTING:
            self._wishes.cancel()
        else:
            self._wishes.again()

    def _on_typed(self, *_names: str) -> None:
        self._model.draft = self.typed.get()

    def _walk(self, where: Callable[[], None]) -> str:
        where()
        self._wishes.changed()
        return "break"

    def _paste(self, _event: object) -> str:
        """Paste what is on the clipboard as one line: a line break cannot be said."""
        try:
            text = self.clipboard_get()
        except tk.TclError:  # there is nothing, or it is no text
            return "break"
        if self.entry.selection_present():
            self.entry.delete("sel.first", "sel.last")
        self.entry.insert("insert", " ".join(text.splitlines()))
        return "break"

    def _whisper(self, _event: object) -> str:
        """Begin a message to the chosen person alone."""
        at = self.users.index("active")
        if 0 <= at < len(self._model.users) and self._model.users[at] != self._model.name:
            command = self._model.words.command(protocol.MSG_COMMANDS)
            self._model.draft = f"{command} {self._model.users[at]} {self._model.draft}"
            self.entry.focus_set()
            self._wishes.changed()
        return "break"


def _press(button: ttk.Button | ttk.Checkbutton, _event: object) -> str:
    button.invoke()
    return "break"
