import asyncio
import errno
import os
import socket
import ssl
import struct
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import pytest
from cryptography import x509

from chat import notices
from chat.client import Client
from chat.errors import ChatError, ConnectionLost, NicknameError
from chat.limits import Limits
from chat.lines import MAX_LINE
from chat.server import Server
from tests.chat.conftest import ByHand, Run, Wire, join, make_certificate, program, raw, read_line

UNHURRIED = Limits(rate=0)  # where somebody says more than a person would


def test_a_conversation(run: Run, wire: Wire) -> None:
    async def main() -> None:
        async with (
            Server(port=0, context=wire[0]) as server,
            await join(server, "alice", wire[1]) as alice,
            await join(server, "bob", wire[1]) as bob,
        ):
            assert await alice.receive() == "* bob has come in"
            await alice.send("¿Qué tal? 👋")
            assert await bob.receive() == "alice > ¿Qué tal? 👋"
            await bob.send("x" * MAX_LINE)
            assert await alice.receive() == "bob > " + "x" * MAX_LINE
            await bob.leave()
            assert await alice.receive() == "* bob has left"

    run(main())


def real_client(tool: Callable[[str], str], server: Server, certificate: Path, *, tls: bool) -> list[str]:
    host, port = server.address
    if not tls:
        return [tool("nc"), host, str(port)]
    return [
        *(tool("openssl"), "s_client", "-quiet", "-connect", f"{host}:{port}", "-servername", "localhost"),
        *("-CAfile", str(certificate), "-verify_return_error", "-verify_hostname", "localhost"),
    ]


def test_nc_and_openssl_are_full_clients(run: Run, wire: Wire, tool: Callable[[str], str], certificate: Path) -> None:
    async def main() -> None:
        async with Server(port=0, context=wire[0]) as server, await join(server, "alice", wire[1]) as alice:
            command = real_client(tool, server, certificate, tls=wire[0] is not None)
            async with program(*command) as (bob_in, bob_out), program(*command) as (carol_in, carol_out):
                bob_in.write("bób\n".encode())
                assert await read_line(bob_out) == "* welcome, bób. 2 here: alice, bób"
                assert await alice.receive() == "* bób has come in"
                carol_in.write(b"carol\r\nhi all\r\n")
                assert await read_line(carol_out) == "* welcome, carol. 3 here: alice, bób, carol"
                assert await read_line(bob_out) == "* carol has come in"
                assert await read_line(bob_out) == "carol > hi all"
                bob_in.write("¡señor! 🎉\n!usuarios\n!nonsense\n".encode())
                assert await read_line(carol_out) == "bób > ¡señor! 🎉"
                assert await read_line(bob_out) == "* 3 here: alice, bób, carol"
                assert (await read_line(bob_out)).startswith("* There is no such command")
                carol_in.write(b"!salir\n")
                carol_in.close()  # nc ends when both directions have
                assert await carol_out.read() == b""
                assert await read_line(bob_out) == "* carol has left"
                assert [await alice.receive() for _ in range(4)] == [
                    "* carol has come in",
                    "carol > hi all",
                    "bób > ¡señor! 🎉",
                    "* carol has left",
                ]
            assert await alice.receive() == "* bób has left"

    run(main())


def test_a_script_piped_into_nc_reads_its_answers(run: Run, tool: Callable[[str], str]) -> None:
    async def main() -> None:
        async with Server(port=0) as server, program(tool("nc"), "-N", *map(str, server.address)) as (typed, shown):
            typed.write(b"bob\n!users\ncut off")
            typed.close()
            assert await shown.read() == b"* welcome, bob. 1 here: bob\n* 1 here: bob\n"

    run(main())


@pytest.mark.parametrize("limits", [Limits(max_backlog=64 * 1024, rate=0), Limits(stall_timeout=0.3, rate=0)])
def test_a_slow_reader_is_dropped_alone(run: Run, wire: Wire, limits: Limits) -> None:
    async def main() -> None:
        async with (
            Server(port=0, context=wire[0], limits=limits) as server,
            raw(server, wire[1]) as slow,
            await join(server, "alice", wire[1]) as alice,
            await join(server, "bob", wire[1]) as bob,
        ):
            slow.writer.write(b"slow\n")
            while await bob.receive() != "* slow has come in":
                pass
            heard: list[str] = []
            sent, text = 0, "x" * 4000
            while "* slow has left" not in heard[-2:]:
                await alice.send(f"{sent} {text}")
                sent += 1
                heard.append(await bob.receive())
                assert sent < 20_000
            while len(heard) <= sent:
                heard.append(await bob.receive())
            heard.remove("* slow has left")
            assert heard == [f"alice > {number} {text}" for number in range(sent)]
            assert await alice.users() == ("alice", "bob")

    run(main())


