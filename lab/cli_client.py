"""`lab client`: the chat in the terminal."""

import asyncio
import ssl
from typing import Annotated

import typer

from certs.contexts import client_context, explain, unverified_client_context
from certs.store import open_store
from chat.errors import ChatError
from chat.model import Login
from chat.security import Lock
from chat.words import Words, preferred
from lab.cli_options import CERTIFICATES, PLAIN_PORT, TLS_PORT, Ca, Certificate, Certs, Host, Key, Lang, Port
from lab.identity import shown


def client(
    name: Annotated[str, typer.Argument(help="Your name in the chat. [default: your certificate's, or it asks]")] = "",
    tls: Annotated[bool, typer.Option("--tls", help="Connect over TLS, as with --certificate.")] = False,
    unverified: Annotated[
        bool, typer.Option("--unverified", help="Over TLS, with any certificate from anybody: see what it costs.")
    ] = False,
    host: Host = "localhost",
    port: Port = None,
    lang: Lang = None,
    ca: Ca = None,
    certificate: Certificate = None,
    key: Key = None,
    certificates: Certs = CERTIFICATES,
) -> None:
    """Chat from the terminal."""
    from chat.terminal import run  # noqa: PLC0415  (prompt_toolkit is slow to import, and only this command needs it)

    lock, contexts = Lock.READABLE, {}
    own = shown(certificate, key)
    files = own.files if own is not None else None
    if unverified:
        lock, contexts = Lock.UNVERIFIED, {Lock.UNVERIFIED: unverified_client_context(own=files)}
    elif tls or own is not None:
        trusted = ca or open_store(certificates).ca_certificate
        lock, contexts = Lock.VERIFIED, {Lock.VERIFIED: client_context(trusted, own=files)}
    name = name or (own.name if own is not None else "")
    login = Login(name, host, port or (PLAIN_PORT if lock is Lock.READABLE else TLS_PORT), lock)
    if status := asyncio.run(run(login, contexts, words=Words(lang or preferred()), explain=_explain)):
        raise typer.Exit(status)


def _explain(error: ChatError) -> str:
    """Say what ended the chat: the chat cannot know what certificates are for, and `certs` can."""
    cause = error.__cause__
    return explain(cause) if isinstance(cause, ssl.SSLError) else str(error)
