"""Opens the sockets that a server listens on. Knows addresses and their errors; must not know what is said there."""

import asyncio
import errno
import os
import socket
from collections.abc import Sequence

from chat.errors import ChatError

LOOPBACK = ("127.0.0.1", "::1")
_BACKLOG = 1024  # connections that the kernel completes before we accept them; a burst of a class is smaller
_NO_SUCH_ADDRESS = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
_TRIES = 20


async def listen(hosts: Sequence[str], port: int, receive_buffer: int | None) -> list[socket.socket]:
    """Listen on all hosts, on the same port.

    Beside others the loopback of IPv6 is left out where this machine has none.

    Args:
        hosts: addresses, or names, of which each means its first address.
        port: the TCP port, 0 for one that is free on all of them.
        receive_buffer: SO_RCVBUF in bytes of each connection, None for the system's own.

    Raises:
        ChatError: there is no such host or port, or it is in use, or this user may not.
    """
    if not 0 <= port <= 65535:  # getaddrinfo would take what is left of it in 16 bits
        raise ChatError(f"There is no port {port}: choose one from 0 to 65535, where 0 picks a free one.")
    for left in reversed(range(_TRIES)):
        try:
            return await _listen(hosts, port, receive_buffer)
        except ChatError as error:
            # the port that was free on the first host is not on the next
            taken = isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.EADDRINUSE
            if port or not taken or not left:
                raise
    raise AssertionError


async def _listen(hosts: Sequence[str], port: int, receive_buffer: int | None) -> list[socket.socket]:
    opened: list[socket.socket] = []
    try:
        for host in hosts:
            try:
                opened.append(await _open(host, opened[0].getsockname()[1] if opened else port, receive_buffer))
            except UnicodeError as error:  # from getaddrinfo, for what cannot be a name in DNS
                raise ChatError(_no_such_host(host)) from error
            except OSError as error:
                if error.errno in _NO_SUCH_ADDRESS and host == LOOPBACK[1] and len(hosts) > 1:
                    continue
                raise ChatError(_why_not(host, port, error)) from error
    except BaseException:
        for listening in opened:
            listening.close()
        raise
    return opened


async def _open(host: str, port: int, receive_buffer: int | None) -> socket.socket:
    found = await asyncio.get_running_loop().getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE | socket.AI_NUMERICSERV
    )
    family, kind, protocol, _, where = found[0]
    listening = socket.socket(family, kind, protocol)
    try:
        # A server that was killed leaves connections in TIME_WAIT, which would hold the port for a minute (tcp(7)).
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)  # inherited by what is accepted
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if receive_buffer is not None:
            # Before listen: it is inherited, and it decides the window that the handshake offers (tcp(7)).
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        listening.setblocking(False)
        listening.bind(where)
        listening.listen(_BACKLOG)
    except BaseException:
        listening.close()
        raise
    return listening


def _no_such_host(host: str) -> str:
    return f"The host {host!a} cannot be found: listen on 127.0.0.1, or on an address of this machine."


def _why_not(host: str, port: int, error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return _no_such_host(host)
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is in use: stop the program that has it, or choose another port."
    if error.errno == errno.EACCES:
        return f"Port {port} may not be opened by this user: choose one from 1024 upwards."
    if error.errno in _NO_SUCH_ADDRESS:
        return f"{host} is not an address of this machine: listen on 127.0.0.1, or on one that is."
    return f"Port {port} on {host} cannot be opened ({os.strerror(error.errno or 0)}): choose another address."