def test_a_fast_speaker_gets_nobody_dropped(run: Run, wire: Wire) -> None:
    async def main() -> None:
        async with (
            Server(port=0, context=wire[0], limits=UNHURRIED) as server,
            await join(server, "alice", wire[1]) as alice,
            raw(server, wire[1]) as flood,
        ):
            flood.writer.write(b"flood\n" + b"a\n" * 200_000 + b"!quit\n")
            assert await alice.receive() == "* flood has come in"
            for _ in range(200_000):
                assert await alice.receive() == "flood > a"
            assert await alice.receive() == "* flood has left"

    run(main())


@pytest.mark.parametrize("reset", [False, True])
def test_half_a_line_is_not_said_and_the_leaving_is(run: Run, wire: Wire, reset: bool) -> None:
    async def main() -> None:
        async with Server(port=0, context=wire[0]) as server, await join(server, "alice", wire[1]) as alice:
            async with raw(server, wire[1]) as bob:
                bob.writer.write(b"bob\n")
                assert await bob.line() == "* welcome, bob. 2 here: alice, bob"
                bob.writer.write(b"whole\nhalf a li")
                assert await alice.receive() == "* bob has come in"
                assert await alice.receive() == "bob > whole"
                if reset:
                    bob.writer.get_extra_info("socket").setsockopt(
                        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                    )
            assert await alice.receive() == "* bob has left"

    run(main())


def test_ten_megabytes_without_a_line_end(run: Run, wire: Wire) -> None:
    async def main() -> None:
        async with (
            Server(port=0, context=wire[0], limits=UNHURRIED) as server,
            await join(server, "alice", wire[1]) as alice,
        ):
            async with raw(server, wire[1]) as bob:
                bob.writer.write(b"bob\n" + b"x" * 10_000_000 + b"\nstill here\n")
                await bob.writer.drain()
                assert await bob.line() == "* welcome, bob. 2 here: alice, bob"
                assert await bob.line() == "* A line has at most 4096 bytes: send it in several."
                assert await alice.receive() == "* bob has come in"
                assert await alice.receive() == "bob > still here"
            assert await alice.receive() == "* bob has left"

    run(main())


