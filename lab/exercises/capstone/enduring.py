"""Tries of what a chat endures: many at once, the slow and the dead, those who send too much, those who vanish.

A function for each weakness, as in `lab.exercises.capstone.talking`.
"""

import contextlib
import time
from collections.abc import Sequence

from lab.exercises.capstone.people import GoneError, Person, notice, said
from lab.exercises.capstone.stage import Stage
from lab.exercises.capstone.talking import WeaknessError, hears

MOST_PEOPLE = 50  # as the task says
_CROWD = 12
_RIVALS = 6
_ROUNDS = 3
_FILLER = "="  # in no name and in no notice
_BATCH = 16  # lines
_LINE = 4_000  # bytes, below the 4,096 that a line may have
# More than systems keep for a reader that does not read: on Linux 4 MiB at the sender (tcp_wmem), little at the reader.
_FLOOD = 7 << 20
_ENDLESS = 1 << 20


def sharing(stage: Stage) -> None:
    """Many come, talk and go at the same moment; many ask for one name at the same moment."""
    stage.serve()
    everyone = stage.names(_CROWD + 2)
    watcher = stage.come(everyone[0])
    for number in range(_ROUNDS):
        try:
            _crowd(stage, watcher, everyone[1:-1], f"crowd {number}")
        except (TimeoutError, GoneError) as error:
            raise WeaknessError("broke") from error
    _one_name(stage, watcher, everyone[-1])


def _crowd(stage: Stage, watcher: Person, names: Sequence[str], label: str) -> None:
    crowd = [stage.arrive(name) for name in names]
    with stage.at_once():
        for person in crowd:
            person.say(person.name)
    for person in crowd:
        person.until(notice(person.name))
    going, staying = crowd[::2], crowd[1::2]
    before = len(watcher.heard)
    with stage.at_once():
        for person in going:
            person.try_to_say("!quit")
        for person in staying:
            person.try_to_say(stage.word(f"{label} {person.name}"))
    if not _gone(going):
        raise WeaknessError("broke") from TimeoutError()
    here = {watcher.name, *(person.name for person in staying)}
    for person in (*staying, watcher):
        person.try_to_say("!users")
        hears(person, lambda line: sum(notice(name)(line) for name in here) > 1, "lists")
    told = {name for name in (watcher.name, *names) if notice(name)(watcher.heard[-1])}
    # each has come in, and gone: two notices
    since = watcher.heard[before:]
    announced = all(sum(notice(person.name)(line) for line in since) == 2 for person in going)
    if told != here or not announced:
        raise WeaknessError("lists")
    if any(_heard(watcher, person.name, stage.word(f"{label} {person.name}")) != 1 for person in staying):
        raise WeaknessError("lost")
    for person in staying:
        person.try_to_say("!quit")
    if not _gone(staying):
        raise WeaknessError("broke") from TimeoutError()
    watcher.say("!users")
    watcher.until(notice(watcher.name))


def _gone(people: Sequence[Person]) -> bool:
    """Read to the end of all these connections; return whether all of them have come in time."""
    end = time.monotonic() + people[0].patience
    gone = [person.until_gone(end - time.monotonic()) for person in people]
    return all(gone)


def _heard(person: Person, name: str, text: str) -> int:
    return sum(said(name, text)(line) for line in person.heard)


def _rivals(stage: Stage, watcher: Person, name: str, rivals: list[Person], label: str) -> tuple[int, bool]:
    """Let them all say one name; return how many of them were let in, and whether all of them have gone in time."""
    with stage.at_once():
        for person in rivals:
            person.try_to_say(name)
    # nobody goes, and frees the name, before all of them are answered
    for person in rivals:
        with contextlib.suppress(GoneError):
            person.until(notice())
    texts = [f"it is me, {stage.word(f'{label} {number}')}" for number in range(len(rivals))]
    for person, text in zip(rivals, texts, strict=True):
        person.try_to_say(text, "!quit")
    # when all of them are gone, all that they said was dealt with
    gone = _gone(rivals)
    watcher.say("!users")
    watcher.until(notice(watcher.name))
    return sum(_heard(watcher, name, text) > 0 for text in texts), gone


def _one_name(stage: Stage, watcher: Person, name: str) -> None:
    first = stage.come(name)
    if _rivals(stage, watcher, name, [stage.arrive()], "later")[0]:
        return  # where nobody asks whether a name is taken, this is no matter of moments
    first.say("!quit")
    first.until_gone()
    for number in range(_ROUNDS):
        let_in, gone = _rivals(stage, watcher, name, [stage.arrive() for _ in range(_RIVALS)], f"round {number}")
        if let_in != 1:
            raise WeaknessError("same_name") from (None if gone else TimeoutError())


def slow(stage: Stage) -> None:
    """Somebody dies, and somebody does not read; do the others go on?"""
    stage.serve(plain=True)
    names = stage.names(4)
    dead = stage.come(names[0])
    idle = stage.come(names[1], receive_buffer=4096)
    talker, listener = (stage.come(name) for name in names[2:])
    dead.vanish()
    for number in range(3):
        text = stage.word(f"after a death {number}")
        talker.try_to_say(text)
        hears(listener, said(talker.name, text), "dead")
    batch = f"{_FILLER * (_LINE - 1)}\n".encode() * _BATCH
    for _ in range(_FLOOD // len(batch)):
        # no more at once than a listener who reads has read a moment later; into which lines is not the matter here
        left = batch.count(_FILLER.encode())
        try:
            talker.send(batch)
            while left > 0:
                left -= listener.next().count(_FILLER)
        except (TimeoutError, GoneError) as error:
            raise WeaknessError("slow") from error
    idle.vanish()


def limits(stage: Stage) -> None:
    """A line without end, and one person too many."""
    stage.serve(plain=True)
    everyone = stage.names(MOST_PEOPLE + 2)
    watcher, talker = (stage.come(name) for name in everyone[:2])
    word = stage.word("endless")
    data = (word * (_ENDLESS // len(word))).encode()
    with contextlib.suppress(TimeoutError, GoneError):
        talker.send(data)
    if not talker.until_gone():
        raise WeaknessError("endless_line") from TimeoutError()
    people = [watcher]
    try:
        people += [stage.come(name) for name in everyone[2:-1]]
    except (TimeoutError, GoneError) as error:
        raise WeaknessError("too_few") from error
    surplus = stage.arrive(everyone[-1])
    text = f"it is me, {stage.word('surplus')}"
    surplus.try_to_say(surplus.name, text)
    ended = surplus.until_gone()
    watcher.say("!users")
    watcher.until(notice(watcher.name))
    if any(word in line for line in watcher.heard):
        raise WeaknessError("endless_line")
    if not ended or _heard(watcher, surplus.name, text):
        raise WeaknessError("too_many") from (None if ended else TimeoutError())


def leaving(stage: Stage) -> None:
    """Two vanish without a goodbye; do the others learn of it?"""
    stage.serve(plain=True)
    watcher, closes, resets = (stage.come(name) for name in stage.names(3))
    watcher.until(notice(resets.name))  # that it has come
    closes.close()
    hears(watcher, notice(closes.name), "unannounced")
    resets.vanish()
    hears(watcher, notice(resets.name), "unannounced")
    watcher.say("!users")
    line = watcher.until(notice(watcher.name))
    if notice(closes.name)(line) or notice(resets.name)(line):
        raise WeaknessError("still_listed")
