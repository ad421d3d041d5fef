import asyncio
import contextlib
import shlex
import socket
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from certs.contexts import server_context
from lab.folder import RunFolder
from lab.scenarios.mitm import openssl as mitm_openssl
from lab.scenarios.mitm.cast import Cast, Shown, Who, make_cast
from lab.scenarios.mitm.judge import TEXTBOOK, check_of
from lab.scenarios.mitm.openssl import Opinion, ask, lines_to_copy, strict


@pytest.fixture
def files(tmp_path: Path) -> Cast:
    return make_cast(RunFolder(tmp_path), datetime.now(UTC).replace(microsecond=0))


def options_of(files: Cast, who: Who) -> list[str]:
    """The client in openssl's options; it has none for the client that pins a key."""
    named = ["-x509_strict", "-verify_hostname", "localhost", "-verify_return_error"]
    match who:
        case Who.STRICT:
            return strict(files)
        case Who.NAMELESS:
            return ["-CAfile", str(files.ca), "-x509_strict", "-verify_return_error"]
        case Who.CREDULOUS:
            both = files.ca.with_name("both.pem")
            both.write_bytes(files.ca.read_bytes() + files.rogue.read_bytes())
            return ["-CAfile", str(both), *named]
        case _:
            return ["-CAfile", str(files.ca)]


async def answers(program: str, files: Cast, options: list[str]) -> dict[Shown, Opinion | None]:
    """What openssl says of every certificate, asked all at once."""

    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            await reader.read()
        writer.close()

    async with contextlib.AsyncExitStack() as stack:
        ports = []
        for file in files.shown.values():
            server = await asyncio.start_server(wait, "127.0.0.1", 0, ssl=server_context(file, file))
            await stack.enter_async_context(server)
            ports.append(server.sockets[0].getsockname()[1])
        said = await asyncio.gather(*(ask(program, port, options) for port in ports))
    return dict(zip(files.shown, said, strict=True))


@pytest.mark.parametrize("who", [Who.COURSE, Who.STRICT, Who.NAMELESS, Who.CREDULOUS])
def test_the_textbook_is_what_openssl_does(files: Cast, who: Who, tool: Callable[[str], str]) -> None:
    said = asyncio.run(answers(tool("openssl"), files, options_of(files, who)))
    for shown, opinion in said.items():
        assert opinion is not None, shown
        expected = TEXTBOOK[who][shown]
        assert opinion.connected is (expected is None), (shown, opinion)
        if who is not Who.COURSE:
            assert (check_of(opinion.code) if opinion.code else None) is expected, (shown, opinion)
    if who is Who.COURSE:  # it sees what is wrong and goes on
        course = {shown for shown, opinion in said.items() if opinion is not None and opinion.code}
        assert course == set(Shown) - {Shown.GENUINE, Shown.WRONG_NAME, Shown.REVOKED}


def test_the_lines_run_as_they_are_printed(
    files: Cast, tool: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tool("openssl")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    monkeypatch.setattr(mitm_openssl, "_PORT", port)
    serve, look = lines_to_copy(files, Shown.EXPIRED)
    with subprocess.Popen(shlex.split(serve), stdout=subprocess.PIPE, stdin=subprocess.PIPE) as server:
        try:
            assert server.stdout is not None
            while b"ACCEPT" not in (line := server.stdout.readline()):
                assert line
            done = subprocess.run(look, shell=True, capture_output=True, text=True, timeout=30, check=False)  # noqa: S602
        finally:
            server.kill()
    assert done.returncode == 1
    assert "Verify return code: 10 (certificate has expired)" in done.stdout


def test_where_nothing_listens_there_is_no_answer(files: Cast, tool: Callable[[str], str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert asyncio.run(ask(tool("openssl"), port, strict(files))) in (None, Opinion(0, "ok", connected=False))
