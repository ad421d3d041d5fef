"""Tries of what is said and by whom: framing, spoofing, names, errors that nobody hears of.

A function for each weakness. It takes a stage and raises `WeaknessError` with the mistake it has seen; TimeoutError or
`GoneError` where it could not even begin. Knows the task's protocol and nothing of how a chat is written.

The server is tried without TLS wherever TLS is not the matter: on Python 3.11 a connection that one thread reads while
another writes to it breaks now and then ("bad record mac"), and that is a fault of sharing, not of framing or names.
"""

import contextlib
import time
from collections.abc import Callable

from lab.exercises.capstone.people import GoneError, Person, holding, notice, said
from lab.exercises.capstone.stage import Stage

# Seconds between two pieces: no event tells that one of them has been read. Should they be read together after all, a
# weakness may go unseen, and none is seen that is not there.
_APART = 0.05
_LONG = 3_000  # bytes, below the 4,096 that a line may have


class WeaknessError(Exception):
    """A weakness was seen; its text is the mistake, a key of the hints.

    Its cause is a TimeoutError where it was seen by waiting in vain.
    """


def hears(person: Person, wanted: Callable[[str], bool], mistake: str) -> None:
    """Raise `WeaknessError` unless the person reads a line that is wanted, in time."""
    try:
        person.until(wanted)
    except (TimeoutError, GoneError) as error:
        raise WeaknessError(mistake) from error


def framing(stage: Stage) -> None:
    """Lines in pieces, lines together, long lines: to the server, and to the client."""
    stage.serve(plain=True)
    talker, listener = (stage.come(name) for name in stage.names(2))

    def arrives(text: str, mistake: str) -> None:
        hears(listener, said(talker.name, text), mistake)

    plain = stage.word("plain")
    talker.say(plain)
    listener.until(said(talker.name, plain))
    parts = f"{stage.word('parts')} ñandú €".encode()
    for piece in (parts[:4], parts[4:-2]):  # the last cut goes through the euro sign
        talker.send(piece)
        # when this is answered, a server of one thread has seen the piece for itself; threads have their own order
        listener.say("!users")
        listener.until(notice(talker.name, listener.name))
        time.sleep(_APART)
    talker.send(parts[-2:] + b"\n")
    arrives(parts.decode(), "pieces")
    together = [stage.word(f"together {number}") for number in range(3)]
    talker.send("".join(f"{text}\n" for text in together).encode())
    for text in together:
        arrives(text, "together")
    long = stage.word("long").ljust(_LONG, "x")
    talker.say(long)
    arrives(long, "long")
    _client_framing(stage)


def _client_framing(stage: Stage) -> None:
    name = stage.names(1)[0]
    with stage.listen() as listening:
        client = stage.client(name)
        server = stage.accept(listening, stage.props.genuine)
    server.next()
    texts = [f"ana > {stage.word(f'to the client {number}')} ñandú €" for number in range(3)]
    data = "".join(f"{text}\n" for text in texts).encode()
    for piece in (data[:9], data[9:-3], data[-3:]):
        server.send(piece)
        time.sleep(_APART)
    for text in texts:
        hears(client.terminal, text.__eq__, "client")


def spoofing(stage: Stage) -> None:
    """Somebody speaks as somebody else; the client writes the name itself."""
    stage.serve(plain=True)
    talker, listener, victim = (stage.come(name) for name in stage.names(3))
    word = stage.word("forged")
    talker.say(f"{victim.name} > {word}")
    line = listener.until(holding(word))
    if line != f"{talker.name} > {victim.name} > {word}":
        raise WeaknessError("as_another" if line == f"{victim.name} > {word}" else "not_named")
    with stage.listen() as listening:
        client = stage.client(talker.name)
        server = stage.accept(listening, stage.props.genuine)
    server.next()
    typed = stage.word("typed")
    client.terminal.say(typed)
    if server.until(holding(typed)) != typed:
        raise WeaknessError("client_names")


def names(stage: Stage) -> None:
    """Names that are taken, empty, too long, or made of what no name is made of."""
    stage.serve(plain=True)
    bell, watcher = (stage.come(name) for name in stage.names(2))
    free = stage.names(3)[2]
    wrong = {
        "duplicate": bell.name,
        "empty": "",
        "control": f"{free[:2]}\x1b[31m{free[2:]}",
        "unfit": f"{free} > {free}",
        "endless": free * 40,
    }
    # one after the other: what happens at the same moment is tried elsewhere
    for mistake, name in wrong.items():
        person = stage.arrive()
        person.try_to_say(name)
        with contextlib.suppress(TimeoutError, GoneError):
            person.until(notice(), 1.0)
        # no word of it could be a name, for servers that ask for another one
        person.try_to_say(f"it is me, {stage.word(mistake)}", "!quit")
        person.until_gone(1.0)
    # when they are gone, all that they said was dealt with
    bell.say(stage.word("bell"))
    watcher.until(said(bell.name, stage.word("bell")))
    for mistake in wrong:
        if any(stage.word(mistake) in line for line in watcher.heard):
            raise WeaknessError(mistake)


def swallowed(stage: Stage) -> None:
    """What goes wrong, and is it said? At the server, and at the client."""
    stage.serve(plain=True)
    talker = stage.come(stage.names(1)[0])
    talker.send(b"\xff\xfe\xff\n")
    try:
        talker.until(notice())
    except TimeoutError as error:
        raise WeaknessError("server_silent") from error
    except GoneError:  # put out is told, too
        pass
    name = stage.names(2)[1]
    with stage.listen() as listening:
        client = stage.client(name)
        server = stage.accept(listening, stage.props.genuine)
    server.next()
    server.close()
    status = client.ended()
    if status is None:
        raise WeaknessError("client_stays") from TimeoutError()
    if status == 0 or not client.complaint():
        raise WeaknessError("client_silent")
    with stage.listen():  # a port where nobody listens when this is left
        pass
    client = stage.client(name)
    status = client.ended()
    if status in (0, None) or not client.complaint():
        raise WeaknessError("client_unreached") from (TimeoutError() if status is None else None)