def test_nothing_received_acts_on_the_terminal_of_the_log(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with Server(port=0) as server, raw(server) as evil:
            evil.writer.write(b"\x1b]0;owned\x07\n\xff\xfe\nJos\xc3\xa9\nsecret words\n!users\n")
            refused = [await evil.line(), await evil.line()]
            assert all(line.startswith("* name refused: ") for line in refused)
            assert await evil.line() == "* welcome, José. 1 here: José"
            assert await evil.line() == "* 1 here: José"

    run(main())
    messages = [record.getMessage() for record in caplog.records if record.name == "chat.server"]
    assert 'event="joined" member=1 name="Jos\\u00e9" room="lobby"' in messages
    assert all(message.isascii() and message.isprintable() for message in messages)
    assert "secret" not in "".join(messages)


def test_a_taken_name_may_be_corrected(run: Run, wire: Wire) -> None:
    async def main() -> None:
        async with (
            Server(port=0, context=wire[0]) as server,
            await join(server, "alice", wire[1]),
            raw(server, wire[1]) as bob,
        ):
            bob.writer.write(b"ALICE\nbob\n")
            assert await bob.line() == notices.line(
                notices.NAME_REFUSED, why=notices.sentence(notices.NAME_TAKEN, name="ALICE")
            )
            assert await bob.line() == "* welcome, bob. 2 here: alice, bob"

    run(main())


def test_five_bad_names_end_the_connection(run: Run, wire: Wire) -> None:
    async def main() -> None:
        async with Server(port=0, context=wire[0]) as server, raw(server, wire[1]) as bad:
            bad.writer.write(b"a b\n" * 9)
            lines = (await bad.rest()).decode().splitlines()
            assert len(lines) == 6
            assert lines[-1] == notices.line(notices.TOO_MANY_NAMES)

    run(main())


def test_plaintext_on_the_tls_port(
    run: Run, server_context: ssl.SSLContext, client_context: ssl.SSLContext, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with (
            Server(port=0, context=server_context) as server,
            await join(server, "alice", client_context) as alice,
        ):
            async with raw(server) as lost:
                lost.writer.write(b"robert\n")
                assert (await lost.rest()).decode() == notices.line(notices.SPEAKS_TLS) + "\n"
            assert await alice.users() == ("alice",)

    run(main())
    failed = [record.getMessage() for record in caplog.records if "plaintext on a TLS port" in record.getMessage()]
    assert failed == ['event="refused" member=2 why="plaintext on a TLS port"']


def test_tls_on_the_plaintext_port(run: Run, client_context: ssl.SSLContext) -> None:
    async def main() -> None:
        async with Server(port=0) as server, await join(server, "alice") as alice:
            async with raw(server) as lost:
                incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
                tls = client_context.wrap_bio(incoming, outgoing, server_hostname="localhost")
                with pytest.raises(ssl.SSLWantReadError):
                    tls.do_handshake()
                lost.writer.write(outgoing.read())
                assert (await lost.rest()).decode() == notices.line(notices.SPEAKS_PLAINTEXT) + "\n"
            assert await alice.users() == ("alice",)

    run(main())


def test_a_handshake_blocks_nobody_and_ends(
    run: Run, server_context: ssl.SSLContext, client_context: ssl.SSLContext, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        limits = Limits(handshake_timeout=0.3)
        async with Server(port=0, context=server_context, limits=limits) as server, raw(server) as silent:
            async with await join(server, "alice", client_context) as alice:
                assert await alice.users() == ("alice",)
            assert await silent.rest() == b""

    run(main())
    assert "handshake failed" in caplog.text


def test_who_leaves_during_the_handshake_is_forgotten(run: Run, server_context: ssl.SSLContext) -> None:
    async def main() -> None:
        async with Server(port=0, context=server_context) as server:
            for hello in (b"", b"\x16\x03\x01"):
                async with raw(server) as gone:
                    gone.writer.write(hello)

    run(main())


def test_names_do_not_take_forever(run: Run, wire: Wire) -> None:
    async def main() -> None:
        limits = Limits(nickname_timeout=0.2)
        async with (
            Server(port=0, context=wire[0], limits=limits) as server,
            raw(server, wire[1]) as silent,
            await join(server, "alice", wire[1]) as alice,
        ):
            assert (await silent.rest()).decode() == notices.line(notices.NAME_TIMEOUT) + "\n"
            assert await alice.users() == ("alice",)

    run(main())


def test_a_full_room(run: Run, wire: Wire) -> None:
    async def main() -> None:
        async with Server(port=0, context=wire[0], limits=Limits(max_clients=1)) as server:
            async with await join(server, "alice", wire[1]):
                with pytest.raises(ChatError, match="does not let you in: the room is full"):
                    await join(server, "bob", wire[1])
            async with await join(server, "bob", wire[1]) as bob:
                assert await bob.users() == ("bob",)

    run(main())


def test_closing_says_so_and_leaves_the_port_free(run: Run, wire: Wire) -> None:
    async def main() -> None:
        async with Server(port=0, context=wire[0]) as server:
            alice, bob = await join(server, "alice", wire[1]), await join(server, "bob", wire[1])
            assert await alice.receive() == "* bob has come in"
        for client in (alice, bob):
            assert await client.receive() == notices.line(notices.SERVER_CLOSING)
            with pytest.raises(ConnectionLost):
                await client.receive()
            await client.leave()
        async with Server(port=server.address[1], context=wire[0]) as again:
            assert again.address == server.address

    run(main())


def test_closing_does_not_wait_for_those_who_do_not(
    run: Run, server_context: ssl.SSLContext, client_context: ssl.SSLContext
) -> None:
    async def main() -> None:
        limits = Limits(close_timeout=0.2)
        async with (
            AsyncExitStack() as clients,
            Server(port=0, limits=limits) as plain,
            Server(port=0, context=server_context, limits=limits) as tls,
        ):
            for server, context, name in ((plain, None, b"a\n"), (tls, client_context, b"b\n"), (tls, None, b"")):
                # Blocking sockets that nobody serves: they will never answer a goodbye.
                deaf = await asyncio.to_thread(connect_blocking, server.address, context, name)
                clients.enter_context(deaf)
            started = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - started < 5

    run(main())


def connect_blocking(address: tuple[str, int], context: ssl.SSLContext | None, name: bytes) -> socket.socket:
    plain = socket.create_connection(address, timeout=20)
    made = plain if context is None else context.wrap_socket(plain, server_hostname="localhost")
    if name:
        made.sendall(name)
        assert made.recv(1000).startswith(b"* welcome")
    return made


def test_a_long_line_passes_through_a_small_window(run: Run, wire: Wire) -> None:
    async def main() -> None:
        async with (
            Server(port=0, context=wire[0], receive_buffer=2048) as server,
            await join(server, "alice", wire[1]) as alice,
            await join(server, "bob", wire[1]) as bob,
        ):
            for _ in range(20):
                await bob.send("x" * MAX_LINE)
            assert await alice.receive() == "* bob has come in"
            for _ in range(20):
                assert await alice.receive() == "bob > " + "x" * MAX_LINE

    run(main())


def test_an_address_that_cannot_be_listened_on(run: Run) -> None:
    async def refusal(host: str, port: int) -> str:
        with pytest.raises(ChatError) as caught:
            async with Server(hosts=(host,), port=port):
                pass
        return str(caught.value)

    async def main() -> None:
        async with Server(port=0) as server:
            port = server.address[1]
            assert await refusal("127.0.0.1", port) == (
                f"Port {port} on 127.0.0.1 is in use: stop the program that has it, or choose another port."
            )
        assert (await refusal("192.0.2.1", 0)).startswith("192.0.2.1 is not an address of this machine:")
        assert (await refusal("no.such.host.invalid", 0)).startswith("The host 'no.such.host.invalid' cannot be found")
        assert (await refusal("127.0.0.1", 70000)).startswith("There is no port 70000:")

    run(main())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may open any port")
def test_a_port_for_root_only(run: Run) -> None:
    async def main() -> None:
        with pytest.raises(ChatError, match="may not be opened by this user"):
            async with Server(port=1):
                pass

    run(main())


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_both_loopbacks_on_the_same_port_are_one_room(run: Run, wire: Wire) -> None:
    async def main() -> None:
        async with Server(port=0, context=wire[0]) as server:
            port = server.address[1]
            assert server.addresses == (("127.0.0.1", port), ("::1", port))
            async with (
                await Client.connect("127.0.0.1", port, "alice", context=wire[1], server_hostname="localhost") as alice,
                await Client.connect("::1", port, "bob", context=wire[1], server_hostname="localhost") as bob,
            ):
                assert await alice.receive() == "* bob has come in"
                await alice.send("hello")
                assert await bob.receive() == "alice > hello"
        for host, family in (("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)):
            socket.create_server((host, port), family=family).close()

    run(main())


@pytest.mark.parametrize("number", [errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL])
def test_a_machine_without_ipv6(run: Run, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    class NoIpv6(socket.socket):
        def __init__(self, family: int = socket.AF_INET, *others: int) -> None:
            if family == socket.AF_INET6 and number == errno.EAFNOSUPPORT:
                raise OSError(number, os.strerror(number))
            super().__init__(family, *others)

        def bind(self, address: object) -> None:
            if self.family == socket.AF_INET6:
                raise OSError(number, os.strerror(number))
            super().bind(address)  # type: ignore[arg-type]

    async def main() -> None:
        with monkeypatch.context() as patched:
            patched.setattr("chat.listening.socket.socket", NoIpv6)
            server = Server(port=0)
            await server.__aenter__()
        try:
            assert [host for host, _ in server.addresses] == ["127.0.0.1"]
            async with await join(server, "alice") as alice:
                assert await alice.users() == ("alice",)
        finally:
            await server.__aexit__(None, None, None)

    run(main())


def test_only_the_ipv6_loopback_may_be_left_out(run: Run) -> None:
    """An address that somebody wanted is not forgotten without a word, and those that could be had are given back."""

    async def main() -> None:
        with pytest.raises(ChatError, match=r"^192\.0\.2\.1 is not an address of this machine"):
            async with Server(hosts=("127.0.0.1", "192.0.2.1"), port=0):
                pass

    run(main())


def serial(certificate: bytes | None) -> int:
    assert certificate is not None
    return x509.load_der_x509_certificate(certificate).serial_number


def test_a_new_certificate_while_people_are_inside(
    run: Run, server_context: ssl.SSLContext, client_context: ssl.SSLContext, certificate: Path, tmp_path: Path
) -> None:
    new = make_certificate(tmp_path / "new.pem")
    new_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    new_context.load_cert_chain(new)
    client_context.load_verify_locations(new)
    old_serial, new_serial = (
        x509.load_pem_x509_certificate(path.read_bytes()).serial_number for path in (certificate, new)
    )
    assert old_serial != new_serial

    async def main() -> None:
        async with (
            Server(port=0, context=server_context) as server,
            await join(server, "alice", client_context) as alice,
            await join(server, "bob", client_context) as bob,
            raw(server) as connected,
        ):
            # this one's handshake has begun, and its end comes after the change
            hand = ByHand(connected, client_context)
            hello = hand.hello()
            connected.write(hello[:20])
            assert await alice.users() == ("alice", "bob")  # so that the server has read it
            server.context = new_context
            connected.write(hello[20:])
            await hand.shake_hands()
            assert serial(hand.tls.getpeercert(binary_form=True)) == old_serial
            async with await join(server, "carol", client_context) as carol:
                assert serial(carol.security.certificate) == new_serial
                assert serial(alice.security.certificate) == serial(bob.security.certificate) == old_serial
                assert await alice.receive() == "* bob has come in"
                for client in (alice, bob):
                    assert await client.receive() == "* carol has come in"
                await alice.send("still here")
                assert await bob.receive() == await carol.receive() == "alice > still here"
                await bob.send("me too")
                assert await alice.receive() == await carol.receive() == "bob > me too"

    run(main())


def test_as_many_people_as_the_house_has_room_for(run: Run, wire: Wire) -> None:
    async def main() -> None:
        limits = Limits(max_clients=2)
        async with Server(port=0, context=wire[0], limits=limits) as server:
            async with (
                await join(server, "alice", wire[1]) as alice,
                raw(server, wire[1]) as late,
            ):
                async with await join(server, "bob", wire[1]):
                    # connected when there was room, named when there was none
                    late.write(b"late\n")
                    assert (await late.rest()).decode() == notices.line(notices.ROOM_FULL) + "\n"
                    async with raw(server, wire[1]) as outside:
                        assert (await outside.rest()).decode() == notices.line(notices.ROOM_FULL) + "\n"
                    await alice.send("!join quiet")  # a house is full whatever room people are in
                    async with raw(server, wire[1]) as outside:
                        assert (await outside.rest()).decode() == notices.line(notices.ROOM_FULL) + "\n"
                assert "alice" in await alice.users()
            async with await join(server, "dave", wire[1]) as dave:
                assert await dave.users() == ("dave",)

    run(main())


def test_one_address_leaves_room_for_others(run: Run, wire: Wire) -> None:
    async def main() -> None:
        async with (
            Server(port=0, context=wire[0], limits=Limits(per_address=2)) as server,
            await join(server, "alice", wire[1]) as alice,
        ):
            async with await join(server, "bob", wire[1]):
                assert await alice.receive() == "* bob has come in"
                if wire[0] is None:
                    async with raw(server) as third:
                        assert (await third.rest()).decode() == notices.line(notices.TOO_MANY_FROM_HERE) + "\n"
                else:
                    with pytest.raises(ChatError):
                        await join(server, "carol", wire[1])
                async with raw(server, wire[1], source=another_loopback()) as elsewhere:
                    elsewhere.write(b"elsewhere\n")
                    assert "welcome" in await elsewhere.line()
                    assert await alice.receive() == "* elsewhere has come in"
            assert {await alice.receive(), await alice.receive()} == {"* elsewhere has left", "* bob has left"}
            async with await join(server, "carol", wire[1]) as carol:
                assert await carol.users() == ("alice", "carol")

    run(main())


def another_loopback() -> tuple[str, int]:
    try:
        with socket.socket() as trial:
            trial.bind(("127.0.0.2", 0))
    except OSError:
        pytest.skip("this system has one loopback address only")
    return "127.0.0.2", 0


def test_a_silent_one_from_the_same_address_makes_room(run: Run, wire: Wire) -> None:
    async def main() -> None:
        async with (
            Server(port=0, context=wire[0], limits=Limits(per_address=2)) as server,
            await join(server, "alice", wire[1]) as alice,
            raw(server, wire[1]) as silent,
        ):
            async with await join(server, "bob", wire[1]) as bob:
                assert await bob.users() == ("alice", "bob")
                assert (await silent.rest()).decode() == notices.line(notices.MADE_ROOM) + "\n"
            assert await alice.users() == ("alice",)

    run(main())


def test_one_address_throws_nobody_else_out(run: Run, wire: Wire) -> None:
    """However many connect from one address, whoever types a name at another one stays."""

    async def main() -> None:
        async with (
            Server(port=0, context=wire[0], limits=Limits(max_pending=3)) as server,
            raw(server, wire[1], source=another_loopback()) as person,
            AsyncExitStack() as stack,
        ):
            storm = [await stack.enter_async_context(raw(server, wire[1])) for _ in range(6)]
            assert (await storm[0].rest()).decode() == notices.line(notices.MADE_ROOM) + "\n"
            person.write(b"slow-typist\n")
            assert "welcome" in await person.line()

    run(main())


def test_the_oldest_silent_one_makes_room(run: Run, wire: Wire) -> None:
    async def main() -> None:
        async with (
            Server(port=0, context=wire[0], limits=Limits(max_pending=3)) as server,
            await join(server, "alice", wire[1]) as alice,
            AsyncExitStack() as stack,
        ):
            silent = [await stack.enter_async_context(raw(server, wire[1])) for _ in range(3)]
            async with await join(server, "newcomer", wire[1]):
                assert await alice.receive() == "* newcomer has come in"
                assert (await silent[0].rest()).decode() == notices.line(notices.MADE_ROOM) + "\n"
                for number, other in enumerate(silent[1:]):
                    other.write(b"late%d\n" % number)
                    assert "welcome" in await other.line()
                    assert await alice.receive() == f"* late{number} has come in"

    run(main())


def test_a_handshake_that_is_not_done_makes_room(
    run: Run, server_context: ssl.SSLContext, client_context: ssl.SSLContext
) -> None:
    async def main() -> None:
        async with (
            Server(port=0, context=server_context, limits=Limits(max_pending=1)) as server,
            raw(server) as silent,
            await join(server, "alice", client_context) as alice,
        ):
            with suppress(ConnectionResetError):
                assert await silent.rest() == b""
            assert await alice.users() == ("alice",)

    run(main())


def test_a_flood_is_slowed_and_loses_nothing(run: Run, wire: Wire) -> None:
    async def main() -> None:
        limits = Limits(rate=400, burst=50)
        async with (
            Server(port=0, context=wire[0], limits=limits) as server,
            await join(server, "alice", wire[1]) as alice,
            await join(server, "bob", wire[1]) as bob,
            raw(server, wire[1]) as flood,
        ):
            assert await alice.receive() == "* bob has come in"
            flood.write(b"flood\n" + b"".join(b"%d\n" % number for number in range(249)))
            for client in (alice, bob):
                assert await client.receive() == "* flood has come in"
            loop = asyncio.get_running_loop()
            began, heard, said = loop.time(), 0, 0
            while heard < 249:
                line = await alice.receive()
                if line == f"flood > {heard}":
                    heard += 1
                    if heard % 5 == 0:  # bob does not wait for it
                        await bob.send(f"bob's {said}")
                        said += 1
                else:
                    assert line.startswith("bob > ")
            # the first 50 lines, its name among them, came at once
            assert loop.time() - began > 200 / 400 * 0.9
            assert said == 49
            assert await bob.users() == ("alice", "bob", "flood")

    run(main())


def test_a_line_without_an_end_is_slowed_too(run: Run, wire: Wire) -> None:
    async def main() -> None:
        limits = Limits(rate=400, burst=10)
        async with (
            Server(port=0, context=wire[0], limits=limits) as server,
            await join(server, "alice", wire[1]) as alice,
            raw(server, wire[1]) as bob,
        ):
            loop = asyncio.get_running_loop()
            bob.write(b"bob\n")
            assert await alice.receive() == "* bob has come in"
            began = loop.time()
            bob.write(b"x" * 150 * 2 * MAX_LINE + b"\nstill here\n" + b"y" * MAX_LINE + b"\n")
            assert await alice.receive() == "bob > still here"
            assert loop.time() - began > (150 - 10) / 400 * 0.9
            assert await alice.receive() == "bob > " + "y" * MAX_LINE

    run(main())


@pytest.mark.parametrize("command", [b"", b"!quit\n"])
def test_who_says_more_than_the_rate_and_goes_is_heard_to_the_end(run: Run, wire: Wire, command: bytes) -> None:
    """Over TLS the goodbye may come in the same bytes as the last lines."""

    async def main() -> None:
        limits = Limits(rate=100, burst=5)
        async with (
            Server(port=0, context=wire[0], limits=limits) as server,
            await join(server, "alice", wire[1]) as alice,
            raw(server) as connection,
        ):
            words = b"bob\n" + b"".join(b"%d\n" % number for number in range(50)) + command
            if wire[1] is None:
                connection.write(words)
            else:
                hand = ByHand(connection, wire[1])
                await hand.shake_hands()
                with suppress(ssl.SSLWantReadError):
                    connection.write(hand.sealed(words))
                    hand.tls.unwrap()
                connection.write(hand.outgoing.read())
            if not command:
                connection.writer.write_eof()
            assert await alice.receive() == "* bob has come in"
            assert [await alice.receive() for _ in range(50)] == [f"bob > {number}" for number in range(50)]
            assert await alice.receive() == "* bob has left"

    run(main())


def test_a_forgotten_window_is_closed(run: Run, wire: Wire) -> None:
    async def main() -> None:
        async with (
            Server(port=0, context=wire[0], limits=Limits(rate=0, idle_timeout=0.5)) as server,
            await join(server, "alice", wire[1]) as alice,
            await join(server, "bob", wire[1]) as bob,
            raw(server, wire[1]) as forgotten,
        ):
            assert await alice.receive() == "* bob has come in"
            forgotten.write(b"forgotten\n")
            for client in (alice, bob):
                assert await client.receive() == "* forgotten has come in"
            forgotten.write(b"half a line is none")
            reading = forgotten.read_on()
            left = False
            while not left:
                await alice.send("are you there?")
                while (line := await bob.receive()) != "alice > are you there?":
                    assert line == "* forgotten has left"
                    left = True
                await bob.send("I am")
                while (line := await alice.receive()) != "bob > I am":
                    assert line == "* forgotten has left"
            said = (await reading).decode().splitlines()
            assert said[-1] == notices.line(notices.IDLE, minutes=0)
            assert await alice.users() == ("alice", "bob")

    run(main())


@pytest.mark.parametrize("kept", [0, 2])
def test_who_comes_later_reads_the_last_lines(run: Run, wire: Wire, kept: int) -> None:
    async def main() -> None:
        async with (
            Server(port=0, context=wire[0], limits=Limits(history=kept)) as server,
            await join(server, "alice", wire[1]) as alice,
        ):
            for text in ("one", "two", "three"):
                await alice.send(text)
            await alice.send("!msg alice not for the room")
            assert "your own name" in await alice.receive()
            async with await join(server, "bob", wire[1]) as bob:
                await alice.send("now")
                earlier = ["* earlier: alice > two", "* earlier: alice > three"] if kept else []
                assert [await bob.receive() for _ in range(kept + 1)] == [*earlier, "alice > now"]

    run(main())


@pytest.mark.parametrize("texts", [False, True])
def test_the_log_has_what_was_said_only_where_that_was_wanted(
    run: Run, wire: Wire, caplog: pytest.LogCaptureFixture, texts: bool
) -> None:
    async def main() -> None:
        async with (
            Server(port=0, context=wire[0], log_texts=texts) as server,
            await join(server, "alice", wire[1]) as alice,
            await join(server, "bob", wire[1]) as bob,
        ):
            await alice.send('she said "olé"\u202e')
            await alice.send("!msg bob between us")
            assert await bob.receive() == 'alice > she said "olé"\u202e'
            assert await bob.receive() == "alice to bob > between us"

    run(main())
    messages = [record.getMessage() for record in caplog.records if record.name == "chat.server"]
    assert all(message.isascii() and message.isprintable() for message in messages)
    said = [
        'event="said" member=1 name="alice" to="lobby" text="she said \\"ol\\u00e9\\"\\u202e"',
        'event="said" member=1 name="alice" to="bob" text="between us"',
    ]
    assert [message for message in messages if message.startswith('event="said"')] == (said if texts else [])
    if not texts:
        assert "ol" not in "".join(messages).replace('room="lobby"', "")
        assert "between" not in "".join(messages)


def test_what_was_said_before_the_end_arrives_before_it(run: Run, wire: Wire) -> None:
    async def main() -> None:
        async with AsyncExitStack() as stack:
            async with Server(port=0, context=wire[0], limits=Limits(close_timeout=0.2)) as server:
                alice = await join(server, "alice", wire[1])
                stack.push_async_callback(alice.leave)
                bob = await stack.enter_async_context(raw(server, wire[1]))
                nameless = await stack.enter_async_context(raw(server, wire[1]))
                bob.write(b"bob\n")
                assert await alice.receive() == "* bob has come in"
                for number in range(20):
                    await alice.send(str(number))
                await alice.users()  # the server has read them all
            said = (await bob.rest()).decode().splitlines()
            closing = notices.line(notices.SERVER_CLOSING)
            welcome = notices.line(notices.WELCOME, name="bob", count=2, names="alice, bob")
            assert said == [welcome, *(f"alice > {number}" for number in range(20)), closing]
            assert (await nameless.rest()).decode() == closing + "\n"

    run(main())


# --- certificates of clients


Mutual = tuple[ssl.SSLContext, ssl.SSLContext]


@pytest.fixture(params=[ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def asking(request: pytest.FixtureRequest, mutual: Mutual) -> Mutual:
    """Both sides, the client showing a certificate, in each version of TLS."""
    mutual[0].maximum_version = request.param
    return mutual


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "chat.server"]


def test_a_certificate_says_who_may_come_in_as_whom(
    run: Run, asking: Mutual, certificate: Path, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[bytes] = []

    def identify(shown: bytes) -> str:
        asked.append(shown)
        return "alice"

    async def main() -> None:
        async with Server(port=0, context=asking[0], identify=identify) as server:
            with pytest.raises(NicknameError) as caught:
                await join(server, "bob", asking[1])
            assert str(caught.value) == "Your certificate is for the name alice: come in under that one."
            async with raw(server, asking[1]) as careless:  # who may try again
                careless.write(b"bob\n")
                assert await careless.line() == f"* name refused: {caught.value}"
                careless.write(b"Alice\n")
                assert await careless.line() == "* welcome, alice. 1 here: alice"
                careless.write(b"!quit\n")
                await careless.rest()
            async with await join(server, "alice", asking[1]) as alice:
                assert "alice" in await alice.users()

    run(main())
    assert asked == [ssl.PEM_cert_to_DER_cert(public(certificate))] * 3
    assert 'event="identified" member=1 name="alice"' in logged(caplog)


def public(certificate: Path) -> str:
    """The certificate in a PEM file that has its key, too."""
    text = certificate.read_text()
    return text[text.index("-----BEGIN CERTIFICATE") :]


def test_who_shows_nothing_is_refused_in_the_handshake(
    run: Run, asking: Mutual, client_context: ssl.SSLContext, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with Server(port=0, context=asking[0], identify=lambda _: "alice") as server:
            with pytest.raises(ChatError) as caught:
                await join(server, "alice", client_context)
            assert isinstance(caught.value.__cause__, ssl.SSLError)
            said = str(caught.value)
            # TLS 1.2 has no alert of its own for it (RFC 5246, section 7.4.6)
            assert "lets in only who shows a certificate" in said or "SSLV3_ALERT_HANDSHAKE_FAILURE" in said

    run(main())
    assert 'event="handshake failed" member=1 why="PEER_DID_NOT_RETURN_A_CERTIFICATE"' in logged(caplog)


def test_a_stranger_is_refused_in_the_handshake(
    run: Run, asking: Mutual, client_context: ssl.SSLContext, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    client_context.load_cert_chain(make_certificate(tmp_path / "own.pem"))

    async def main() -> None:
        async with Server(port=0, context=asking[0], identify=lambda _: "alice") as server:
            # all of them hear why, however fast they speak
            for _ in range(5):
                with pytest.raises(ChatError, match="does not accept your certificate") as caught:
                    await join(server, "alice", client_context)
                assert isinstance(caught.value.__cause__, ssl.SSLError)

    run(main())
    [why] = {line.partition(" why=")[2] for line in logged(caplog) if "handshake failed" in line}
    assert why.startswith('"CERTIFICATE_VERIFY_FAILED: ')


@pytest.mark.parametrize("shows", ["a certificate without a name", "nothing", "nothing, in plaintext"])
def test_where_a_name_is_wanted_nobody_comes_in_without(
    run: Run,
    mutual: Mutual,
    server_context: ssl.SSLContext,
    client_context: ssl.SSLContext,
    caplog: pytest.LogCaptureFixture,
    shows: str,
) -> None:
    """Also where the context was not told to ask."""

    async def main() -> None:
        theirs, ours = {
            "a certificate without a name": mutual,
            "nothing": (server_context, client_context),
            "nothing, in plaintext": (None, None),
        }[shows]
        async with Server(port=0, context=theirs, identify=lambda _: None) as server:
            with pytest.raises(ChatError, match=f"does not let you in: {notices.CERTIFICATE_WANTED}"):
                await join(server, "alice", ours)
            async with raw(server, ours) as connection:
                connection.write(b"alice\nhello\n")
                assert (await connection.rest()).decode() == notices.line(notices.CERTIFICATE_WANTED) + "\n"
            assert server.rooms.names == ()

    run(main())
    assert 'event="refused" member=1 why="no certificate with a name"' in logged(caplog)
    assert not any("joined" in line for line in logged(caplog))


def test_who_comes_back_by_a_session_is_still_known(run: Run, asking: Mutual) -> None:
    """The certificate is not shown again then (RFC 8446, section 2.2): it is in the session, which the ticket holds."""
    asked: list[bytes] = []

    def identify(shown: bytes) -> str:
        asked.append(shown)
        return "alice"

    async def main() -> None:
        async with Server(port=0, context=asking[0], identify=identify) as server:
            session: ssl.SSLSession | None = None
            for resumed in (False, True):
                async with raw(server) as connection:
                    hand = ByHand(connection, asking[1])
                    if session is not None:
                        hand.tls.session = session
                    await hand.shake_hands()
                    connection.write(hand.sealed(b"bob\n"))
                    assert "Your certificate is for the name alice" in await hand.line()
                    assert hand.tls.session_reused is resumed
                    session = hand.tls.session

    run(main())
    assert len(asked) == 2
    assert asked[0] == asked[1]
