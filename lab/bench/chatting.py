"""The chat server beside others: how much it delivers, and how late, in plaintext and over TLS.

Every round has a server and a load of its own (`lab.bench.chat_load` says which load), each a process. What is compared
is what clients got, so all that a server does for it counts: ngIRCd puts the sender's host before each message, our
server reads every line as UTF-8 and knows who is in which room, the two that pass bytes on do nothing of the kind.
"""

import json
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from operator import attrgetter
from pathlib import Path

from capture.tools import find
from certs.store import Store, open_store
from lab.bench.chat_load import Run
from lab.bench.figures import Results, Row, Size, Target, in_turn
from lab.bench.programs import python, running
from lab.bootstrap import install_command, package_manager
from lab.errors import LabError

OURS, NGIRCD = "our server", "ngIRCd"
# the program, and the dialect in which the load speaks to it
SERVERS: Mapping[str, tuple[Sequence[str], str]] = {
    OURS: (python("-m", "lab.bench.chat_server", "fastest"), "chat"),
    NGIRCD: (python("-m", "lab.bench.chat_peers", "ngircd"), "irc"),
    "our server on asyncio's loop": (python("-m", "lab.bench.chat_server", "asyncio"), "chat"),
    "a thread for each client": (python("-m", "lab.bench.chat_peers", "threads"), "raw"),
    "bytes passed on by uvloop": (python("-m", "lab.bench.chat_peers", "raw"), "raw"),
}
# of our throughput to ngIRCd's, by the number of clients, in plaintext and over TLS
_RATIOS: Mapping[int, tuple[float, float]] = {50: (2, 3), 200: (2, 2), 500: (1, 2.5)}


def once(name: str, clients: int, deliveries: int, store: Store | None) -> Run:
    """Measure a server once, over TLS where there are certificates.

    Raises:
        LabError: it is not installed, cannot serve, or does not deliver as it should.
    """
    if name == NGIRCD and find("ngircd") is None:
        raise LabError(missing())
    command, dialect = SERVERS[name]
    files = () if store is None else (str(store.server_certificate), str(store.server_key))
    trusted = () if store is None else (str(store.ca_certificate),)
    with running(name, [*command, *files]) as server:
        asked = ("-m", "lab.bench.chat_load", server.line(), dialect, str(clients), str(deliveries), *trusted)
        with running(f"the load on {name}", python(*asked)) as load:
            return Run(**json.loads(load.line()))


def missing() -> str:
    """Say how to get ngIRCd. It is left to the user: Debian's package starts it as a service for everybody."""
    manager = package_manager()
    if manager is None:
        return "not installed."
    command = f"not installed: `{install_command(['ngircd'], manager)}` installs it"
    if manager == "apt-get":
        return f"{command} and starts it as a service, which `sudo systemctl disable --now ngircd` stops."
    return f"{command}."


def chat(size: Size) -> list[Row]:
    """Return the rows of the chat server."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="lab-bench-") as folder:
        certificates = open_store(Path(folder))
        for store in (None, certificates):
            for clients in size.rooms:
                contenders = {name: partial(once, name, clients, size.deliveries, store) for name in SERVERS}
                rows += chat_rows(in_turn(contenders, size.rounds), clients, tls=store is not None)
    return rows


def chat_rows(results: Results[Run], clients: int, *, tls: bool) -> list[Row]:
    """Return the rows of what was measured."""
    where = f"chat {'over TLS' if tls else 'in plaintext'}, {clients} in the room"

    def row(what: str, figure: str, target: Target | None) -> Row:
        ours, *others = (results.side(name, attrgetter(figure)) for name in SERVERS)
        return Row(f"{where}, {what}", ours, tuple(others), target)

    return [
        row("deliveries/s", "rate", Target("ratio", "≥", _RATIOS[clients][tls])),
        row("said to read, p50, ms", "p50_ms", None),
        row("said to read, p99, ms", "p99_ms", Target("ratio", "≤", 1)),
    ]
