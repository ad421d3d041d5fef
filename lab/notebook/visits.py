"""Lets a chat client visit a server that shows a certificate, and tells whether it went in. All of it on loopback.

Knows the lab's own server and client, and that a kernel has an event loop already. Must not know which certificates
are right: that is what the client says.
"""

import ssl
import tempfile
from collections.abc import Sequence
from pathlib import Path

from certs.authority import Identity
from certs.contexts import server_context
from chat.errors import ChatError
from lab.notebook.aside import aside
from lab.record import connector, loopback_server


def visit(chain: Sequence[Identity], client: ssl.SSLContext) -> str | None:
    """Run the chat's server with a certificate, let a client that asks for localhost try to come in, and end both.

    Args:
        chain: the server's own certificate and, behind it, what it sends along.
        client: the client's side of TLS.

    Returns:
        Why the client refused, in OpenSSL's words; None where it went in.

    Raises:
        ChatError: it did not come in for another reason.
    """
    with tempfile.TemporaryDirectory() as folder:  # only its owner may enter it
        shown = Path(folder, "shown.pem")
        shown.write_bytes(b"".join(each.certificate_pem for each in chain) + chain[0].key_pem)
        return aside(_visit(shown, client))


async def _visit(shown: Path, context: ssl.SSLContext) -> str | None:
    async with loopback_server(server_context(shown, shown)) as server:
        try:
            client = await connector(server.address[1], context)("alice")
        except ChatError as error:
            if isinstance(error.__cause__, ssl.SSLCertVerificationError):
                return error.__cause__.verify_message
            raise
        await client.close()
    return None
