"""`lab gui`: the chat in a window."""

from typing import Annotated

import typer

from certs.contexts import client_context, unverified_client_context
from certs.store import open_store
from chat.model import Login
from chat.security import Lock
from chat.words import preferred
from lab import bootstrap
from lab.cli_options import CERTIFICATES, PLAIN_PORT, TLS_PORT, Ca, Certificate, Certs, Host, Key, Lang, Port
from lab.errors import LabError
from lab.identity import shown

_PORTS = {Lock.READABLE: PLAIN_PORT, Lock.VERIFIED: TLS_PORT, Lock.UNVERIFIED: TLS_PORT}


def gui(
    name: Annotated[str, typer.Argument(help="Your name in the chat; it can be changed in the window.")] = "",
    tls: Annotated[bool, typer.Option("--tls", help="Begin with TLS chosen, as with --certificate.")] = False,
    host: Host = "localhost",
    port: Port = None,
    lang: Lang = None,
    ca: Ca = None,
    certificate: Certificate = None,
    key: Key = None,
    certificates: Certs = CERTIFICATES,
) -> None:
    """Chat in a window."""
    try:
        from chat.window import run  # noqa: PLC0415  (not every Python has tkinter, and only this command needs it)
    except ModuleNotFoundError as error:
        if error.name not in ("tkinter", "_tkinter"):
            raise
        command = bootstrap.install_command(["tkinter"], bootstrap.package_manager() or "apt-get")
        msg = (
            f"This Python has no tkinter, which draws windows: `{command}`, or chat in the terminal with `make client`."
        )
        raise LabError(msg) from error
    own = shown(certificate, key)
    files = own.files if own is not None else None
    contexts = {
        Lock.VERIFIED: client_context(ca or open_store(certificates).ca_certificate, own=files),
        Lock.UNVERIFIED: unverified_client_context(own=files),
    }
    lock = Lock.VERIFIED if tls or own is not None else Lock.READABLE
    name = name or (own.name if own is not None else "")
    run(contexts, login=Login(name, host, port or _PORTS[lock], lock), ports=_PORTS, language=lang or preferred())
