"""The chat in a window: who one is and where, the conversation, and the way from one to the other.

Knows: tkinter, the model, the session. Must not know: what lines mean or how they are worded. Contract: `run` returns
when the window is closed and the room has been left. Every widget and the model are touched by one thread, the one that
called `run`; the connection lives in another (see `bridge`).
"""

import signal
import ssl
import tkinter as tk
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from tkinter import ttk
from types import FrameType

from chat.bridge import Bridge
from chat.errors import ChatError
from chat.model import Login, Model, Stage
from chat.notices import Notice
from chat.security import Lock
from chat.session import Session
from chat.window_form import Form
from chat.window_look import PAPER, Fonts, drawable, style
from chat.window_talk import Talk, Wishes
from chat.words import Words

# Milliseconds between two drawings when lines pour in: sixty times a second is as often as screens show.
_DRAWING = 16
# Milliseconds for leaving politely when the window is closed; the session itself gives up sooner.
_CLOSING = 2000


class Window:
    """One window.

    Args:
        root: tkinter's.
        words: the language to begin with.
        contexts: the client's side of TLS for each way of connecting that is encrypted.
        login: what the form begins with.
        ports: the usual port of each way of connecting.
    """

    def __init__(
        self,
        root: tk.Tk,
        words: Words,
        contexts: Mapping[Lock, ssl.SSLContext],
        login: Login,
        ports: Mapping[Lock, int],
    ) -> None:
        self.root = root
        self.model = Model(words)
        self.fonts = Fonts(root)
        style(root, self.fonts)
        root.configure(background=PAPER)
        self._bridge = Bridge(root.tk, tk.READABLE)
        self._session = Session(self.model, contexts, self.changed, carry=self._bridge.carry)
        wishes = Wishes(self.send, self.leave, self._again, self._give_up, self.changed)
        emoji = drawable(root)
        self.talk = Talk(root, self.fonts, self.model, wishes, grow=self.grow, emoji=emoji)
        choices = [Lock.READABLE, *(lock for lock in Lock if lock in contexts)]
        self.form = Form(
            root,
            self.fonts,
            choices,
            ports,
            connect=self.connect,
            cancel=self._give_up,
            switch=self.talk.switch_language,
        )
        self.form.fill(login)
        self._page: ttk.Frame | None = None
        self._drawing: str | None = None  # what Tk will do soon, by its own names
        self._seeing: str | None = None
        self._late: str | None = None
        self._letters: tuple[str, ...] = ()
        self._closing = False
        self._bind()
        root.protocol("WM_DELETE_WINDOW", self.close)
        self._draw()

    # --- what the person wants ---

    def connect(self, login: Login | Notice) -> None:
        """Connect as the form says, or say what is wrong with it."""
        if isinstance(login, Notice):
            self.model.problem = login
            self.changed()
        else:
            self._bridge.ask(self._session.connect(login))

    def send(self, text: str) -> None:
        """Send a line."""
        self._bridge.ask(self._session.send(text))

    def leave(self) -> None:
        """Leave the room, and go back to the form."""
        self._bridge.ask(self._session.leave())

    def grow(self, steps: int) -> None:
        """Make all letters larger; 0 steps make them as they were."""
        self.fonts.grow(steps)
        style(self.root, self.fonts)
        self.form.restyle()
        self.talk.restyle()
        self.changed()

    def close(self) -> None:
        """Leave the room, then close; a server that does not answer is not waited for."""
        if self._closing:
            return
        self._closing = True
        self.root.withdraw()
        self._late = self.root.after(_CLOSING, self._end)
        asked = self._bridge.ask(self._session.close())
        asked.add_done_callback(lambda _asked: self._bridge.tell(self._end))

    def changed(self) -> None:
        """Draw what the model says now, soon; many changes are drawn together."""
        self.talk.show_draft()
        if self._drawing is None and not self._closing:
            self._drawing = self.root.after(_DRAWING, self._draw)

    def _give_up(self) -> None:
        self._bridge.call(self._session.give_up)

    def _again(self) -> None:
        if self.model.login is not None:
            self._bridge.ask(self._session.connect(self.model.login))

    def _end(self) -> None:
        for timer in (self._late, self._drawing, self._seeing):
            if timer is not None:
                self.root.after_cancel(timer)
        self._bridge.end()
        self.root.quit()

    # --- keys ---

    def _bind(self) -> None:
        bind = self.root.bind
        for keys, steps in (("plus equal KP_Add", 1), ("minus KP_Subtract", -1), ("0 KP_0", 0)):
            for key in keys.split():
                bind(f"<Control-Key-{key}>", ignoring(partial(self.grow, steps)))
        bind("<F1>", ignoring(partial(self._inside, self.talk.ask_help)))
        bind("<F2>", ignoring(partial(self._inside, self.talk.ask_users)))
        bind("<F3>", ignoring(partial(self._inside, self.talk.switch_eavesdropper)))
        bind("<F4>", ignoring(self.talk.switch_language))
        bind("<F5>", ignoring(partial(self._inside, self.talk.switch_details)))
        bind("<Escape>", ignoring(self._escape))
        bind("<FocusIn>", ignoring(self._focus))
        bind("<FocusOut>", ignoring(self._focus))
        self.talk.transcript.text.bind("<Key>", self._type_anyway)

    def _inside(self, do: Callable[[], None]) -> None:
        if self.model.stage is Stage.INSIDE:
            do()

    def _escape(self) -> None:
        if self.model.stage is Stage.CONNECTING:
            self._give_up()
        elif self._page is self.talk:
            self.model.detailed = False
            self.talk.entry.focus_set()
            self.changed()

    def _focus(self) -> None:
        """Look where the keyboard is, once it has arrived there: going from field to field it is nowhere at times."""
        if self._seeing is None and not self._closing:
            self._seeing = self.root.after_idle(self._see_focus)

    def _see_focus(self) -> None:
        self._seeing = None
        if str(self.root.tk.call("focus")):
            self.model.look()
        else:
            self.model.look_away()
        self.changed()

    def _type_anyway(self, event: "tk.Event[tk.Misc]") -> None:
        """Take up in the input line what is typed while the transcript has the keyboard."""
        plain = isinstance(event.state, int) and not event.state & 0xC  # neither Control nor Alt
        if plain and event.char and event.char.isprintable():
            self.talk.entry.focus_set()
            self.talk.entry.insert("insert", event.char)

    def _bind_letters(self, page: Form | Talk) -> None:
        for letter in self._letters:
            self.root.unbind(f"<Alt-Key-{letter}>")
        keys = page.letters()
        self._letters = tuple(keys)
        for letter, do in keys.items():
            self.root.bind(f"<Alt-Key-{letter}>", ignoring(do))

    # --- drawing ---

    def _draw(self) -> None:
        self._drawing = None
        model = self.model
        talking = model.stage in (Stage.INSIDE, Stage.LOST) or (model.stage is Stage.CONNECTING and model.again)
        page = self.talk if talking else self.form
        if talking:
            self.talk.draw()
        else:
            self.form.draw(model)
        if page is not self._page:
            self._turn_to(page)
        self._bind_letters(page)
        unread = f"({model.unread}) " if model.unread else ""
        self.root.title(f"{unread}{model.name} · {model.room} · Chat" if talking else model.words.say("Chat"))
        # where lines pour in, nothing is ever idle, and what was drawn would never be seen
        self.root.update_idletasks()
        self._keep_room(page)

    def _keep_room(self, page: Form | Talk) -> None:
        """Never be smaller than what must be seen, unless the screen is."""
        wide, high = self.root.winfo_screenwidth(), self.root.winfo_screenheight()
        least = min(page.winfo_reqwidth(), wide), min(page.winfo_reqheight(), high)
        if least != self.root.minsize():
            self.root.minsize(*least)

    def _turn_to(self, page: Form | Talk) -> None:
        if self._page is not None:
            self._page.pack_forget()
        self._page = page
        page.pack(fill="both", expand=True)
        if page is self.form:
            self.form.begin()
        else:
            self.talk.entry.focus_set()
            self.talk.transcript.follow()


