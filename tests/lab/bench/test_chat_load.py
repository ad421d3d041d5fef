import contextlib
import json
import selectors
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence

import pytest

from lab.bench.chat_load import DIALECTS, LENGTH, TURN, WINDOW, judge, load, main
from lab.errors import LabError

CHAT = DIALECTS["chat"]

# who says it, the line, who else is there -> who gets what
Passing = Callable[[str, bytes, Sequence[str]], Iterable[tuple[str, bytes]]]


def right(name: str, line: bytes, others: Sequence[str]) -> list[tuple[str, bytes]]:
    return [(other, name.encode() + b" > " + line) for other in others]


def serve(listening: socket.socket, passing: Passing) -> None:
    """Serve until everybody has left."""
    names: dict[socket.socket, str] = {}
    rests: dict[socket.socket, bytes] = {}
    with selectors.DefaultSelector() as selector:
        selector.register(listening, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                client = key.fileobj
                assert isinstance(client, socket.socket)
                if client is listening:
                    accepted = listening.accept()[0]
                    selector.register(accepted, selectors.EVENT_READ)
                    rests[accepted] = b""
                    continue
                data = b""
                with contextlib.suppress(ConnectionResetError):
                    data = client.recv(4096)
                if data:
                    *lines, rests[client] = (rests[client] + data).split(b"\n")
                    for line in lines:
                        hear(client, line, names, passing)
                    continue
                selector.unregister(client)
                client.close()
                del rests[client], names[client]
                if not rests:
                    return


def hear(client: socket.socket, line: bytes, names: dict[socket.socket, str], passing: Passing) -> None:
    if client not in names:
        names[client] = line.decode()
        client.sendall(b"* welcome, you\n")
        return
    sockets = {name: other for other, name in names.items()}
    for to, what in passing(names[client], line, [name for name in sockets if name != names[client]]):
        with contextlib.suppress(OSError):  # it left in the meantime
            sockets[to].sendall(what + b"\n")


@contextlib.contextmanager
def serving(passing: Passing) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, args=(listening, passing))
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            thread.join()


def number(line: bytes) -> int:
    """The number of a message, or -1 of what is said before the first one."""
    return int(line.split()[1]) if line.startswith(b"u0") else -1


def test_all_that_was_delivered_is_counted_and_timed() -> None:
    said: list[bytes] = []

    def listened(name: str, line: bytes, others: Sequence[str]) -> list[tuple[str, bytes]]:
        if number(line) >= 0:
            said.append(line)
        return right(name, line, others)

    with serving(listened) as port:
        run = load(port, CHAT, 4, 900)
    assert run.deliveries == 900, "75 turns of 4 messages, each for 3 others"
    assert 0 < run.p50_ms <= run.p99_ms <= run.seconds * 1000
    assert run.rate == run.deliveries / run.seconds
    assert 0 < run.busy < 1.5  # its clock is not the one of the seconds
    assert {len(line) for line in said} == {LENGTH}
    assert len(said) == 300 + 2 * TURN, "all that counts, and two turns more to see that nothing else comes"


def test_no_more_is_on_its_way_than_the_window() -> None:
    held: list[tuple[str, bytes]] = []
    most = 0

    def hold(name: str, line: bytes, others: Sequence[str]) -> list[tuple[str, bytes]]:
        """Let nothing go until the window is full."""
        nonlocal most
        if number(line) < 0 or number(line) >= 10 * WINDOW:
            return right(name, line, others)
        held.extend(right(name, line, others))
        most = max(most, len(held))
        if len(held) < WINDOW * 2:
            return []
        free, held[:] = list(held), []
        return free

    with serving(hold) as port:
        load(port, CHAT, 3, 20 * WINDOW, patience=10)
    assert most == WINDOW * 2


def lost(name: str, line: bytes, others: Sequence[str]) -> list[tuple[str, bytes]]:
    return [(to, what) for to, what in right(name, line, others) if (to, number(line)) != ("u002", 7)]


def doubled(name: str, line: bytes, others: Sequence[str]) -> list[tuple[str, bytes]]:
    return right(name, line, others) * (1 + (number(line) == 5))


def doubled_at_the_end(name: str, line: bytes, others: Sequence[str]) -> list[tuple[str, bytes]]:
    return right(name, line, others) * (1 + (number(line) == 49))


def lost_and_doubled(name: str, line: bytes, others: Sequence[str]) -> list[tuple[str, bytes]]:
    passed = lost(name, line, others)
    return passed + [(to, what) for to, what in passed if (to, number(line)) == ("u002", 12)]


def as_another(name: str, line: bytes, others: Sequence[str]) -> list[tuple[str, bytes]]:
    return right("u000" if number(line) == 5 else name, line, others)


def to_itself(name: str, line: bytes, others: Sequence[str]) -> list[tuple[str, bytes]]:
    return right(name, line, [name if number(line) == 5 and other == "u000" else other for other in others])


