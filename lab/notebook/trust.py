"""What notebook 6 shows of the one in the middle: rows of the verdict of the scenario `mitm`.

Decides nothing; `ask` lets a client of the reader's own look at the same kinds of certificates. Must not know sockets
or captures.
"""

import ssl
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from certs.contexts import server_context
from chat.wire import Tls, shake_hands
from lab.folder import RunFolder
from lab.notebook.claims import where
from lab.scenarios.mitm.cast import Shown, Who, make_cast
from lab.scenarios.mitm.run import TLS_1_3

Cell = Mapping[str, Any]


def meeting(verdict: Mapping[str, Any], client: str, certificate: str) -> Cell:
    """Return what verdict.json has of one client before one certificate, over TLS 1.3.

    Args:
        verdict: what verdict.json holds.
        client: a value of `Who`.
        certificate: a value of `Shown`.
    """
    wanted = {"version": TLS_1_3, "client": client, "certificate": certificate}
    found: Cell = next(cell for cell in verdict["cells"] if wanted.items() <= cell.items())
    return found


def grid(verdict: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Return a row for each certificate, with what each client made of it, in the order of `Who`."""
    return [(shown, *(_outcome(meeting(verdict, who, shown)) for who in Who)) for shown in Shown]


def _outcome(cell: Cell) -> str:
    if cell["refused_by"] is None:
        return f"accepts; {len(cell['read'])} read"
    return f"✘ {cell['refused_by']}"


def overheard(cell: Cell) -> list[tuple[str, str, str, str]]:
    """Return for each message what the client sent, where that stands, what the server got, and where that stands.

    The first is what the attacker's keys open between client and relay, the second what the server's keys open between
    relay and server.
    """
    return [
        (sent["text"], where(sent["spans"]), got["text"], where(got["spans"]))
        for sent, got in zip(cell["read"], cell["arrived"], strict=True)
    ]


def refusals(verdict: Mapping[str, Any], client: str) -> list[tuple[str, str, str, str]]:
    """Return for each certificate that a client refused: why, by its own account; its alert, and where that stands."""
    rows = []
    for shown in Shown:
        cell = meeting(verdict, client, shown)
        if cell["refused_by"] is not None and (alert := cell["alert"]) is not None:
            code = f"{cell['verify_code']}: " if cell["verify_code"] is not None else ""
            how = "encrypted" if alert["encrypted"] else "in the clear"
            said = f"{alert['name']} ({alert['description']}), {how}"
            rows.append((str(shown), f"{code}{cell['verify_message']}".rstrip("."), said, where(alert["spans"])))
    return rows


def frames(cell: Cell) -> list[int]:
    """Return the frames that show what became of a connection: those with the words, or with the alert."""
    alert = [cell["alert"]] if cell["refused_by"] is not None and cell["alert"] is not None else []
    return sorted({span["frame"] for part in (*cell["read"], *cell["arrived"], *alert) for span in part["spans"]})


def fooled(verdict: Mapping[str, Any]) -> dict[str, int]:
    """Return how many false certificates each client accepts: all but the genuine one are false."""
    false = [shown for shown in Shown if shown is not Shown.GENUINE]
    return {str(who): sum(meeting(verdict, who, shown)["refused_by"] is None for shown in false) for who in Who}


def ask(make: Callable[[Path], ssl.SSLContext]) -> list[tuple[str, str]]:
    """Let a client of your own look at eight certificates like those of the scenario, and say what it makes of each.

    The certificates are new. The handshakes are real, but client and server are joined in memory: nothing goes over a
    network.

    Args:
        make: makes the client's context; it is handed the file with the certificate of the CA.

    Raises:
        CertsError, OSError: as `make` raises them.
    """
    with tempfile.TemporaryDirectory() as folder:
        cast = make_cast(RunFolder(Path(folder)), datetime.now(UTC).replace(microsecond=0))
        context = make(cast.ca)
        return [(str(shown), _answer(context, server_context(file, file))) for shown, file in cast.shown.items()]


def _answer(context: ssl.SSLContext, server: ssl.SSLContext) -> str:
    near, far = Tls(context, server_hostname="localhost"), Tls(server, server_side=True)
    shake_hands(near, far)
    if near.failure is None:
        return "accepts"
    why = near.failure
    return f"✘ {why.verify_message.rstrip('.') if isinstance(why, ssl.SSLCertVerificationError) else why.reason}"
