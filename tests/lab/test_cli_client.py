"""`lab client`: which lock each option gives, and in which language. The chat itself is tested in tests/chat."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from certs.contexts import server_context
from certs.store import open_store
from chat.security import Lock
from chat.server import Server
from chat.words import Words
from lab.cli import main
from tests.chat.terminals import Screen, piped, screen

CTRL_D = "\x04"


@pytest.fixture(scope="module")
def certs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with certificates."""
    return open_store(tmp_path_factory.mktemp("certs")).ca_certificate.parent


def command(certs: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-W", "error::ResourceWarning", "-m", "lab", "client", f"--certs={certs}", *arguments]


@dataclass(frozen=True, slots=True)
class House:
    """Where the chat is in plaintext, and where over TLS."""

    plain: int
    tls: int


@asynccontextmanager
async def house(certs: Path) -> AsyncIterator[House]:
    store = open_store(certs)
    context = server_context(store.server_certificate, store.server_key)
    async with Server(port=0) as plain, Server(port=0, context=context) as tls:
        yield House(plain.address[1], tls.address[1])


async def leave(person: Screen) -> None:
    person.press(CTRL_D)
    assert await person.ends() == 0


@pytest.mark.parametrize(
    ("options", "lock"),
    [
        ([], Lock.READABLE),
        (["--tls"], Lock.VERIFIED),
        (["--tls", "--unverified"], Lock.UNVERIFIED),
    ],
)
def test_the_locks(certs: Path, options: list[str], lock: Lock) -> None:
    spanish = Words("es").say(lock.value)

    async def main() -> None:
        async with house(certs) as ports:
            to = [*options, f"--port={ports.tls if options else ports.plain}"]
            async with (
                screen(*command(certs, "ann", *to, "--lang=en"), columns=60) as ann,
                screen(*command(certs, *to), columns=60, LC_ALL="", LC_MESSAGES="", LANG="es_ES.UTF-8") as bea,
            ):
                await ann.shows(f"{lock.value} | ann | In lobby: 1", "^D leave")
                await bea.shows("Tu nombre:")
                bea.press("bea\r")
                await bea.shows(f"{spanish} | bea | En lobby: 2", "^D salir")
                await leave(bea)
                await leave(ann)

    asyncio.run(main())


def test_a_stranger_is_refused_unless_nobody_is_verified(certs: Path, tmp_path: Path) -> None:
    async def main() -> None:
        async with house(certs) as ports:
            async with screen(*command(tmp_path, "--tls", f"--port={ports.tls}", "--lang=en")) as ann:
                await ann.shows("! The server's certificate comes from a CA that this client does not know")
                assert await ann.ends() == 1
                assert "Your name" not in ann.plain
            async with screen(*command(tmp_path / "none", "ann", "--unverified", f"--port={ports.tls}")) as ann:
                await ann.shows("| ann |")
                await leave(ann)
            assert not (tmp_path / "none").exists()  # who verifies nobody needs no CA

    asyncio.run(main())


def test_in_pipes_scripts_read_english(certs: Path) -> None:
    async def main() -> None:
        async with house(certs) as ports, piped(*command(certs, "--lang=es", f"--port={ports.plain}")) as ann:
            out, err = await ann.communicate(b"ann\n!users\n!nonsense\n")
            assert out == b"* welcome, ann. 1 here: ann\n* 1 here: ann\n"
            assert err == b"! There is no such command: !help lists them.\n"
            assert ann.returncode == 0

    asyncio.run(main())


@pytest.mark.parametrize("options", [["--port=0"], ["--port=65536"], ["--lang=de"]])
def test_wrong_words(capsys: pytest.CaptureFixture[str], options: list[str]) -> None:
    assert main(["client", *options]) == 2
    assert "python -m lab --help" in capsys.readouterr().err


def test_the_ca_of_a_server_on_another_machine(certs: Path, tmp_path: Path) -> None:
    """Its certificate is all that is taken along: no key, and nothing is made."""
    (tmp_path / "theirs.pem").write_bytes((certs / "ca.pem").read_bytes())

    async def main() -> None:
        async with house(certs) as ports:
            own = command(tmp_path / "own", "ann", "--tls", f"--port={ports.tls}", f"--ca={tmp_path / 'theirs.pem'}")
            async with piped(*own) as client:
                out, err = await client.communicate(b"hello\n")
            assert (client.returncode, err) == (0, b"")
            assert b"* welcome, ann. 1 here: ann\n" in out
            assert not (tmp_path / "own").exists()

    asyncio.run(main())
