"""Plays a scenario with real clients against a real server, and notes what was sent.

Waits on events; it sleeps only where the scenario has a pause, which is then part of what happens.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import TypeVar

from chat import notices, protocol
from chat.client import Client
from chat.errors import ChatError
from lab.errors import LabError
from lab.scenario import Join, Leave, ListUsers, Paste, Pause, Say, Sent, Step

K = TypeVar("K")
V = TypeVar("V")

_STEP_TIMEOUT = 20.0  # seconds; a step takes milliseconds, and this is for machines that swap

Connect = Callable[[str], Awaitable[Client]]
_Deed = Join | Say | Paste | ListUsers | Leave


async def play(steps: Sequence[Step], connect: Connect) -> tuple[Sent, ...]:
    """Play the steps, each when the one before has reached everybody; everybody leaves at the end.

    Args:
        steps: the scenario.
        connect: gives a connected client for a name.

    Raises:
        LabError: somebody received something else than was sent, or nothing in time.
        ChatError: a connection failed.
    """
    room: dict[str, Client] = {}
    sent: list[Sent] = []
    try:
        for step in steps:
            if isinstance(step, Pause):
                await asyncio.sleep(step.seconds)
            else:
                await _in_time(step, room, connect, sent)
        for who in tuple(room):
            await _in_time(Leave(who), room, connect, sent)
    finally:
        await asyncio.gather(*(client.close() for client in room.values()), return_exceptions=True)
    return tuple(sent)


async def side_by_side(plays: Mapping[K, Coroutine[None, None, V]]) -> dict[K, V]:
    """Run coroutines at once, which may not wait for each other; return what they return.

    Raises:
        Whatever the first of them raises; the others are cancelled then.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = {key: group.create_task(play) for key, play in plays.items()}
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0]  # noqa: B904  (the others were cancelled because of it; its cause is its own)
    return {key: task.result() for key, task in tasks.items()}


async def _in_time(step: _Deed, room: dict[str, Client], connect: Connect, sent: list[Sent]) -> None:
    try:
        async with asyncio.timeout(_STEP_TIMEOUT):
            await _do(step, room, connect, sent)
    except TimeoutError:
        msg = f"{step.who} did something that did not reach everybody within {_STEP_TIMEOUT:.0f} seconds."
        raise LabError(msg) from None


async def _do(step: _Deed, room: dict[str, Client], connect: Connect, sent: list[Sent]) -> None:
    others = tuple(name for name in room if name != step.who)
    match step:
        case Join(who):
            room[who] = await connect(who)
            await _expect(room, others, notices.line(notices.CAME, name=who))
        case Say(who, text):
            await _say(who, (text,), room, sent)
        case Paste(who, texts):
            await _say(who, texts, room, sent)
        case ListUsers(who):
            listed = await room[who].users()
            if listed != tuple(room):
                msg = f"{who} was told that {', '.join(listed)} are here; in truth it is {', '.join(room)}."
                raise LabError(msg)
        case Leave(who):
            await room[who].leave()
            del room[who]  # only now: until then `play` closes it, whatever happens
            await _expect(room, others, notices.line(notices.LEFT, name=who))


async def _say(who: str, texts: Sequence[str], room: dict[str, Client], sent: list[Sent]) -> None:
    others = tuple(name for name in room if name != who)
    moments = []
    for text in texts:
        moments.append(time.time_ns())
        await room[who].send(text)
    for text, moment in zip(texts, moments, strict=True):
        await _expect(room, others, protocol.said(who, text))
        sent.append(Sent(len(sent) + 1, who, text, others, moment))


async def _expect(room: dict[str, Client], names: Sequence[str], line: str) -> None:
    for name in names:
        try:
            got = await room[name].receive()
        except ChatError as error:
            msg = f"{name} lost the connection in the middle of the conversation: {error}"
            raise LabError(msg) from error
        if got != line:
            msg = f"{name} received {got!a} where {line!a} was sent."
            raise LabError(msg)
