"""The two threads, with a stand-in for tkinter that watches a file and calls back, as `createfilehandler` does."""

import asyncio
import os
import select
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chat.bridge import Bridge

PATIENCE = 10.0


class Watcher:
    """What the bridge needs of tkinter; `turn` waits for what is to be read, and calls back."""

    def __init__(self) -> None:
        self.watched: dict[Any, Callable[..., object]] = {}

    def createfilehandler(self, file: Any, _mask: int, func: Callable[..., object], /) -> None:
        self.watched[file] = func

    def deletefilehandler(self, file: Any, /) -> None:
        del self.watched[file]

    def turn(self) -> None:
        readable, _, _ = select.select(list(self.watched), [], [], PATIENCE)
        assert readable, "nothing woke the window"
        for file in readable:
            self.watched[file](file, 1)

    def until(self, true: Callable[[], object]) -> None:
        while not true():
            self.turn()


@pytest.fixture
def watcher() -> Watcher:
    return Watcher()


@pytest.fixture
def bridge(watcher: Watcher) -> Iterator[Bridge]:
    made = Bridge(watcher, 1)
    yield made
    made.end()
    assert not watcher.watched
    assert [thread.name for thread in threading.enumerate() if thread.name == "chat"] == []


def test_there_and_back_in_order(bridge: Bridge, watcher: Watcher) -> None:
    seen: list[tuple[int, int]] = []

    async def work() -> None:
        for number in range(3):
            await bridge.carry(lambda number=number: seen.append((number, threading.get_ident())))  # type: ignore[misc]
            assert len(seen) == number + 1, "carry waits until it is done"

    asked = bridge.ask(work())
    asked.add_done_callback(lambda _asked: bridge.tell(lambda: None))
    watcher.until(asked.done)
    asked.result()
    assert seen == [(number, threading.get_ident()) for number in range(3)]


def test_telling_does_not_wait(bridge: Bridge, watcher: Watcher) -> None:
    told: list[int] = []
    for number in range(5):
        bridge.tell(lambda number=number: told.append(number))  # type: ignore[misc]
    assert told == []
    watcher.until(lambda: len(told) == 5)
    assert told == [0, 1, 2, 3, 4]


def test_much_work_is_done_in_several_turns(bridge: Bridge, watcher: Watcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chat.bridge._TURN", -1.0)  # each piece of work is more than a turn's worth
    told: list[int] = []
    for number in range(3):
        bridge.tell(lambda number=number: told.append(number))  # type: ignore[misc]
    watcher.turn()
    assert told == [0], "between two turns the window takes keys"
    watcher.until(lambda: len(told) == 3)


def test_calling_into_the_loop(bridge: Bridge) -> None:
    threads: list[int] = []
    called = threading.Event()
    bridge.call(lambda: threads.append(threading.get_ident()))
    bridge.call(called.set)
    assert called.wait(PATIENCE)
    assert threads != [threading.get_ident()]


def test_a_mistake_in_the_loop_is_raised_in_the_window(bridge: Bridge, watcher: Watcher) -> None:
    async def broken() -> None:
        msg = "a mistake"
        raise ValueError(msg)

    bridge.ask(broken())
    with pytest.raises(ValueError, match="a mistake"):
        watcher.turn()


def test_a_mistake_in_the_window_does_not_stop_the_loop(bridge: Bridge, watcher: Watcher) -> None:
    def broken() -> None:
        msg = "a mistake"
        raise ValueError(msg)

    asked = bridge.ask(bridge.carry(broken))
    with pytest.raises(ValueError, match="a mistake"):
        watcher.turn()
    assert asked.result(PATIENCE) is None


def test_a_signal_wakes_the_window(bridge: Bridge, watcher: Watcher) -> None:
    assert bridge
    caught: list[int] = []
    before = signal.signal(signal.SIGUSR1, lambda number, _frame: caught.append(number))
    try:
        os.kill(os.getpid(), signal.SIGUSR1)
        watcher.turn()  # else it would wait for its patience to end
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert caught == [signal.SIGUSR1]


def test_ending_gives_up_what_waits(watcher: Watcher) -> None:
    bridge = Bridge(watcher, 1)
    started, given_up = threading.Event(), threading.Event()

    async def wait() -> None:
        try:
            started.set()
            await bridge.carry(lambda: None)  # nobody turns
        finally:
            given_up.set()

    asked = bridge.ask(wait())
    assert started.wait(PATIENCE)
    bridge.end()
    bridge.end()
    bridge.tell(lambda: None)
    assert given_up.is_set()
    assert asked.cancelled()


def test_a_loop_that_died_by_itself_is_ended_too(bridge: Bridge) -> None:
    (thread,) = [thread for thread in threading.enumerate() if thread.name == "chat"]
    bridge.call(lambda: asyncio.get_running_loop().stop())
    thread.join(PATIENCE)
    assert not thread.is_alive()  # the rest is the fixture's
