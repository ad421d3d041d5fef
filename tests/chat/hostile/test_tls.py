"""Clients that break TLS, before the handshake, in it and after it."""

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from chat import notices
from tests.chat.conftest import ByHand, Run, program, raw
from tests.chat.hostile.conftest import People, undisturbed

ALERT, HANDSHAKE, APPLICATION_DATA = 21, 22, 23  # RFC 8446, section 5.1
HANDSHAKE_FAILURE, PROTOCOL_VERSION = 40, 70  # RFC 8446, section 6


@pytest.fixture
def contexts(server_context: ssl.SSLContext, client_context: ssl.SSLContext) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    return server_context, client_context


Contexts = tuple[ssl.SSLContext, ssl.SSLContext]


@asynccontextmanager
async def inside(contexts: Contexts) -> AsyncIterator[tuple[ByHand, People]]:
    """Mallory, in the room with the people, every record in her own hands."""
    async with undisturbed(contexts) as (server, people):
        async with raw(server) as connection:
            mallory = ByHand(connection, contexts[1])
            await mallory.shake_hands()
            connection.write(mallory.sealed(b"mallory\n"))
            await people.until("* mallory has come in")
            yield mallory, people
        await people.until("* mallory has left")


def record(kind: int, content: bytes, length: int | None = None) -> bytes:
    return struct.pack(">BHH", kind, 0x0303, len(content) if length is None else length) + content


GARBAGE = (
    (record(APPLICATION_DATA, bytes(100)), "BAD_RECORD_MAC"),
    (record(APPLICATION_DATA, b"\xff" * 17), "BAD_RECORD_MAC"),
    (record(APPLICATION_DATA, bytes(100), 0xFFFF), "RECORD_OVERFLOW"),
    (record(99, bytes(100)), "ALERT"),
    (b"GET / HTTP/1.1\r\n\r\n", "ALERT"),
    (record(HANDSHAKE, b"\0\0\0\0"), "ALERT"),
)


