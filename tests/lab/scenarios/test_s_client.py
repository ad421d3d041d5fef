import asyncio
import shlex
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from certs.contexts import server_context
from certs.store import open_store
from lab.scenarios import s_client as module
from lab.scenarios.s_client import Ran, arguments, find_openssl, s_client


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Put a shell script first where programs are looked for, as openssl."""

    def make(line: str) -> str:
        path = tmp_path / "openssl"
        path.write_text(f"#!/bin/sh\n{line}\n")
        path.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
        return str(path)

    return make


def test_it_says_its_words_and_what_it_is_told_is_returned(tmp_path: Path, tool: Callable[[str], str]) -> None:
    store = open_store(tmp_path / "certs")

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"I heard " + await reader.readline())
        writer.close()

    async def main() -> Ran | None:
        tls = server_context(store.server_certificate, store.server_key)
        async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls) as server:
            port = server.sockets[0].getsockname()[1]
            return await s_client(tool("openssl"), port, ["-CAfile", str(store.ca_certificate), "-quiet"], b"hello\n")

    ran = asyncio.run(main())
    assert ran is not None
    assert (ran.status, ran.out) == (0, "I heard hello\n")


def test_it_goes_to_this_machine_alone_and_asks_for_the_labs_server() -> None:
    assert arguments(4433, ["-quiet"]) == [
        *("s_client", "-connect", "127.0.0.1:4433", "-servername", "localhost"),
        "-quiet",
    ]


def test_how_it_ends_and_what_it_complains_of(program: Callable[[str], str]) -> None:
    ran = asyncio.run(s_client(program("echo said; printf '\\377no' >&2; exit 3"), 1, []))
    assert ran == Ran(3, "said\n", "\\xffno")


def test_who_gives_no_answer_is_not_waited_for(tool: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as deaf:  # the kernel accepts, nobody speaks
        assert asyncio.run(s_client(tool("openssl"), deaf.getsockname()[1], [])) is None
        connection, _ = deaf.accept()
        with connection:
            connection.settimeout(20)
            while connection.recv(4096):
                pass  # until it has gone: the program has ended


@pytest.mark.parametrize(("says", "taken"), [("OpenSSL 3.0.19 27 Jan 2026", True), ("LibreSSL 3.3.6", False)])
def test_only_openssl_is_asked(program: Callable[[str], str], says: str, taken: bool) -> None:
    path = program(f"echo {shlex.quote(says)}")
    assert asyncio.run(find_openssl()) == (path if taken else None)


def test_none_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find", lambda _: None)
    assert asyncio.run(find_openssl()) is None
