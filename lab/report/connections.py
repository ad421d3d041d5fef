"""The connections of the page, as anybody on the way can tell of them: who, to whom, and how. Pure."""

from typing import Any

from chat.escape import visible
from lab.overhear import names
from lab.report.wire import Wire
from lab.visible import look


def connections(wire: Wire) -> list[dict[str, Any]]:
    """Return the connections; `who` only where the name crossed in the clear."""
    found = []
    for talk in wire.talks:
        client, server = talk.streams
        seen = look(talk.session.client, talk.session.server) if talk.tls is not None else None
        who = names(talk.streams).get(talk.number) if seen is None else None
        found.append(
            {
                "conn": talk.number,
                "client": str(client.source),
                "server": str(server.source),
                "tls": seen is not None,
                "version": seen.version if seen is not None else None,
                "suite": seen.cipher_suite if seen is not None else None,
                "server_name": visible(seen.server_name) if seen is not None and seen.server_name else None,
                "who": visible(who) if who is not None else None,
            }
        )
    return found
