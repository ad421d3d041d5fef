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
from lab.identity import identify, issue
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


@asynccontextmanager
async def asking(certs: Path) -> AsyncIterator[int]:
    """A chat over TLS that lets in only who shows a certificate; its port."""
    store = open_store(certs)
    context = server_context(store.server_certificate, store.server_key, client_ca=store.ca_certificate)
    async with Server(port=0, context=context, identify=identify) as server:
        yield server.address[1]


def test_a_certificate_says_who_one_is(certs: Path) -> None:
    """TLS and the name need not be said then; and who verifies nobody may show one as well."""
    own = f"--certificate={issue(certs, 'lucía').certificate}"

    async def main() -> None:
        async with asking(certs) as port:
            for options in ([], ["--unverified"]):
                async with piped(*command(certs, own, f"--port={port}", *options)) as client:
                    out, err = await client.communicate(b"!users\n")
                assert (client.returncode, err) == (0, b"")
                assert out.decode() == "* welcome, lucía. 1 here: lucía\n* 1 here: lucía\n"

    asyncio.run(main())


def test_whom_a_chat_with_certificates_refuses_and_what_they_read(certs: Path, tmp_path: Path) -> None:
    own = f"--certificate={issue(certs, 'lucía').certificate}"
    strange = f"--certificate={issue(tmp_path, 'lucía').certificate}"

    async def main() -> None:
        async with asking(certs) as port:
            for options, said in (
                (["bea", own], "Your certificate is for the name lucía: come in under that one."),
                (["lucía", "--tls"], "The server lets in only who shows a certificate, and this client has shown none"),
                ([strange], "The other side refused our certificate because it does not trust its CA"),
                (["lucía", f"--certificate={certs / 'server.pem'}"], "because it is for something else"),
            ):
                async with piped(*command(certs, *options, f"--port={port}")) as client:
                    out, err = await client.communicate(b"hello\n")
                assert (client.returncode, out) == (1, b"")
                assert said in err.decode()
            # in the terminal, and in Spanish, where a name that is refused is asked for again
            async with screen(*command(certs, "bea", own, f"--port={port}", "--lang=es"), columns=90) as bea:
                await bea.shows("Tu certificado es para el nombre lucía: entra con ese.", "Tu nombre:")
                bea.press("lucía\r")
                await bea.shows("| lucía |")
                await leave(bea)
            async with screen(*command(certs, "bea", "--tls", f"--port={port}", "--lang=es"), columns=90) as bea:
                await bea.shows("solo deja entrar a quien muestra un certificado")
                assert await bea.ends() == 1

    asyncio.run(main())


def test_files_that_are_no_certificate_and_key(certs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = issue(certs, "lucía"), issue(certs, "bea")
    for options, said in (
        ([f"--certificate={first.certificate}", f"--key={second.key}"], "are not a certificate and its own key"),
        ([f"--certificate={tmp_path / 'none.pem'}"], "none.pem cannot be read"),
        ([f"--key={first.key}"], "alone shows nobody who you are"),
    ):
        assert main(["client", "--port=1", f"--certs={certs}", *options]) == 1
        assert said in capsys.readouterr().err.replace("\n", " ")