def test_records_that_are_garbage(run: Run, contexts: Contexts, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with undisturbed(contexts) as (server, people):
            for number, (garbage, alert) in enumerate(GARBAGE):
                async with raw(server) as connection:
                    mallory = ByHand(connection, contexts[1])
                    await mallory.shake_hands()
                    connection.write(mallory.sealed(b"mallory%d\nbefore\n" % number))
                    await people.until(f"mallory{number} > before")
                    connection.write(garbage)
                    with pytest.raises(ssl.SSLError, match=alert):
                        await mallory.end()
                    await people.until(f"* mallory{number} has left")

    run(main())
    assert sum('event="TLS failed"' in line.getMessage() for line in caplog.records) == len(GARBAGE)


def test_a_record_that_was_changed_on_its_way(run: Run, contexts: Contexts, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with inside(contexts) as (mallory, people):
            sealed = bytearray(mallory.sealed(b"this is not what I said\n"))
            sealed[-20] ^= 1
            mallory.connection.write(bytes(sealed))
            with pytest.raises(ssl.SSLError, match="BAD_RECORD_MAC"):
                await mallory.end()
            await people.until("* mallory has left")
            assert not any("what I said" in line for line in people.read["alice"])

    run(main())
    assert "DECRYPTION_FAILED_OR_BAD_RECORD_MAC" in caplog.text


def test_a_record_that_comes_twice(run: Run, contexts: Contexts) -> None:
    async def main() -> None:
        async with inside(contexts) as (mallory, people):
            sealed = mallory.sealed(b"only once\n")
            mallory.connection.write(sealed + sealed)
            await people.until("* mallory has left")
            for read in people.read.values():
                assert read.count("mallory > only once") == 1

    run(main())


def test_an_alert_ends_it(run: Run, contexts: Contexts, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with inside(contexts) as (mallory, people):
            # what mallory cannot read makes her side send an alert
            mallory.incoming.write(record(APPLICATION_DATA, bytes(100)))
            with pytest.raises(ssl.SSLError, match="MAC"):
                await mallory.end()
            mallory.connection.write(mallory.outgoing.read())
            await people.until("* mallory has left")

    run(main())
    assert 'event="TLS failed" member=5 why="SSLV3_ALERT_BAD_RECORD_MAC"' in caplog.text


def test_a_goodbye_is_answered_with_one(run: Run, contexts: Contexts) -> None:
    async def main() -> None:
        async with inside(contexts) as (mallory, people):
            mallory.connection.write(mallory.sealed(b"bye\n"))
            with pytest.raises(ssl.SSLWantReadError):
                mallory.tls.unwrap()
            mallory.connection.write(mallory.outgoing.read())
            await mallory.end()
            assert await mallory.connection.rest() == b""
            await people.until("mallory > bye")

    run(main())


def test_a_fin_without_a_goodbye(run: Run, contexts: Contexts) -> None:
    """What was said before it was said; what comes last is still told, and the end is TLS's."""

    async def main() -> None:
        async with inside(contexts) as (mallory, people):
            mallory.connection.write(mallory.sealed(b"bye\n!rooms\nhalf a li"))
            mallory.connection.writer.write_eof()
            said = ""
            while said.splitlines()[-1:] != ["* the rooms are: lobby"]:
                said = await mallory.line()
            await mallory.end()
            assert await mallory.connection.rest() == b""
            await people.until("mallory > bye")
            await people.until("* mallory has left")
            assert not any("half" in line for line in people.read["alice"])

    run(main())


@pytest.mark.parametrize("fin", [False, True])
def test_a_record_that_is_cut_off(run: Run, contexts: Contexts, fin: bool) -> None:
    async def main() -> None:
        async with inside(contexts) as (mallory, people):
            mallory.connection.write(mallory.sealed(b"whole\n") + mallory.sealed(b"cut\n")[:-3])
            await people.until("mallory > whole")
            if fin:
                mallory.connection.writer.write_eof()
            else:
                mallory.connection.writer.transport.abort()
            await people.until("* mallory has left")
            assert not any("cut" in line for line in people.read["alice"])

    run(main())


def hello(version: int) -> bytes:
    """A ClientHello that can speak nothing newer than `version` (RFC 5246, section 7.4.1.2)."""
    suites = bytes.fromhex("c02bc02fc009c013002f0035000a")
    # supported_groups x25519 and P-256, ec_point_formats, signature_algorithms
    extensions = bytes.fromhex("000a00060004001d0017 000b00020100 000d000a0008040308040401 0201")
    body = struct.pack(">H", version) + bytes(32) + b"\0" + struct.pack(">H", len(suites)) + suites + b"\1\0"
    body += struct.pack(">H", len(extensions)) + extensions
    message = b"\1" + len(body).to_bytes(3, "big") + body
    return struct.pack(">BHH", HANDSHAKE, 0x0301, len(message)) + message


def test_an_old_version_is_refused_by_an_alert(run: Run, contexts: Contexts) -> None:
    async def main() -> None:
        async with undisturbed(contexts) as (server, people):
            # SSL 3.0 has no alert of its own for it
            for version, alert in ((0x0300, HANDSHAKE_FAILURE), (0x0301, PROTOCOL_VERSION), (0x0302, PROTOCOL_VERSION)):
                async with raw(server) as old:
                    old.write(hello(version))
                    answer = await old.rest()
                    assert (answer[0], answer[3:]) == (ALERT, bytes([0, 2, 2, alert]))
                    await people.talked()

    run(main())


def test_the_hand_made_hello_is_a_good_one(run: Run, contexts: Contexts) -> None:
    """A test of the test above: but for the version, nothing is wrong with it."""

    async def main() -> None:
        async with undisturbed(contexts) as (server, _), raw(server) as new:
            new.write(hello(0x0303))
            answer = await new.reader.readexactly(6)
            assert (answer[0], answer[5]) == (HANDSHAKE, 2)  # ServerHello

    run(main())


@pytest.mark.parametrize("version", ["-tls1", "-tls1_1"])
def test_openssl_with_an_old_version(run: Run, contexts: Contexts, tool: Callable[[str], str], version: str) -> None:
    async def main() -> None:
        async with undisturbed(contexts) as (server, people):
            address = "{}:{}".format(*server.address)
            command = (tool("openssl"), "s_client", version, "-cipher", "ALL:@SECLEVEL=0", "-connect", address)
            async with program(*command, errors=True) as (_, shown):
                said = (await shown.read()).decode()
            if "Unknown option" in said or "no protocols available" in said:
                pytest.skip("this openssl cannot speak it either")
            assert "alert protocol version" in said
            await people.talked()

    run(main())


def test_openssl_may_not_renegotiate(
    run: Run, contexts: Contexts, tool: Callable[[str], str], caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with undisturbed(contexts) as (server, people):
            address = "{}:{}".format(*server.address)
            command = (tool("openssl"), "s_client", "-tls1_2", "-connect", address)
            async with program(*command, errors=True) as (typed, shown):
                typed.write(b"mallory\n")
                await people.until("* mallory has come in")
                typed.write(b"!join elsewhere\n")  # where nobody's words come between the two
                await people.until("* mallory has left")
                while "you are in the room elsewhere" not in (await shown.readline()).decode():
                    pass
                typed.write(b"R\n")  # alone on a line it is a command of s_client's
                said = (await shown.read()).decode(errors="replace")
                assert "RENEGOTIATING" in said
                assert "no renegotiation" in said

    run(main())
    assert sum('event="secured" member=5' in record.getMessage() for record in caplog.records) == 1


def test_openssl_may_change_its_keys(run: Run, contexts: Contexts, tool: Callable[[str], str]) -> None:
    """TLS 1.3's key update (RFC 8446, section 4.6.3) is no attack: who does it goes on talking."""

    async def main() -> None:
        async with undisturbed(contexts) as (server, people):
            address = "{}:{}".format(*server.address)
            command = (tool("openssl"), "s_client", "-tls1_3", "-connect", address)
            async with program(*command, errors=True) as (typed, shown):
                typed.write(b"dave\n")
                await people.until("* dave has come in")
                for number in range(5):
                    typed.write(b"K\n")  # and asks the server to do it too
                    while b"KEYUPDATE" not in await shown.readline():
                        pass
                    typed.write(b"still here %d\n" % number)
                    await people.until(f"dave > still here {number}")
                while not (await shown.readline()).startswith(b"alice > line "):
                    pass
            await people.until("* dave has left")

    run(main())


def test_an_sslv2_hello_is_answered_in_words(run: Run, contexts: Contexts) -> None:
    # SSL 2.0's client hello, which asks for TLS 1.0 (RFC 5246, appendix E.2); and its beginning
    whole = bytes.fromhex("802e 0103 01 0015 0000 0010 00002f 000035 00000a 010080 000005 000004 000009") + bytes(16)

    async def main() -> None:
        async with undisturbed(contexts) as (server, people):
            for first in (whole, whole[:5]):
                async with raw(server) as old:
                    old.write(first)
                    assert await old.rest() == notices.line(notices.SPEAKS_TLS).encode() + b"\n"
                    await people.talked()

    run(main())


def test_a_handshake_that_is_garbage(run: Run, contexts: Contexts, caplog: pytest.LogCaptureFixture) -> None:
    firsts = (
        bytes.fromhex("160301ffff") + bytes(100),  # more than a record may hold
        bytes.fromhex("1603010005") + b"\1\xff\xff\xff\0" + bytes(100),  # a message of 16 MB
        bytes.fromhex("1603010000") * 50,  # records of nothing
        bytes.fromhex("16fe0101000100"),  # no version that there is
        bytes.fromhex("160301000402000000"),  # a ServerHello from a client
        b"\x16" + bytes(20_000),
        b"\x16" * 20_000,
    )

    async def main() -> None:
        async with undisturbed(contexts) as (server, people):
            for first in firsts:
                async with raw(server) as mallory:
                    mallory.write(first)
                    answer = await mallory.rest()
                    assert answer[:1] in (b"", bytes([ALERT]))
                    await people.talked(3)

    run(main())
    assert sum('event="handshake failed"' in record.getMessage() for record in caplog.records) == len(firsts)


def test_a_handshake_that_breaks_in_the_middle(run: Run, contexts: Contexts) -> None:
    async def main() -> None:
        async with undisturbed(contexts) as (server, people):
            for last in (b"", record(APPLICATION_DATA, bytes(40)), b"\x15\x03\x03\x00\x02\x02\x28"):
                async with raw(server) as connection:
                    mallory = ByHand(connection, contexts[1])
                    connection.write(mallory.hello())
                    await connection.reader.readexactly(100)  # the server's flight has begun
                    connection.write(last)
                    if not last:
                        connection.writer.write_eof()
                    with suppress(ConnectionResetError):
                        await connection.rest()
            await people.talked()

    run(main())


def test_a_handshake_done_twice_on_one_connection(run: Run, contexts: Contexts) -> None:
    async def main() -> None:
        async with inside(contexts) as (mallory, people):
            again = ByHand(mallory.connection, contexts[1])
            mallory.connection.write(again.hello())
            with pytest.raises(ssl.SSLError):
                await asyncio.wait_for(mallory.end(), 30)
            await people.until("* mallory has left")

    run(main())
