"""One visit to the chat from a terminal: asks the name, connects, sends, connects again, leaves.

Knows: the model and its session. Must not know: what a terminal can draw, keys. Contract: a face calls `enter`, `leave`
and the other things a person does from the event loop's thread, at any time; `run` carries them out one after another
and returns the exit status: 0 when the person left, 1 when there was no getting in or the connection was lost.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from chat import protocol
from chat.client import reach
from chat.errors import ChatError, NicknameError
from chat.model import LANGUAGE_COMMANDS, LOCAL_COMMANDS, Login, Model, Stage
from chat.security import Lock
from chat.session import Session

# Seconds for what was typed before leaving to go out, to a server that may not read any more.
_FINISHING = 1.0


class Visit:
    """A person's visit.

    Args:
        model: what the faces show.
        contexts: the client's side of TLS for each way of connecting that is encrypted.
        login: where to go; with an empty name the person is asked for one, once the server was reached.

    Attributes:
        changed: called when there is something new to show; a face puts itself there.
        asking: whether what is typed is a name. The draft waits meanwhile.
        help: counts how often help was asked for that no server can give.
        failure: why there was no getting in.
    """

    def __init__(self, model: Model, contexts: Mapping[Lock, ssl.SSLContext], login: Login) -> None:
        self.model, self._contexts, self._login = model, contexts, login
        self.changed: Callable[[], None] = lambda: None
        self._session = Session(model, contexts, self._told)
        self.asking = False
        self.help = 0
        self.failure: ChatError | str | None = None
        self._inside_once = False
        self._work: asyncio.Queue[Callable[[], Awaitable[None]] | None] = asyncio.Queue()
        self._leaving = asyncio.Event()

    @property
    def where(self) -> str:
        """The server's address."""
        return f"{self._login.host}:{self._login.port}"

    @property
    def coming(self) -> bool:
        """Whether a connection is being made."""
        return not self.asking and self.model.stage in (Stage.SETTING_UP, Stage.CONNECTING)

    async def run(self) -> int:
        """Visit the chat to the end; return the exit status."""
        self._work.put_nowait(self._connect if self._login.name else self._arrive)
        working = asyncio.create_task(self._carry_out())
        leaving = asyncio.create_task(self._leaving.wait())
        try:
            await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({working}, timeout=_FINISHING)
            if working.done():
                working.result()
        finally:
            lost = self.model.stage is Stage.LOST
            working.cancel()
            leaving.cancel()
            await asyncio.wait({working, leaving})
            await self._session.leave()
        return int(lost or self.failure is not None)

    # --- what the person does ---

    def enter(self, text: str) -> None:
        """Take a line that was typed: a name, words, a command, or the wish to connect again."""
        command = text.strip().casefold()
        if self.asking:
            self._enter_name(text, command)
            return
        self.model.draft = text
        if protocol.is_quit(text):
            self.model.draft = ""
            self.leave()
        elif self.model.stage is Stage.INSIDE or command in LOCAL_COMMANDS:
            if (sent := self.model.submit()) is not None:
                self._work.put_nowait(lambda: self._session.send(sent))
        elif command in protocol.HELP_COMMANDS:
            self.model.draft = ""
            self.help += 1
        elif self.model.stage is Stage.LOST:
            self._work.put_nowait(self._connect)
        self.changed()

    def is_command(self, text: str) -> bool:
        """Tell whether a line is a command that is carried out without a connection, too."""
        return text.strip().casefold() in (*LOCAL_COMMANDS, *protocol.HELP_COMMANDS, *protocol.QUIT_COMMANDS)

    def ask(self, commands: tuple[str, str]) -> None:
        """Give a command, in English or Spanish, without touching what is being typed."""
        if self.model.stage is Stage.INSIDE:
            command = self.model.words.command(commands)
            self._work.put_nowait(lambda: self._session.send(command))
        elif commands is protocol.HELP_COMMANDS:
            self.help += 1
            self.changed()

    def speak_other(self) -> None:
        """Switch the language."""
        self.model.switch_language()
        self.changed()

    def eavesdrop(self) -> None:
        """Show what passes on the wire, or do so no longer."""
        self.model.eavesdropping = not self.model.eavesdropping
        self.changed()

    def look_at_lock(self) -> None:
        """Show who can read the connection."""
        self.model.detailed = True
        self.changed()

    def leave(self) -> None:
        """Leave; while connecting again, only stop that."""
        connecting = self.model.stage is Stage.CONNECTING
        self._session.give_up()
        if not (connecting and self._inside_once):
            self._work.put_nowait(None)
            self._leaving.set()

    # --- what comes of it ---

    def _told(self) -> None:
        self.changed()

    async def _carry_out(self) -> None:
        while (do := await self._work.get()) is not None:
            await do()
            self.changed()
            if self.failure is not None:
                return

    async def _arrive(self) -> None:
        login = self._login
        context = None if login.lock is Lock.READABLE else self._contexts[login.lock]
        try:
            await reach(login.host, login.port, context)
        except ChatError as error:
            self.failure = error
        else:
            self.asking = True

    async def _connect(self) -> None:
        if self.model.stage is Stage.INSIDE:  # Enter was pressed twice
            return
        await self._session.connect(self._login)
        self._connected(self.model.stage)

    def _connected(self, stage: Stage) -> None:
        if stage is Stage.INSIDE:
            self._inside_once = True
            self._login = replace(self._login, name=self.model.name)
        elif isinstance(self.model.failure, NicknameError):
            if not self._inside_once:  # else the transcript says it already
                self.model.complain(self.model.failure)
            self.asking = True
        elif not self._inside_once:
            self.failure = self.model.failure

    def _enter_name(self, text: str, command: str) -> None:
        if command in LANGUAGE_COMMANDS:
            self.model.switch_language()
        elif command in protocol.QUIT_COMMANDS:
            self.leave()
        elif command in protocol.HELP_COMMANDS:
            self.help += 1
        elif command:
            self.asking = False
            self._login = replace(self._login, name=text)
            self._work.put_nowait(self._connect)
        self.changed()
