"""Hostile connections and capture files, through everything that the lab reads them with."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

from capture.alert import alerts
from capture.decrypt import open_connection, sealed_stream
from capture.errors import CaptureError
from capture.export import record_rows
from capture.handshake import read_handshake
from capture.hello import server_hello
from capture.pcapng import blocks, decryption_secrets
from capture.protection import Protection, protection
from capture.registry import CIPHER_SUITES
from capture.streams import reassemble
from capture.tls import RecordLayer
from lab.reading import read_capture
from lab.sessions import Session, sessions
from lab.visible import look
from tests.capture.hostile import inputs, reference
from tests.capture.hostile.holding import agree, outcome, second
from tests.capture.hostile.reference import BadError
from tests.capture.hostile.samples import Sample, captures, samples, segments_of, turns_of

_ENCRYPTS = {number for number, name in CIPHER_SUITES.items() if "_WITH_NULL_" not in name}
_ECDHE = ("TLS_ECDHE_ECDSA_WITH_", "TLS_ECDHE_RSA_WITH_", "TLS_ECDH_anon_WITH_")


def connections(random: Random) -> str:
    """Both sides of a connection, through everything that reads one."""
    sample = random.choice(samples())
    turns, intact = turns_of(random, sample)
    (session,) = sessions(reassemble(segments_of(turns)), sample.keys)
    ours, theirs = session.client, session.server
    for layer in (ours, theirs):
        start = layer.records[0].start if layer.records else layer.start
        records, end, at = reference.records(layer.stream.data[start:])
        agree([(r.content_type, r.version, r.fragment) for r in layer.records], [tuple(r) for r in records], "records")
        agree((layer.end, layer.at), (end, start + at), "how the records end")
        list(record_rows(layer))
    if intact:
        raw = [record.header + record.fragment for layer in (ours, theirs) for record in layer.records]
        agree(raw, list(sample.records), "the records of a connection that nobody changed")
    elif ours.start:
        hello = reference.first_hello(reference.records(ours.stream.data[ours.start :])[0], 1, reference.client_hello)
        agree(hello is None, False, "a ClientHello where TLS begins late")
    check_states(session)
    check_opened(session, sample)
    return _named(session)


def _named(session: Session) -> str:
    if not session.is_tls:
        return "no TLS"
    if session.opened is not None:
        return "opened"
    return "closed" if not session.problems else "closed, with problems"


def plain_of(layer: RecordLayer) -> list[reference.Record]:
    return [reference.Record(r.content_type, r.version, r.fragment) for r in layer.records]


def check_states(session: Session) -> None:
    client, server = plain_of(session.client), plain_of(session.server)
    wanted = [reference.states(mine, client, server, _ENCRYPTS.__contains__) for mine in (client, server)]
    found = protection(session.client, session.server)
    agree([list(states) for states in found], wanted, "what is encrypted")
    said = []
    for layer, states in zip((client, server), wanted, strict=True):
        clear = [r.fragment if r.kind == 22 and s == "clear" else None for r, s in zip(layer, states, strict=True)]
        said.append(reference.unbroken(clear))
    same_handshake(session, *said)
    same_alerts(session.client, found[0], client)
    same_alerts(session.server, found[1], server)
    seen = look(session.client, session.server)
    hello = reference.first_hello(client, 1, reference.client_hello)
    agree(seen.server_name, hello["server_name"] if hello else None, "the name asked for")
    outcome(lambda: sealed_stream(session.server, server_hello(session.server)))


def same_alerts(layer: RecordLayer, states: tuple[Protection, ...], plain: list[reference.Record]) -> None:
    pairs = [(record, state) for record, state in zip(plain, states, strict=True) if record.kind == 21]
    clear = [record.fragment for record, state in pairs if state == "clear"]
    wanted = second(lambda: [alert for fragment in clear for alert in reference.alerts(fragment)])
    ours = outcome(lambda: alerts(layer, states))
    if ours is not BadError:
        agree(sum(not alert.fields for alert in ours), len(pairs) - len(clear), "alerts that are not in the clear")
        ours = [(alert.level, alert.description) for alert in ours if alert.fields]
    agree(ours, wanted, "alerts")


def same_handshake(session: Session, asked: list[tuple[int, bytes]], answered: list[tuple[int, bytes]]) -> None:
    """Hold the whole handshake against the messages that are in the clear."""

    def right() -> dict[str, Any]:
        hellos = [reference.client_hello(body) for kind, body in asked if kind == 1]
        answers = [reference.server_hello(body) for kind, body in answered if kind == 2]
        ecdhe = [a for a in answers if CIPHER_SUITES.get(a["cipher_suite"], "").startswith(_ECDHE)]

        def first(of: list[tuple[int, bytes]], wanted: int, read: Callable[[bytes], Any]) -> Any:
            return next((read(body) for kind, body in of if kind == wanted), None)

        def exchange(body: bytes) -> Any:
            signed = "_anon_" not in CIPHER_SUITES[ecdhe[-1]["cipher_suite"]]
            return reference.server_key_exchange(body, signed=signed, named=ecdhe[-1]["version"] == 0x0303)

        return {
            "client_hellos": hellos,
            "server_hellos": answers,
            "server_certificate": first(answered, 11, reference.certificate),
            "client_certificate": first(asked, 11, reference.certificate),
            "server_key_exchange": first(answered, 12, exchange) if ecdhe else None,
            "new_session_ticket": first(answered, 4, reference.new_session_ticket),
        }

    wanted = second(right)
    ours = outcome(lambda: read_handshake(session.client, session.server))
    if ours is BadError or wanted is BadError:
        agree(ours, wanted, "the handshake")
        return
    for name, value in wanted.items():
        parts = value if isinstance(value, list) else [value]
        mine = getattr(ours, name)
        agree([_as_said(part, like) for part, like in zip(_listed(mine), parts, strict=True)], parts, name)


def _listed(value: Any) -> Sequence[Any]:
    return value if isinstance(value, tuple) else (value,)


def _as_said(ours: Any, like: dict[str, Any] | None) -> dict[str, Any] | None:
    return None if ours is None or like is None else {name: getattr(ours, name) for name in like}


def check_opened(session: Session, sample: Sample) -> None:
    """Only a record that was sent can open, and to what was sent in it."""
    if sample.keys is not None and session.is_tls:
        try:
            open_connection(session.client, session.server, sample.keys)
        except CaptureError as error:
            agree(session.opened, None, f"what opened in spite of: {error}")
    for items in session.opened or ():
        for item in items:
            sent = sample.opened.get(item.record.header + item.record.fragment)
            agree((item.content_type, item.plaintext), sent, "an opened record")
    for part in session.readable:
        agree(sum(piece.length for piece in part.pieces), len(part.data), "what is readable stands somewhere")


def files(random: Random) -> str:
    """A capture file with its keys in it, as `lab read` reads it."""
    path = random.choice(captures())
    data, keylog = path.read_bytes(), path.with_name(path.name.replace(".pcapng", ".keys.txt"))
    if keylog.exists():
        with path.open("rb") as file:
            head = len(next(iter(blocks(file))).raw)
        data = data[:head] + decryption_secrets(keylog.read_bytes()) + data[head:]
    if random.random() < 0.95:
        data = inputs.mutate(random, data)
    with tempfile.NamedTemporaryFile(suffix=".pcapng") as target:
        target.write(data)
        target.flush()
        try:
            found = read_capture(Path(target.name), "native")
        except CaptureError:
            return "no capture"
    return "with problems" if found.problems else "read"