def ignoring(do: Callable[[], object]) -> Callable[["tk.Event[tk.Misc]"], None]:
    """Return what does something on an event, whatever the event says."""

    def called(_event: "tk.Event[tk.Misc]") -> None:
        do()

    return called


def run(
    contexts: Mapping[Lock, ssl.SSLContext],
    *,
    login: Login,
    ports: Mapping[Lock, int],
    language: str,
) -> int:
    """Show the window until it is closed; return the exit status.

    Args:
        contexts: the client's side of TLS for each way of connecting that is encrypted.
        login: what the form begins with.
        ports: the usual port of each way of connecting.
        language: the language to begin with.

    Raises:
        ChatError: there is no screen to show it on.
    """
    try:
        root = tk.Tk(className="Chat")
    except tk.TclError as error:
        msg = "There is no screen to open a window on: chat in the terminal with `make client`."
        raise ChatError(msg) from error
    try:
        window = Window(root, Words(language), contexts, login, ports)
        root.geometry(f"{min(1000, root.winfo_screenwidth())}x{min(720, root.winfo_screenheight() - 60)}")

        def stop(_number: int, _frame: FrameType | None) -> None:
            window.close()

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, stop)
        root.mainloop()
    finally:
        with suppress(tk.TclError):
            root.destroy()
    return 0
