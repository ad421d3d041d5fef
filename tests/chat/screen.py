"""A screen, a keyboard and a mouse for the tests of the window, and a house full of people to talk to.

The window under test runs in the test's own thread: the test waits in Tk's event loop until something is true, and so
sees what a person sees. Keys and clicks come from xdotool through the X server, as a person's do.
"""

import asyncio
import gc
import os
import ssl
import subprocess
import threading
import time
import tkinter as tk
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from typing import Any, Self, TypeVar

import pytest

from chat.client import Client
from chat.limits import Limits
from chat.model import Login
from chat.security import Lock
from chat.server import Server
from chat.window import Window
from chat.words import Words

T = TypeVar("T")
PATIENCE = 10.0  # seconds: for a busy machine; everything here takes milliseconds


@contextmanager
def xvfb(size: str = "1024x768") -> Iterator[str]:
    """A screen that nobody sees; yields its name."""
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", f"{size}x24", "-nolisten", "tcp", "-noreset"]
    with subprocess.Popen(command, pass_fds=[writing], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            os.close(writing)
            with os.fdopen(reading) as file:
                number = file.readline().strip()
            assert number, "Xvfb did not start"
            yield f":{number}"
        finally:
            server.terminate()


class Hands:
    """Somebody's hands on the keyboard and the mouse of a screen."""

    def __init__(self, display: str) -> None:
        self._environment = {**os.environ, "DISPLAY": display}

    def __call__(self, *words: str | int) -> str:
        """Run xdotool."""
        command = ["xdotool", *map(str, words)]
        done = subprocess.run(
            command, env=self._environment, capture_output=True, text=True, check=True, timeout=PATIENCE
        )
        return done.stdout

    def windows(self) -> set[str]:
        """The numbers of the chat's windows that can be seen; Tk's own number is that of a window within."""
        try:
            return set(self("search", "--onlyvisible", "--class", "Chat").split())
        except subprocess.CalledProcessError:  # there is none
            return set()

    def press(self, *keys: str) -> None:
        """Press keys, such as `Return` or `alt+s`."""
        self("key", "--delay", 1, *keys)

    def type(self, text: str) -> None:
        """Type a text, key by key."""
        self("type", "--delay", 1, text)


class House:
    """A server in a thread of its own, and people without a face who talk to whoever is tested."""

    def __init__(self, server_context: ssl.SSLContext | None, client_context: ssl.SSLContext | None) -> None:
        self._server_context, self._client_context = server_context, client_context
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._server: Server | None = None
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self.open()
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def do(self, what: Coroutine[Any, Any, T]) -> "Future[T]":
        """Run something in the server's loop."""
        return asyncio.run_coroutine_threadsafe(what, self._loop)

    def now(self, what: Coroutine[Any, Any, T]) -> T:
        """Run something in the server's loop, and wait for it."""
        return self.do(what).result(PATIENCE)

    def open(self) -> None:
        """Open the house, again on the same port."""

        async def enter() -> Server:
            server = Server(port=self.port, context=self._server_context, limits=Limits(rate=0))
            return await server.__aenter__()

        self._server = self.now(enter())
        self.port = self._server.address[1]

    def close(self) -> None:
        """Throw everybody out."""
        if self._server is not None:
            self.now(self._server.__aexit__(None, None, None))
            self._server = None

    @property
    def names(self) -> tuple[str, ...]:
        """Who is here."""
        return () if self._server is None else self._server.rooms.names

    def join(self, name: str) -> "Guest":
        """Let somebody in."""
        client = Client.connect("localhost", self.port, name, context=self._client_context)
        return Guest(self, self.now(client))


class Guest:
    """Somebody without a face."""

    def __init__(self, house: House, client: Client) -> None:
        self._house, self._client = house, client

    def say(self, *texts: str) -> None:
        """Say something."""

        async def send() -> None:
            for text in texts:
                await self._client.send(text)

        self._house.now(send())

    def hears(self) -> "Future[str]":
        """The next line that comes."""
        return self._house.do(self._client.receive())

    def leave(self) -> None:
        """Leave."""
        self._house.now(self._client.leave())


class Desk:
    """A person at a window: what they do with their hands, and what they see."""

    def __init__(
        self, display: str, contexts: Mapping[Lock, ssl.SSLContext], login: Login, language: str = "en"
    ) -> None:
        self.hands = Hands(display)
        others = self.hands.windows()
        self.root = tk.Tk(screenName=display, className="Chat")
        self.root.geometry("900x640+0+0")
        self.root.report_callback_exception = self._broke
        self.mistakes: list[BaseException] = []
        self.closed = False
        ports = dict.fromkeys(Lock, login.port)
        self.window = Window(self.root, Words(language), contexts, login, ports)
        self.model, self.talk, self.form = self.window.model, self.window.talk, self.window.form
        self.until(lambda: self.hands.windows() - others)
        (self._number,) = self.hands.windows() - others
        self.look()

    def _broke(self, _kind: object, error: BaseException, _trace: object) -> None:
        self.mistakes.append(error)

    def until(self, true: Callable[[], object]) -> None:
        """Wait in Tk's event loop until something is true."""
        late: list[bool] = []
        timer = self.root.after(int(PATIENCE * 1000), lambda: late.append(True))
        while not true():
            assert not late, (self.root.title(), self.transcript)
            self.root.tk.dooneevent(0)
            assert not self.mistakes, self.mistakes
        self.root.after_cancel(timer)

    def hears(self, future: "Future[T]") -> T:
        """Wait for something that happens elsewhere, the window going on meanwhile."""
        future.add_done_callback(lambda _done: self.window._bridge.tell(lambda: None))
        self.until(future.done)
        return future.result()

    def look(self) -> None:
        """Give this window the keyboard."""
        self.hands("windowfocus", "--sync", self._number)
        self.until(lambda: self.root.tk.call("focus"))

    def look_away(self) -> None:
        """Give the keyboard to no window: to the screen behind them."""
        self.hands("windowfocus", "--sync", self.hands("search", "--maxdepth", 0, "--class", "").split()[0])
        self.until(lambda: not self.root.tk.call("focus"))

    def click(self, widget: tk.Misc) -> None:
        """Click into the middle of a widget."""
        self.root.update()
        x, y = widget.winfo_rootx() + widget.winfo_width() // 2, widget.winfo_rooty() + widget.winfo_height() // 2
        self.hands("mousemove", x, y, "click", 1)

    def write(self, text: str) -> None:
        """Type into the input line, and see it there."""
        before = self.talk.typed.get()
        self.hands.type(text)
        self.until(lambda: self.talk.typed.get() == before + text)

    def enter(self) -> None:
        """Connect with what the form says, by the keyboard."""
        self.hands.press("Return")
        self.until(lambda: self.talk.winfo_viewable() and self.model.users)
        self.until(lambda: self.root.focus_get() is self.talk.entry)

    @property
    def transcript(self) -> str:
        """What the transcript says."""
        return self.talk.transcript.text.get("1.0", "end-1c")

    def says(self, words: str) -> None:
        """Wait until the transcript says something."""
        self.until(lambda: words in self.transcript)

    def close(self, *, within: float = PATIENCE) -> None:
        """Close the window as a person does, and wait until it is closed. Twice is no more than once."""
        if self.closed:
            return
        self.closed = True
        started = time.monotonic()
        self.root.tk.eval(self.root.protocol("WM_DELETE_WINDOW"))  # what Tk does when the window manager asks
        self.root.mainloop()
        self.root.destroy()
        assert time.monotonic() - started < within
        assert self.mistakes == []


@pytest.fixture(scope="session")
def screens() -> Iterator[Callable[[], str]]:
    """The screen of this run, made when it is asked for first."""
    with ExitStack() as stack:
        names: list[str] = []

        def screen() -> str:
            if not names:
                names.append(stack.enter_context(xvfb()))
            return names[0]

        yield screen


@pytest.fixture
def display(tool: Callable[[str], str], screens: Callable[[], str]) -> str:
    """The name of a screen."""
    tool("Xvfb")
    tool("xdotool")
    gc.collect()  # what is left of windows before this one: it may only go in this thread (tkinter's Variable.__del__)
    return screens()


Sit = Callable[..., Desk]


@pytest.fixture
def sit(display: str, contexts: dict[Lock, ssl.SSLContext]) -> Iterator[Sit]:
    """Sit somebody down at a window that is closed when the test is over, however it ends."""
    desks: list[Desk] = []

    def down(port: int, *, lock: Lock = Lock.READABLE, name: str = "alice", language: str = "en") -> Desk:
        desks.append(Desk(display, contexts, Login(name, "localhost", port, lock), language))
        return desks[-1]

    yield down
    for desk in desks:
        desk.close()


@pytest.fixture
def plain_house() -> Iterator[House]:
    """A server in plaintext."""
    with House(None, None) as house:
        yield house


@pytest.fixture
def tls_house(server_context: ssl.SSLContext, client_context: ssl.SSLContext) -> Iterator[House]:
    """A server over TLS."""
    with House(server_context, client_context) as house:
        yield house
