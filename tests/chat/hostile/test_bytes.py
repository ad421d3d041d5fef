"""Clients that say what nobody should say: too much at once, and bytes that act on terminals or are no text."""

from chat import notices
from chat.lines import MAX_LINE
from tests.chat.conftest import Run, Wire, raw
from tests.chat.hostile.conftest import undisturbed

TOO_LONG = notices.line(notices.LINE_TOO_LONG, limit=MAX_LINE)
TEN_MEGABYTES = b"x" * 10_000_000


def test_ten_megabytes_without_a_line_end(run: Run, wire: Wire) -> None:
    async def main() -> None:
        async with undisturbed(wire) as (server, people), raw(server, wire[1]) as mallory:
            mallory.write(TEN_MEGABYTES)
            await people.welcome_somebody()
            mallory.write(b"\nmallory\n" + TEN_MEGABYTES + b"\nand more\n" + TEN_MEGABYTES)
            refused = notices.line(notices.NAME_REFUSED, why=notices.sentence(notices.LINE_TOO_LONG, limit=MAX_LINE))
            assert await mallory.line() == refused
            assert (await mallory.line()).startswith("* welcome, mallory")
            await people.until("mallory > and more")
            await people.welcome_somebody()
            said = ""
            while said != TOO_LONG:
                said = await mallory.line()
        assert not any("x" * 100 in line for line in people.read["bob"])

    run(main())


REFUSED = (
    (b"nul \0 nul", notices.sentence(notices.CONTROL, at=5, shown="\\x00")),
    (b"\x1b[2J\x1b[H\x1b]0;owned\x07", notices.sentence(notices.CONTROL, at=1, shown="\\x1b")),
    (b"over\rwritten", notices.sentence(notices.CONTROL, at=5, shown="\\x0d")),
    (b"back\x08space", notices.sentence(notices.CONTROL, at=5, shown="\\x08")),
    ("C1 \x9b31m".encode(), notices.sentence(notices.CONTROL, at=4, shown="\\x9b")),
    (b"\xff\xfe", notices.sentence(notices.NOT_UTF8, at=1)),
    (b"surrogate \xed\xa0\x80", notices.sentence(notices.NOT_UTF8, at=11)),
    (b"overlong \xc0\xaf", notices.sentence(notices.NOT_UTF8, at=10)),
    (b"half \xe2\x82", notices.sentence(notices.NOT_UTF8, at=6)),
)


def test_what_no_line_may_hold_is_told_to_its_sender_alone(run: Run, wire: Wire) -> None:
    async def main() -> None:
        async with undisturbed(wire) as (server, people), raw(server, wire[1]) as mallory:
            for line, sentence in REFUSED[:4]:
                mallory.write(line + b"\n")
                assert await mallory.line() == notices.line(notices.NAME_REFUSED, why=sentence)
            mallory.write(b"mallory\n!join elsewhere\n")
            assert (await mallory.line()).startswith("* welcome, mallory")
            while "you are in the room elsewhere" not in await mallory.line():
                pass
            for line, sentence in REFUSED:
                mallory.write(line + b"\n")
                assert await mallory.line() == notices.line("{why}", why=sentence)
            mallory.write(b"!join lobby\n" + b"".join(line + b"\n" for line, _ in REFUSED) + b"the end\n")
            await people.until("mallory > the end")
            for read in people.read.values():
                assert [line for line in read if line.startswith("mallory")] == ["mallory > the end"]

    run(main())


TEXTS = (
    "\u202eto right from\u202c \u2066isolated\u2069",
    "zero\u200bwidth\u200d\u2060\ufeff",
    "line\u2028separator\u2029",
    "Z" + "\u0301" * 2000,
    "* alice has left",
    "alice > I said so",
    "mallory to bob > between us",
    "\N{PERSON WITH BALL}\U0010ffff\ue000",
    "{name} %s \\x1b[31m",
)


def test_what_is_text_stays_one_line_with_its_senders_name(run: Run, wire: Wire) -> None:
    async def main() -> None:
        async with undisturbed(wire) as (server, people), raw(server, wire[1]) as mallory:
            mallory.write(b"mallory\n")
            for text in TEXTS:
                mallory.write(text.encode() + b"\n")
            await people.until(f"mallory > {TEXTS[-1]}")
            for read in people.read.values():
                assert [line for line in read if "mallory" in line][1:] == [f"mallory > {text}" for text in TEXTS]

    run(main())


def test_a_character_split_across_reads(run: Run, wire: Wire) -> None:
    async def main() -> None:
        async with undisturbed(wire) as (server, people), raw(server, wire[1]) as mallory:
            for piece in (
                b"mal",
                b"lory",
                b"\r",
                b"\n\xf0",
                b"\x9f\x91",
                b"\x8b\nbad \xe2",
                b"\x82",
                b"\n\xac\n",
                b"end\n",
            ):
                mallory.write(piece)
                await people.talked(1)  # the server has read it by itself
            await people.until("mallory > end")
            for read in people.read.values():
                assert [line for line in read if line.startswith("mallory")] == ["mallory > 👋", "mallory > end"]
            refused = [notices.line(notices.NOT_UTF8, at=at) for at in (5, 1)]
            while refused:
                line = await mallory.line()
                if line.startswith("* That line"):
                    assert line == refused.pop(0)

    run(main())


def test_lines_of_nothing(run: Run, wire: Wire) -> None:
    async def main() -> None:
        async with undisturbed(wire) as (server, people), raw(server, wire[1]) as mallory:
            mallory.write(b"mallory\n" + b"\n" * 50_000 + b" \t \r\n" * 10_000 + b"\r\n" * 10_000 + b"end\n")
            await people.until("mallory > end")
            for read in people.read.values():
                assert [line for line in read if line.startswith("mallory")] == ["mallory > end"]

    run(main())
