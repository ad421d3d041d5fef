"""Clients that want to be taken for somebody else."""

import asyncio
from contextlib import AsyncExitStack

from chat import notices
from tests.chat.conftest import Run, Wire, raw
from tests.chat.hostile.conftest import undisturbed


def taken(name: str) -> str:
    return notices.sentence(notices.NAME_TAKEN, name=name)


def reserved(name: str) -> str:
    return notices.sentence(notices.NAME_RESERVED, name=name)


NAMES = (
    ("bob", taken("bob")),
    ("BOB", taken("BOB")),
    ("\uff42\uff4f\uff42", taken("\uff42\uff4f\uff42")),  # fullwidth
    ("b0b", taken("b0b")),
    ("a1ice", taken("a1ice")),
    ("\u0430lice", notices.NAME_MIXES),  # its first letter is Cyrillic
    ("b\u03bfb", notices.NAME_MIXES),  # its second letter is Greek
    ("al\u200dice", notices.NAME_CHARACTERS),
    ("\u202ebob", notices.NAME_CHARACTERS),
    ("bob\u00a0", notices.NAME_CHARACTERS),
    ("*", notices.NAME_CHARACTERS),
    ("bob > hi", notices.NAME_CHARACTERS),
    ("...", notices.NAME_WITHOUT_LETTER),
    ("", notices.sentence(notices.NAME_LENGTH, limit=20)),
    ("x" * 21, notices.sentence(notices.NAME_LENGTH, limit=20)),
    ("server", reserved("server")),
    ("Servidor", reserved("Servidor")),
    ("ADMIN", reserved("ADMIN")),
    ("everyb0dy", reserved("everyb0dy")),
    ("te\u0430cher", notices.NAME_MIXES),
)


def test_nobody_is_taken_for_another(run: Run, wire: Wire) -> None:
    async def main() -> None:
        async with undisturbed(wire) as (server, people):
            for number, (name, why) in enumerate(NAMES):
                async with raw(server, wire[1]) as mallory:
                    mallory.write(name.encode() + b"\nmallory%d\n" % number)
                    assert await mallory.line() == notices.line(notices.NAME_REFUSED, why=why)
                    assert (await mallory.line()).startswith(f"* welcome, mallory{number}. 4 here: ")
                await people.until(f"* mallory{number} has left")

    run(main())


def test_a_whole_word_of_another_alphabet_that_looks_alike(run: Run, wire: Wire) -> None:
    async def main() -> None:
        async with undisturbed(wire) as (server, people), raw(server, wire[1]) as ace, raw(server, wire[1]) as mallory:
            ace.write(b"ace\n")
            await people.until("* ace has come in")
            lookalike = "\u0430\u0441\u0435"  # Cyrillic from the first letter to the last
            mallory.write(lookalike.encode() + b"\n")
            assert await mallory.line() == notices.line(notices.NAME_REFUSED, why=taken(lookalike))

    run(main())


def test_forty_who_want_the_same_name_at_once(run: Run, wire: Wire) -> None:
    async def main() -> None:
        async with undisturbed(wire) as (server, people), AsyncExitStack() as stack:
            crowd = [await stack.enter_async_context(raw(server, wire[1])) for _ in range(40)]
            for one in crowd:
                one.write(b"mallory\n")
            answers = await asyncio.gather(*(one.line() for one in crowd))
            refused = notices.line(notices.NAME_REFUSED, why=taken("mallory"))
            assert answers.count(refused) == 39
            assert sum(answer.startswith("* welcome, mallory. 4 here: ") for answer in answers) == 1
            await people.until("* mallory has come in")

    run(main())


def test_guessing_names_ends(run: Run, wire: Wire) -> None:
    async def main() -> None:
        async with undisturbed(wire) as (server, people), raw(server, wire[1]) as mallory:
            mallory.write(b"alice\nbob\ncarol\nAlice\nBob\nmallory\nhello\n")
            said = (await mallory.rest()).decode().splitlines()
            assert said[5:] == [notices.line(notices.TOO_MANY_NAMES)]
            await people.talked()
            assert not any("mallory" in line for line in people.read["alice"])

    run(main())


def test_a_name_is_free_again_as_soon_as_its_bearer_is_gone(run: Run, wire: Wire) -> None:
    async def main() -> None:
        async with undisturbed(wire) as (server, people):
            for number in range(10):
                async with raw(server, wire[1]) as mallory:
                    mallory.write(b"mallory\n%d\n" % number)
                    assert (await mallory.line()).startswith("* welcome, mallory")
                    await people.until(f"mallory > {number}")
                while people.read["alice"].count("* mallory has left") <= number:
                    await people.talked(1)

    run(main())
