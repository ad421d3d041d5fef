"""`lab server`: the chat server, in plaintext and over TLS at once."""

import asyncio
import logging
import os
import signal
import ssl
import sys
from contextlib import AsyncExitStack
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from capture.keylog import check_keylog
from certs.contexts import server_context
from certs.errors import CertsError
from certs.store import Store, open_store
from chat import loop
from chat.limits import DEFAULT, Limits
from chat.lines import MAX_LINE, MAX_SERVER_LINE
from chat.listening import LOOPBACK
from chat.log import log
from chat.names import MAX_NICKNAME
from chat.server import Server
from lab import shell
from lab.cli_options import CERTIFICATES, PLAIN_PORT, TLS_PORT, Certs, PlainPort, TlsPort
from lab.errors import LabError
from lab.identity import identify

# The welcome names everybody, each with ", " and up to four bytes a character, in one line that clients still take.
_MOST = MAX_SERVER_LINE // (4 * MAX_NICKNAME + 2) - 1


def server(
    plain_port: PlainPort = PLAIN_PORT,
    tls_port: TlsPort = TLS_PORT,
    bind: Annotated[
        str | None, typer.Option(help="An IP address of this machine, so that others can join. [default: nobody else]")
    ] = None,
    keylog: Annotated[
        Path | None, typer.Option(help="Write the keys of the TLS chat to this file, to open it later.")
    ] = None,
    certificates: Certs = CERTIFICATES,
    client_certificates: Annotated[
        bool,
        typer.Option(
            "--client-certificates",
            help="Over TLS, let in only who shows a certificate from this lab's CA, and only under the name in it.",
        ),
    ] = False,
    max_clients: Annotated[
        int, typer.Option(min=1, max=_MOST, help="People at a time, in each of the two chats: a large class.")
    ] = DEFAULT.max_clients,
    per_address: Annotated[
        int, typer.Option(min=1, help="Connections from one address: half of the house.")
    ] = DEFAULT.per_address,
    max_line: Annotated[
        int, typer.Option(min=16, max=MAX_LINE, help="Bytes in a line: what a terminal hands over in one piece.")
    ] = DEFAULT.max_line,
    rate: Annotated[
        float, typer.Option(min=0, help="Lines a second from one person, 0 for no limit: more than anybody types.")
    ] = DEFAULT.rate,
    burst: Annotated[int, typer.Option(min=1, help="Lines at once from one person: a pasted page.")] = DEFAULT.burst,
    history: Annotated[
        int, typer.Option(min=0, help="Lines that those who come later still read: a screen.")
    ] = DEFAULT.history,
    idle: Annotated[
        float,
        typer.Option(min=0, help="Minutes of silence before a connection is closed, 0 for never: two lessons."),
    ] = DEFAULT.idle_timeout / 60,
    handshake: Annotated[
        float, typer.Option(min=0.1, help="Seconds for the TLS handshake, which takes milliseconds.")
    ] = DEFAULT.handshake_timeout,
    log_texts: Annotated[bool, typer.Option("--log-texts", help="Write into the log what people say, too.")] = False,
) -> None:
    """Run the chat server, in plaintext and over TLS."""
    hosts, others = _hosts(bind)
    if keylog is not None:
        check_keylog(keylog)  # before anything is added to it
    store = open_store(certificates, addresses=others)

    def secured(by: Store) -> ssl.SSLContext:
        client_ca = by.ca_certificate if client_certificates else None
        return server_context(by.server_certificate, by.server_key, keylog=keylog, client_ca=client_ca)

    secure = secured(store)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(message)s")
    limits = Limits(
        max_line=max_line,
        max_clients=max_clients,
        per_address=per_address,
        rate=rate,
        burst=burst,
        history=history,
        idle_timeout=idle * 60,
        handshake_timeout=handshake,
    )

    async def serve() -> None:
        stopped = asyncio.Event()
        events = asyncio.get_running_loop()
        # SIGHUP too: a terminal that is closed must not leave a server behind
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            events.add_signal_handler(number, stopped.set)
        async with AsyncExitStack() as stack:
            plain = await stack.enter_async_context(
                Server(hosts=hosts, port=plain_port, limits=limits, log_texts=log_texts)
            )
            tls = await stack.enter_async_context(
                Server(
                    hosts=hosts,
                    port=tls_port,
                    context=secure,
                    limits=limits,
                    log_texts=log_texts,
                    identify=identify if client_certificates else None,
                )
            )

            def reload() -> None:
                try:
                    renewed = open_store(certificates, addresses=others)
                    tls.context = secured(renewed)
                    log("certificates reloaded", certificate=str(renewed.server_certificate))
                except CertsError as error:  # those in use are as good as they were
                    log("certificates not reloaded", why=str(error))

            events.add_signal_handler(signal.SIGUSR1, reload)
            _say(f"Plaintext: nc 127.0.0.1 {plain.address[1]}")
            clients = certificates / "clients" / "NAME" if client_certificates else None
            _say(f"TLS:       {shell.s_client(store.ca_certificate, tls.address[1], clients)}")
            if client_certificates:
                _say("           NAME is who you are: `python -m lab certs --client NAME` makes the two files.")
            _say(f"Watch:     {shell.watch(plain.address[1], tls.address[1], keylog)}")
            _say(f"Reload:    kill -USR1 {os.getpid()} reads the certificates again; nobody is dropped.")
            if log_texts:
                _say("LOG: everything that is said, to one person only and over TLS too, is written to this log.")
            if bind is not None:
                _say(_warning(bind, plain.address[1], tls.address[1], store.ca_certificate, bound=client_certificates))
            _say("The first line you send is your name; !help says what else there is, !quit leaves.")
            _say("Two chats: what is said over TLS is not repeated in plaintext. Ctrl-C stops both.")
            await stopped.wait()

    loop.run(serve())


def _hosts(bind: str | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what to listen on, and which addresses the certificate must be for beside loopback."""
    if bind is None:
        return LOOPBACK, ()
    try:
        address = ip_address(bind)
    except ValueError:
        msg = f"{bind} is not an IP address: give one of this machine, as `ip address` lists them."
        raise LabError(msg) from None
    if address.is_unspecified:  # all of them; which those are is not said, and no certificate can name them
        return (bind,), ()
    return tuple(dict.fromkeys((*LOOPBACK, bind))), () if address.is_loopback else (bind,)


def _warning(bind: str, plain_port: int, tls_port: int, ca: Path, *, bound: bool) -> str:
    if ip_address(bind).is_loopback:
        return f"{bind} is loopback: still nobody but this machine can join, and the certificate does not name it."
    own = " --certificate NAME.pem" if bound else ""
    verified = (
        "The certificate names localhost only: give --bind the address itself, and TLS can be verified from there."
        if ip_address(bind).is_unspecified
        else f"There: nc {bind} {plain_port}, or, with {ca} taken along, which holds no secret: "
        f'make client-tls ARGS="--host {bind} --port {tls_port} --ca {ca.name}{own}".'
    )
    over_tls = ", over TLS only under the name in their certificate" if bound else ""
    return (
        f"WARNING: with --bind {bind} everybody who reaches this machine can come in, under any name that is free"
        f"{over_tls}. "
        f"What is said on port {plain_port} can be read by everybody on the way, and no longer on this machine only. "
        f"Tell those who join. {verified}"
    )


def _say(text: str) -> None:
    Console(highlight=False).print(Text(text), soft_wrap=True)
