"""The form that one fills in to connect: name, server, and who shall be able to read.

Knows: tkinter, the words, what a `Login` is. Must not know: how connecting works. Contract: `connect` is called with
what was filled in; nothing is remembered that is not in the fields.
"""

import tkinter as tk
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from tkinter import ttk
from typing import Final

from chat.model import Login, Model, Stage
from chat.notices import Notice
from chat.security import Lock
from chat.window_look import Fonts, Label, label
from chat.words import LANGUAGES, language_after, mark

NO_PORT: Final = mark("A port is a number from 1 to 65535.")
_CHOICES: Final = {
    Lock.READABLE: mark("&Plaintext"),
    Lock.VERIFIED: mark("&TLS, verified"),
    Lock.UNVERIFIED: mark("TLS, n&obody verified"),
}


class Form(ttk.Frame):
    """The form.

    Args:
        master: the window.
        fonts: its fonts.
        choices: the ways to connect that there are.
        ports: the usual port of each.
        connect: called with what was filled in, or with what is wrong with it.
        cancel: called when a person waits no longer.
        switch: called to switch the language.
    """

    def __init__(
        self,
        master: tk.Misc,
        fonts: Fonts,
        choices: Sequence[Lock],
        ports: Mapping[Lock, int],
        *,
        connect: Callable[[Login | Notice], None],
        cancel: Callable[[], None],
        switch: Callable[[], None],
    ) -> None:
        super().__init__(master)
        self._fonts, self._ports = fonts, ports
        self._connect, self._cancel = connect, cancel
        self._lock = tk.StringVar(self, choices[0].name)
        self._was = choices[0]
        card = ttk.Frame(self, padding=16)
        card.pack(expand=True)
        card.columnconfigure(1, weight=1)
        self._title = ttk.Label(card, style="Title.TLabel")
        self._title.grid(row=0, column=0, columnspan=2, sticky="w", pady=(0, 12))
        self._labels: dict[str, ttk.Label] = {}
        self.fields: dict[str, ttk.Entry] = {}
        for row, field in enumerate(("name", "host", "port"), 1):
            self._labels[field] = ttk.Label(card)
            self._labels[field].grid(row=row, column=0, sticky="w", padx=(0, 16), pady=4)
            self.fields[field] = entry = ttk.Entry(card, font=fonts.text, width=24)
            entry.grid(row=row, column=1, sticky="ew", pady=4)
            entry.bind("<Return>", self._submitted)
            entry.bind("<KP_Enter>", self._submitted)
        ways = ttk.Frame(card)
        ways.grid(row=4, column=0, columnspan=2, sticky="w", pady=(12, 4))
        self.ways: dict[Lock, ttk.Radiobutton] = {}
        self._meanings: dict[Lock, ttk.Label] = {}
        for row, lock in enumerate(choices):
            way = ttk.Radiobutton(ways, variable=self._lock, value=lock.name, command=self._chosen)
            way.grid(row=row, column=0, sticky="w")
            for key in ("<Return>", "<KP_Enter>"):
                way.bind(key, partial(self._choose_and_submit, way))
            # Tk's own keys only move the focus: what is framed would not be what is chosen
            way.bind("<Down>", partial(self._go, choices[(row + 1) % len(choices)]))
            way.bind("<Up>", partial(self._go, choices[row - 1]))
            self.ways[lock] = way
            self._meanings[lock] = ttk.Label(ways, style=f"{lock.name}.TLabel")
            self._meanings[lock].grid(row=row, column=1, sticky="w", padx=(12, 0))
        self.problem = ttk.Label(card, style="Alarm.TLabel", padding=8, wraplength=480)
        self.problem.grid(row=5, column=0, columnspan=2, sticky="ew", pady=(8, 0))
        buttons = ttk.Frame(card)
        buttons.grid(row=6, column=0, columnspan=2, sticky="ew", pady=(16, 0))
        self.button = ttk.Button(buttons, style="Main.TButton", command=self._pressed)
        self.button.pack(side="left")
        self.button.bind("<Return>", self._pressed)
        self.button.bind("<KP_Enter>", self._pressed)
        self._doing = ttk.Label(buttons, style="Dim.TLabel")
        self._doing.pack(side="left", padx=12)
        self.language = ttk.Button(buttons, command=switch, style="Small.TButton")
        self.language.pack(side="right")
        self._waiting = False
        self._say: Callable[[str], str] = str

    def fill(self, login: Login) -> None:
        """Put something into the fields, and the cursor where one begins."""
        self._lock.set(login.lock.name)
        for field, text in (("name", login.name), ("host", login.host), ("port", str(login.port))):
            self.fields[field].delete(0, "end")
            self.fields[field].insert(0, text)
        self._was = login.lock

    def restyle(self) -> None:
        """Lay it out for the fonts as they are now: a ttk entry does not notice by itself."""
        for entry in self.fields.values():
            entry.configure(font=self._fonts.text)

    def begin(self) -> None:
        """Put the cursor into the name, all of it selected."""
        self.fields["name"].focus_set()
        self.fields["name"].selection_range(0, "end")

    def letters(self) -> dict[str, Callable[[], object]]:
        """Return what each letter pressed with Alt does."""
        found: dict[str, Callable[[], object]] = {}
        for lock, way in self.ways.items():
            found[label(self._say(_CHOICES[lock])).key] = way.invoke
        found[self._button_label().key] = self._pressed
        return found

    def _button_label(self) -> Label:
        return label(self._say(mark("&Cancel") if self._waiting else mark("&Connect")))

    def draw(self, model: Model) -> None:
        """Show how things stand."""
        say = self._say = model.words.say
        self._title.configure(text=say("Chat"))
        for field, text in (("name", say("Your name")), ("host", say("Server")), ("port", say("Port"))):
            self._labels[field].configure(text=text)
        for lock, way in self.ways.items():
            words = label(say(_CHOICES[lock]))
            way.configure(text=words.text, underline=words.at)
            self._meanings[lock].configure(text=say(lock.value))
        self._waiting = model.stage is Stage.CONNECTING
        words = self._button_label()
        self.button.configure(text=words.text, underline=words.at)
        left = model.stage is Stage.LEFT
        self._doing.configure(text=say("Connecting …") if self._waiting else say("You have left.") if left else "")
        self.language.configure(text=f"{LANGUAGES[language_after(model.words.language)]}  F4")
        for widget in (*self.fields.values(), *self.ways.values()):
            widget.state(["disabled" if self._waiting else "!disabled"])
        if model.problem is None:
            self.problem.grid_remove()
        else:
            wide = self._fonts.text.measure("n") * 48
            self.problem.configure(text=model.words.notice(model.problem), wraplength=wide)
            self.problem.grid()

    def login(self) -> Login | Notice:
        """Return what was filled in, or what is wrong with it."""
        port = self.fields["port"].get().strip()
        if not (port.isascii() and port.isdigit() and 1 <= int(port[:6]) <= 65535):
            return Notice(NO_PORT, {})
        host = self.fields["host"].get().strip() or "localhost"
        return Login(self.fields["name"].get(), host, int(port), Lock[self._lock.get()])

    def _chosen(self) -> None:
        """Change the port with the way, unless the person has put in one of their own."""
        lock, port = Lock[self._lock.get()], self.fields["port"]
        if port.get().strip() == str(self._ports[self._was]):
            port.delete(0, "end")
            port.insert(0, str(self._ports[lock]))
        self._was = lock

    def _pressed(self, _event: object = None) -> str:
        if self._waiting:
            self._cancel()
            return "break"
        return self._submitted()

    def _go(self, lock: Lock, _event: object) -> str:
        """Choose a way, and put the keyboard there."""
        self.ways[lock].focus_set()
        self.ways[lock].invoke()
        return "break"

    def _choose_and_submit(self, way: ttk.Radiobutton, _event: object) -> str:
        way.invoke()  # the one with the keyboard is the one that is meant
        return self._submitted()

    def _submitted(self, _event: object = None) -> str:
        if not self._waiting:
            self._connect(self.login())
        return "break"
