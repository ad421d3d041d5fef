import asyncio
import errno
import gc
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from chat import listening
from chat.errors import ChatError
from chat.listening import LOOPBACK, listen


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 loopback")


@contextmanager
def opened(*hosts: str, port: int = 0, receive_buffer: int | None = None) -> Iterator[list[socket.socket]]:
    sockets = asyncio.run(listen(hosts, port, receive_buffer))
    try:
        yield sockets
    finally:
        for each in sockets:
            each.close()


def refusal(hosts: Sequence[str], port: int = 0) -> str:
    with pytest.raises(ChatError) as caught:
        asyncio.run(listen(hosts, port, None))
    gc.collect()  # a socket left open warns when it is collected, and warnings are errors
    return str(caught.value)


def talk(to: socket.socket) -> None:
    """Connect to a listening socket and send a byte through."""
    host, port = to.getsockname()[:2]
    with socket.create_connection((host, port), timeout=10) as client:
        accepted, peer = to.accept()
        with accepted:
            assert peer[:2] == client.getsockname()[:2]
            client.sendall(b"x")
            accepted.settimeout(10)
            assert accepted.recv(1) == b"x"


def test_one_address() -> None:
    with opened("127.0.0.1") as [one]:
        assert one.getsockname()[0] == "127.0.0.1"
        assert one.getsockname()[1] != 0
        assert not one.getblocking()
        assert one.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)
        assert one.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        talk(one)


@needs_ipv6
def test_both_loopbacks_have_the_same_port() -> None:
    with opened(*LOOPBACK) as [four, six]:
        assert four.getsockname()[:2] == ("127.0.0.1", six.getsockname()[1])
        assert six.getsockname()[0] == "::1"
        assert six.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
        talk(four)
        talk(six)


@needs_ipv6
def test_all_addresses_of_both_families_have_the_same_port() -> None:
    """Were an IPv6 socket not for IPv6 alone, it would take the port of the other one."""
    with opened("0.0.0.0", "::") as [four, six]:  # noqa: S104
        assert four.getsockname()[1] == six.getsockname()[1]


def test_a_name_means_its_first_address() -> None:
    with opened("localhost") as [one]:
        assert one.getsockname()[0] in LOOPBACK


def test_a_port_that_is_asked_for() -> None:
    with opened("127.0.0.1") as [one]:
        port = one.getsockname()[1]
    with opened("127.0.0.1", port=port) as [again]:
        assert again.getsockname()[1] == port


def test_a_small_receive_buffer_is_inherited() -> None:
    with opened("127.0.0.1") as [usual], opened("127.0.0.1", receive_buffer=4096) as [small]:
        assert small.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) == 8192  # doubled, socket(7)
        assert usual.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) > 8192
        with socket.create_connection(small.getsockname(), timeout=10):
            accepted, _ = small.accept()
            with accepted:
                assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) == 8192


def test_a_port_in_use() -> None:
    with opened("127.0.0.1") as [one]:
        port = one.getsockname()[1]
        assert refusal(["127.0.0.1"], port) == (
            f"Port {port} on 127.0.0.1 is in use: stop the program that has it, or choose another port."
        )


def test_an_address_of_another_machine() -> None:
    why = "192.0.2.1 is not an address of this machine: listen on 127.0.0.1, or on one that is."
    assert refusal(["192.0.2.1"]) == why  # RFC 5737: nobody's
    assert refusal(["127.0.0.1", "192.0.2.1"]) == why
    assert refusal(["192.0.2.1", "127.0.0.1"]) == why


@pytest.mark.parametrize("number", [errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT])
def test_without_ipv6_its_loopback_is_left_out(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    really = listening._open

    async def open_(host: str, port: int, receive_buffer: int | None) -> socket.socket:
        if ":" in host:
            raise OSError(number, os.strerror(number))
        return await really(host, port, receive_buffer)

    monkeypatch.setattr(listening, "_open", open_)
    for hosts in (LOOPBACK, tuple(reversed(LOOPBACK))):
        with opened(*hosts) as [one]:
            assert one.getsockname()[0] == "127.0.0.1"
            talk(one)
    assert refusal(["::1"]) == "::1 is not an address of this machine: listen on 127.0.0.1, or on one that is."


@pytest.mark.parametrize("host", ["no.such.host.invalid", "a..b", "a\0b", "\ud800"])
def test_no_such_host(host: str) -> None:
    assert refusal([host]) == (
        f"The host {host!a} cannot be found: listen on 127.0.0.1, or on an address of this machine."
    )
    refusal(["127.0.0.1", host])  # a typing error among several is not left out


@pytest.mark.parametrize("port", [-1, 65536, 70000])
def test_no_such_port(port: int) -> None:
    assert (
        refusal(["127.0.0.1"], port)
        == f"There is no port {port}: choose one from 0 to 65535, where 0 picks a free one."
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may open any port")
def test_a_port_for_root_only() -> None:
    assert refusal(["127.0.0.1"], 1) == "Port 1 may not be opened by this user: choose one from 1024 upwards."


@pytest.mark.parametrize(
    ("number", "why"),
    [
        (errno.EACCES, "Port 7 may not be opened by this user: choose one from 1024 upwards."),
        (errno.EMFILE, "Port 7 on 127.0.0.1 cannot be opened (Too many open files): choose another address."),
    ],
)
def test_what_the_system_says_is_said_plainly(number: int, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def bind(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(socket.socket, "bind", bind)
    assert refusal(["127.0.0.1"], 7) == why


@contextmanager
def second_taken(monkeypatch: pytest.MonkeyPatch, times: int) -> Iterator[list[int]]:
    """Let the port that the first host has be in use on the second one, so many times."""
    wanted: list[int] = []
    really = listening._open

    async def open_(host: str, port: int, receive_buffer: int | None) -> socket.socket:
        if port:
            wanted.append(port)
            if len(wanted) <= times:
                raise OSError(errno.EADDRINUSE, "in use")
        return await really(host, 0, receive_buffer)

    with monkeypatch.context() as patched:
        patched.setattr(listening, "_open", open_)
        yield wanted


def test_a_port_that_is_free_on_the_first_host_alone_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    with second_taken(monkeypatch, 3) as wanted, opened("127.0.0.1", "127.0.0.1") as sockets:
        assert len(wanted) == 4
        assert len(sockets) == 2
    gc.collect()


def test_and_in_the_end_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with second_taken(monkeypatch, 1000) as wanted:
        assert "is in use" in refusal(["127.0.0.1", "127.0.0.1"])
        assert len(wanted) == 20
