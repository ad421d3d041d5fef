import dataclasses
import json
from pathlib import Path

import pytest

from certs.store import open_store
from lab.bench import __main__ as bench
from lab.bench import chatting
from lab.bench.chat_load import Run
from lab.bench.figures import QUICK, Results, Row, Side
from lab.errors import LabError

THREADS = "a thread for each client"


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.usefixtures("nothing_left")
def test_a_server_is_measured(tls: bool, tmp_path: Path) -> None:
    run = chatting.once(chatting.OURS, 5, 400, open_store(tmp_path / "certs") if tls else None)
    assert run.deliveries == 400
    assert run.rate > 0


@pytest.mark.usefixtures("nothing_left")
def test_one_that_does_not_deliver_as_it_should_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    command, _ = chatting.SERVERS[THREADS]
    monkeypatch.setattr(chatting, "SERVERS", {"x": (command, "chat")})  # it says of nobody that they speak
    with pytest.raises(LabError, match=r"^the load on x ended too early: u000 got a line that nobody said: "):
        chatting.once("x", 3, 100, None)


@pytest.mark.parametrize(
    ("manager", "said"),
    [
        (
            "apt-get",
            "^not installed: `sudo apt-get install -y ngircd` .* starts it as a service, which `sudo systemctl ",
        ),
        ("brew", "^not installed: `brew install ngircd` installs it.$"),
        (None, "^not installed.$"),
    ],
)
def test_without_ngircd_the_others_are_measured(
    manager: str | None, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chatting, "find", lambda _: None)
    monkeypatch.setattr(chatting, "package_manager", lambda: manager)
    wanted = (chatting.OURS, chatting.NGIRCD)
    monkeypatch.setattr(chatting, "SERVERS", {name: chatting.SERVERS[name] for name in wanted})
    rows = chatting.chat(dataclasses.replace(QUICK, rounds=1, deliveries=500, rooms=(50,)))
    assert len(rows) == 6
    for row in rows:
        assert len(row.ours.values) == 1
        assert row.met is None
        (ngircd,) = row.peers
        assert ngircd.values == ()
        with pytest.raises(LabError, match=said):
            raise LabError(ngircd.why)


def results(ours: Run, ngircd: Run) -> Results[Run]:
    done = {name: [Run(100, 1, 1, 1, 0.5)] for name in chatting.SERVERS}
    return Results(done | {chatting.OURS: [ours], chatting.NGIRCD: [ngircd]}, {})


@pytest.mark.parametrize(
    ("clients", "tls", "least"),
    [(50, False, 2), (200, False, 2), (500, False, 1), (50, True, 3), (200, True, 2), (500, True, 2.5)],
)
def test_what_must_be_reached(clients: int, tls: bool, least: float) -> None:
    ngircd = Run(deliveries=1000, seconds=2, p50_ms=1, p99_ms=50, busy=0.5)
    just = Run(deliveries=int(500 * least), seconds=1, p50_ms=9, p99_ms=50, busy=0.5)
    short = Run(deliveries=int(500 * least) - 1, seconds=1, p50_ms=9, p99_ms=50.1, busy=0.5)
    assert [row.met for row in chatting.chat_rows(results(just, ngircd), clients, tls=tls)] == [True, None, True]
    assert [row.met for row in chatting.chat_rows(results(short, ngircd), clients, tls=tls)] == [False, None, False]


def test_the_rows_say_what_was_measured() -> None:
    rate, p50, p99 = chatting.chat_rows(results(Run(8, 2, 3, 4, 0.5), Run(6, 2, 1, 2, 0.5)), 50, tls=True)
    assert rate.name == "chat over TLS, 50 in the room, deliveries/s"
    assert rate.peers[0].name == chatting.NGIRCD
    assert [peer.name for peer in rate.peers[1:]] == list(chatting.SERVERS)[2:]
    assert [(row.figure(row.ours), row.figure(row.peers[0])) for row in (rate, p50, p99)] == [(4, 3), (3, 1), (4, 2)]


def test_make_bench_leaves_it_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def part(name: str) -> Row:
        return Row(name, Side("we", (1.0,)))

    monkeypatch.setattr(bench, "_PARTS", {"live": lambda _: [part("live")], "chat": lambda _: [part("chat")]})
    out = tmp_path / "bench.json"

    def measured() -> list[str]:
        return [row["name"] for row in json.loads(out.read_text("utf-8"))["rows"]]

    assert bench.main(["--out", str(out)]) == 0
    assert measured() == ["live"]
    assert bench.main(["--only", "chat", "--out", str(out)]) == 0
    assert measured() == ["chat"]
