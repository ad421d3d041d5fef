"""A person's connection: connects, sends, leaves, and tells the model what comes of it.

Knows: the client and the model, asyncio. Must not know: windows, terminals, threads. Contract: everything here runs in
one event loop. The model may live in another thread: it is touched only inside what `carry` carries there, one thing at
a time and in order, and after each of them `changed` is called there too. So a face that is slow to draw slows the
reading down, and nothing piles up in between.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from chat import protocol
from chat.client import Client
from chat.errors import ChatError, ConnectionLost
from chat.model import Login, Model
from chat.security import Lock

Carry = Callable[[Callable[[], None]], Awaitable[None]]

# Lines that the model is told at once: what a window draws in a few hundredths of a second.
_BATCH = 200
# Seconds that a server has to take leave of somebody who has closed the window already.
_LEAVING = 1.5


async def here(do: Callable[[], None]) -> None:
    """Carry out what is to be done with a model that lives in this very thread."""
    do()


class Session:
    """Joins a model and the server.

    Args:
        model: told all that happens.
        contexts: the client's side of TLS for each way of connecting that is encrypted.
        changed: called after the model was told something.
        carry: runs something where the model lives, and returns when it is done.
    """

    def __init__(
        self,
        model: Model,
        contexts: Mapping[Lock, ssl.SSLContext],
        changed: Callable[[], None] = lambda: None,
        *,
        carry: Carry = here,
    ) -> None:
        self._model, self._contexts, self._changed, self._carry = model, contexts, changed, carry
        self._busy = False
        self._trying: asyncio.Task[Client] | None = None
        self._client: Client | None = None
        self._pumping: asyncio.Task[None] | None = None

    async def connect(self, login: Login) -> None:
        """Connect, or connect again; return when the person is in, or when it is known why not.

        Somebody who is connected, or about to be, stays so: they have only pressed the button twice.
        """
        if self._busy or self._client is not None:
            return
        self._busy = True
        try:
            await self._connect(login)
        finally:
            self._busy = False

    async def _connect(self, login: Login) -> None:
        await self._tell(lambda: self._model.connecting(login))
        context = None if login.lock is Lock.READABLE else self._contexts[login.lock]
        trying = self._trying = asyncio.create_task(self._enter(login, context))
        try:
            await asyncio.wait({trying})
        finally:
            trying.cancel()
        if trying.cancelled():
            await self._tell(self._model.given_up)
            return
        error = trying.exception()
        if isinstance(error, ChatError):
            await self._tell(lambda: self._model.refused(error))
            return
        client = trying.result()
        if self._client is client:
            await self._tell(lambda: self._model.entered(client.name, client.welcome, client.security))
        if self._client is client:  # nobody has left meanwhile
            self._pumping = asyncio.create_task(self._pump(client))

    async def _enter(self, login: Login, context: ssl.SSLContext | None) -> Client:
        client = self._client = await Client.connect(login.host, login.port, login.name, context=context)
        return client

    def give_up(self) -> None:
        """Wait no longer for a connection that is being made."""
        if self._trying is not None:
            self._trying.cancel()

    async def send(self, text: str) -> None:
        """Send what the person has submitted; the command to leave leaves."""
        if protocol.is_quit(text):
            await self.leave()
            return
        try:
            if self._client is None:
                await self._tell(lambda: self._model.unsent(text))
                return
            wire = await self._client.send(text)
        except ConnectionLost:  # why, the model learns after the last lines that came
            await self._tell(lambda: self._model.unsent(text))
        except ChatError as refused:
            error = refused
            await self._tell(lambda: self._model.complain(error))
        else:
            await self._tell(lambda: self._model.sent(text, wire))

    async def leave(self) -> None:
        """Leave politely, or give up being somewhere that is lost already."""
        await self.close()
        await self._tell(self._model.left)

    async def close(self) -> None:
        """Leave politely without telling the model, which may be gone; never takes longer than two seconds."""
        late = asyncio.get_running_loop().time() + _LEAVING
        going = [task for task in (self._trying, self._pumping) if task is not None and not task.done()]
        for task in going:
            task.cancel()
        if going:
            await asyncio.wait(going, timeout=_LEAVING)
        client, self._client = self._client, None
        if client is None:
            return
        try:
            async with asyncio.timeout_at(late):
                await client.leave()
        except TimeoutError:
            client.cut()
            await client.close()

    async def _pump(self, client: Client) -> None:
        while True:
            try:
                lines = await client.receive_several(_BATCH)
            except ConnectionLost as lost:
                error = lost
                break
            await self._tell(partial(self._model.received_all, lines))
        self._client = None
        await client.close()
        await self._tell(lambda: self._model.lost(error))

    async def _tell(self, do: Callable[[], object]) -> None:
        def told() -> None:
            do()
            self._changed()

        await self._carry(told)