def changed(name: str, line: bytes, others: Sequence[str]) -> list[tuple[str, bytes]]:
    return right(name, line.replace(b"u002 0000005 .", b"u002 0000005 .."), others)


def more(name: str, line: bytes, others: Sequence[str]) -> list[tuple[str, bytes]]:
    return [*right(name, line, others), *([("u000", b"* u001 sneezes")] if number(line) == 5 else [])]


def cut(name: str, line: bytes, others: Sequence[str]) -> list[tuple[str, bytes]]:
    return right(name, line[:-1] if number(line) == 5 else line, others)


def disordered() -> Passing:
    first: list[tuple[str, bytes]] = []

    def passing(name: str, line: bytes, others: Sequence[str]) -> list[tuple[str, bytes]]:
        if number(line) == 4:
            first.extend(right(name, line, others))
            return []
        return [*right(name, line, others), *(first if number(line) == 7 else [])]

    return passing


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lost, "^Nothing came for 0.3 seconds; deliveries missing: 1.$"),
        (doubled, "^u000 got message 5 of u002 where 8 should have come.$"),
        (doubled_at_the_end, "^u000 got message 49 of u001 where 52 should have come.$"),
        (lost_and_doubled, "^u002 got message (10 of u001 where 7|12 of u000 where 15) should have come.$"),
        (as_another, "^u000 got message 5 of u002 as u000's.$"),
        (to_itself, "^u000 got message 8 of u002 where 5 should have come.$"),
        (changed, "^u000 got a line that nobody said: b'u002 > u002 0000005 "),
        (more, "^u000 got a line that nobody said: b'. u001 sneezes'.$"),
        (cut, "^u000 got a line that nobody said: b'u002 > u002 0000005 "),
        (disordered(), "^u000 got message 7 of u001 where 4 should have come.$"),
    ],
)
def test_a_server_that_does_not_deliver_as_it_should_gets_no_figure(wrong: Passing, said: str) -> None:
    with serving(wrong) as port, pytest.raises(LabError, match=said):
        load(port, CHAT, 3, 100, patience=0.3, turn=1)


def test_one_that_echoes_is_found_out() -> None:
    got = [b"u000 > u000 0000000 ".ljust(47, b"."), b"u000 > u000 0000000 ".ljust(47, b".")]
    words = [b"u000 0000000 ".ljust(LENGTH, b".")]
    with pytest.raises(LabError, match=r"^u000 got its own message 0\.$"):
        list(judge(CHAT, ["u000", "u001"], words, [[(1.0, line + b"\n")] for line in got], turn=1))


def test_the_last_one_may_not_be_lost_either() -> None:
    words = [b"u000 0000000 ".ljust(LENGTH, b".")]
    with pytest.raises(LabError, match=r"^u001 never got message 0 of u000\.$"):
        list(judge(CHAT, ["u000", "u001"], words, [[], []], turn=1))


@pytest.mark.parametrize(
    ("dialect", "before"), [("chat", b"u000 > "), ("raw", b""), ("irc", b":u000!~u@a PRIVMSG #room :")]
)
@pytest.mark.parametrize("size", [1, 13, 47, 1000])
def test_a_line_is_there_when_its_end_is(dialect: str, before: bytes, size: int) -> None:
    words = [b"u000 %07d " % number for number in (0, 2)]
    words = [text.ljust(LENGTH, b".") for text in (words[0], b"u001 0000001 ", words[1])]
    end = DIALECTS[dialect].end
    lines = [before + words[number] + end for number in (0, 2)]
    data = b"".join(lines)
    chunks = [(float(at), data[at : at + size]) for at in range(0, len(data), size)]
    other = before.replace(b"u000", b"u001") + words[1] + end
    found = list(judge(DIALECTS[dialect], ["u000", "u001"], words, [[(0.5, other)], chunks], turn=1))
    ends = [len(lines[0]) - 1, len(data) - 1]
    assert found == [
        (1, 0.5),
        *((number, float(last // size * size)) for number, last in zip((0, 2), ends, strict=True)),
    ]


def test_one_that_hangs_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def hang_up() -> None:
            listening.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        with pytest.raises(LabError, match=r"^(The server closed the connection of u000|The load cannot be made: )"):
            load(listening.getsockname()[1], CHAT, 3, 100)
        thread.join()


def test_where_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(LabError, match=r"^The load cannot be made: Connection refused\.$"):
        load(port, CHAT, 3, 100)


def test_it_prints_what_it_found_or_why_not(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(right) as port:
        main([str(port), "chat", "3", "100"])
    assert json.loads(capsys.readouterr().out)["deliveries"] == 96, "12 whole turns"
    with serving(doubled) as port, pytest.raises(SystemExit, match="got message 5 of u001 where 6"):
        main([str(port), "chat", "3", "100"])
