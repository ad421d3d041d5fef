"""What each key opens of each session: a matrix, measured. Pure: streams and keys in, cells out.

Knows the sessions of the matrix, and how a capture is opened with nothing, with a stolen RSA key and with a key log. A
cell says how many messages were read by looking, never by what should come out; `verdict` compares the two.
"""

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa

from capture.decrypt import sealed_stream
from capture.errors import CaptureError
from capture.hello import server_hello
from capture.keylog import KeyLog
from capture.sources.source import Counters
from capture.stolen import KeyExchange, Recovered, key_exchange, recover
from capture.streams import ByteStream, Span
from lab import verdict
from lab.overhear import overhear
from lab.scenario import Sent
from lab.sessions import Session, sessions
from lab.verdict import Expected, Verdict


class Means(StrEnum):
    """What whoever opens a session has beside the capture."""

    NOTHING = "nothing"
    STOLEN_KEY = "the server's private key"
    KEY_LOG = "the key log"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of session.

    Attributes:
        name: of the row.
        version: of TLS.
        cipher: the suite as OpenSSL is asked for it.
        suite: the same as IANA, and so the capture, names it.
        forward_secret: what the textbook says: whether a private key stolen later opens nothing.
    """

    name: str
    version: ssl.TLSVersion
    cipher: str
    suite: str
    forward_secret: bool


_TLS12, _TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
RSA = Kind("TLS 1.2, RSA", _TLS12, "AES128-GCM-SHA256", "TLS_RSA_WITH_AES_128_GCM_SHA256", forward_secret=False)
KINDS = (
    RSA,
    Kind(
        "TLS 1.2, ECDHE",
        _TLS12,
        "ECDHE-RSA-AES128-GCM-SHA256",
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        forward_secret=True,
    ),
    Kind("TLS 1.3, AES", _TLS13, "TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384", forward_secret=True),
    Kind(
        "TLS 1.3, ChaCha20", _TLS13, "TLS_CHACHA20_POLY1305_SHA256", "TLS_CHACHA20_POLY1305_SHA256", forward_secret=True
    ),
)


@dataclass(frozen=True, slots=True)
class Files:
    """Where the files of a session are.

    Attributes:
        capture: the capture file that its frames count in.
        key: the server's private key.
        keylog: the secrets of its connections.
    """

    capture: Path
    key: Path
    keylog: Path


@dataclass(frozen=True, slots=True)
class Cell:
    """One session, opened in one way.

    Attributes:
        verdict: how many of the messages were read; READABLE where something opened, else what the search for each
            message and the test of the payload say.
        spans: where the words of the first message that was read stand; else the key exchange of the first connection.
        reasons: why what did not open did not, each reason once.
    """

    verdict: Verdict
    spans: tuple[Span, ...]
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One session of the matrix.

    Attributes:
        kind: what it was to be.
        files: where it was read from.
        recorded: why it is a recording and not of this run; None for one of this run.
        port: the server's.
        suites: the cipher suites of its connections, as the capture has them.
        exchanges: the key exchange of each connection.
        recovered: what the private key gave, for each connection that it gave something.
        sent: the messages that were sent.
        cells: the outcome of each way of opening.
        problems: what of it could not be read to the end.
    """

    kind: Kind
    files: Files
    recorded: str | None
    port: int
    suites: tuple[str, ...]
    exchanges: tuple[KeyExchange, ...]
    recovered: tuple[Recovered, ...]
    sent: tuple[Sent, ...]
    cells: Mapping[Means, Cell]
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """A finished run.

    Attributes:
        rows: the sessions.
        counters: what the capture of this run counted.
    """

    rows: tuple[Row, ...]
    counters: Counters


def examine(
    kind: Kind,
    files: Files,
    sent: Sequence[Sent],
    streams: Sequence[ByteStream],
    key: rsa.RSAPrivateKey,
    keylog: KeyLog,
    *,
    recorded: str | None = None,
) -> Row:
    """Open one session in every way there is.

    Args:
        kind: what it was to be.
        files: where it was read from, for the page.
        sent: the messages that were sent.
        streams: all of its streams, a client's before its server's.
        key: the server's private key.
        keylog: secrets of its connections.
        recorded: why it is a recording; None where it is not one.

    Raises:
        CaptureError: there is no connection, or no handshake that can be read.
    """
    if not streams:
        msg = f"The capture has no connection of the session {kind.name}."
        raise CaptureError(msg)
    closed = sessions(streams, None)
    answers = [server_hello(session.server) for session in closed]
    exchanges = tuple(key_exchange(session.client, session.server) for session in closed)
    sealed = [
        sealed_stream(layer, answer)
        for session, answer in zip(closed, answers, strict=True)
        for layer in (session.client, session.server)
    ]

    def cell(found: Sequence[Session], reasons: Sequence[str]) -> Cell:
        plain = [stream for session in found for stream in session.readable]
        if plain:
            outcome = verdict.judge(sent, overhear(plain), plain, plain, Expected.READABLE)
        else:
            outcome = verdict.judge(sent, overhear(streams), streams, sealed, Expected.UNREADABLE)
        first = next((finding.heard.spans for finding in outcome.findings if finding.heard), exchanges[0].spans)
        return Cell(outcome, first, tuple(dict.fromkeys(reasons)))

    with_key, recovered, refused = _with_stolen_key(closed, key)
    with_keylog = sessions(streams, keylog)
    unopened = [problem for session in with_keylog if session.opened is None for problem in session.problems]
    return Row(
        kind=kind,
        files=files,
        recorded=recorded,
        port=streams[0].destination.port,
        suites=tuple(dict.fromkeys(answer.suite_name for answer in answers if answer is not None)),
        exchanges=exchanges,
        recovered=recovered,
        sent=tuple(sent),
        cells={
            Means.NOTHING: cell(closed, ()),
            Means.STOLEN_KEY: cell(with_key, refused),
            Means.KEY_LOG: cell(with_keylog, unopened),
        },
        problems=tuple(problem for session in closed for problem in session.problems),
    )


def _with_stolen_key(
    closed: Sequence[Session], key: rsa.RSAPrivateKey
) -> tuple[list[Session], tuple[Recovered, ...], list[str]]:
    """Return the sessions as far as the private key opens them, what it gave, and why it did not open the others."""
    found, recovered, refused = [], [], []
    for session in closed:
        try:
            secrets = recover(session.client, session.server, key)
        except CaptureError as error:
            refused.append(str(error))
            found.append(session)
            continue
        recovered.append(secrets)
        opened = sessions((session.client.stream, session.server.stream), secrets.keylog)
        found += opened
        refused += [problem for each in opened for problem in each.problems]
    return found, tuple(recovered), refused
