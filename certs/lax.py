"""TLS contexts of clients with one mistake each, to show what it costs. Nobody is to use them for anything else.

Knows the `ssl` module and `certs.contexts`, where the client stands that verifies nothing at all. Contract: each is the
verifying client of `certs.contexts` with exactly one thing changed, which its name says.
"""

import ssl
from pathlib import Path

from certs.contexts import client_context, trust


def nameless_client_context(ca: Path) -> ssl.SSLContext:
    """Make the context of a client that takes a certificate from `ca` for the server's, whoever it was made for.

    Raises:
        CertsError: the file cannot be used.
    """
    context = client_context(ca)
    context.check_hostname = False
    return context


def credulous_client_context(ca: Path, rogue: Path) -> ssl.SSLContext:
    """Make the context of a client that trusts, beside `ca`, a CA that was foisted on it.

    Args:
        ca: the CA of its server.
        rogue: the other one: somebody clicked "trust", or a program was installed that reads along.

    Raises:
        CertsError: a file cannot be used.
    """
    context = client_context(ca)
    trust(context, rogue)
    return context
