"""What the capture of exercise 9 says with the servers' private key, and why it does not say more."""

from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from capture.hello import server_hello
from capture.stolen import NothingForKeyError, key_exchange, recover
from capture.streams import ByteStream
from capture.tls import TLS_1_2
from lab.errors import LabError
from lab.exercises.draw import Draw
from lab.exercises.e09_stolen_key.run import KEY, KEY_SIZE, PEOPLE, which
from lab.exercises.work import Work
from lab.sessions import Session

REASONS = ("forgotten", "longer", "other_key", "hidden", "client_key")  # the first is right
_SERVERS = 3
_LARGEST = 1 << 14  # bytes of a key file; 2048 bits take 1,700
_COMMAND = "!"  # in front of what is said to the server and not to the people


@dataclass(frozen=True, slots=True)
class Truth:
    """What the capture says. Public keys are in hex digits.

    Attributes:
        port: of the server whose chat the key opens.
        ecdhe_port: of the one that speaks the same version of TLS, and stays closed.
        tls13_port: of the third.
        client_ports: of the clients of the first.
        message: what is asked for.
        messages: all that is said in that chat, with who says it.
        share: the public key in the ServerKeyExchange of the first closed connection over TLS 1.2.
        client_share: the one that the client sends in the same connection.
        next_share: that of the server in the next connection.
        tls13_share: what a server sends instead over TLS 1.3.
        letters: of the reasons in the task, by reason.
    """

    port: int
    ecdhe_port: int
    tls13_port: int
    client_ports: frozenset[int]
    message: str
    messages: tuple[tuple[str, str], ...]
    share: str
    client_share: str
    next_share: str
    tls13_share: str
    letters: dict[str, str]


def letters(draw: Draw) -> dict[str, str]:
    """Return the letter of each reason."""
    return dict(zip(REASONS, draw.shuffled("letters", "abcde"), strict=True))


def truth(work: Work) -> Truth:
    """Open what the key opens.

    Raises:
        LabError: the capture does not hold the run, or the key is not that of its servers.
        CaptureError: the capture cannot be read.
    """
    found = work.traffic.sessions
    work.traffic.expect(_SERVERS * PEOPLE)  # before anything that costs time
    key = _key(work.read(KEY))
    secrets: dict[tuple[str, bytes], bytes] = {}
    closed: list[Session] = []
    ours: list[int] = []  # which sessions the key opens
    for at, session in enumerate(found):
        try:
            secrets.update(recover(session.client, session.server, key).keylog)
            ours.append(at)
        except NothingForKeyError:
            closed.append(session)
    ecdhe = [session for session in closed if _version(session) == TLS_1_2]
    tls13 = [session for session in closed if _version(session) != TLS_1_2]
    if not len(ours) == len(ecdhe) == len(tls13) == PEOPLE:
        raise LabError("The capture does not have the connections that the run has made.")
    sessions = work.opened(secrets).sessions
    opened = [sessions[at] for at in ours]
    messages = _said(opened)
    if len(messages) < which(work.draw):
        raise LabError("The capture has fewer messages than the run has made.")
    server, client = _shares(ecdhe[0])
    following, _ = _shares(ecdhe[1])
    _, hello = _shares(tls13[0])
    return Truth(
        port=_port(opened[0]),
        ecdhe_port=_port(ecdhe[0]),
        tls13_port=_port(tls13[0]),
        client_ports=frozenset(session.client.stream.source.port for session in opened),
        message=messages[which(work.draw) - 1][1],
        messages=messages,
        share=server,
        client_share=client,
        next_share=following,
        tls13_share=hello,
        letters=letters(work.draw),
    )


def _key(pem: bytes) -> rsa.RSAPrivateKey:
    key = None
    if len(pem) <= _LARGEST:
        try:
            key = load_pem_private_key(pem, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            msg = f"{KEY} is no private key in PEM form: run the exercise again."
            raise LabError(msg) from error
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size != KEY_SIZE:
        msg = f"{KEY} is not the key that the run has made: run the exercise again."
        raise LabError(msg)
    return key


def _port(session: Session) -> int:
    return session.server.stream.source.port


def _version(session: Session) -> int | None:
    answer = server_hello(session.server)
    return None if answer is None else answer.version


def _shares(session: Session) -> tuple[str, str]:
    """Return the two public keys of a key exchange, in the order of sending."""
    shares = key_exchange(session.client, session.server).shares
    try:
        first, second = (share.data.hex() for share in shares)
    except ValueError as error:
        raise LabError("A connection that stays closed does not show its key exchange in the capture.") from error
    return first, second


def _said(opened: list[Session]) -> tuple[tuple[str, str], ...]:
    """Return who says what in a chat, in the order of sending: what its clients send, but for names and commands."""
    found = []
    for session in opened:
        if session.is_closed:
            raise LabError("The key does not open the connection: " + " ".join(session.problems))
        name, *lines = _lines(session.readable[0])
        found += [(frame, name[1], text) for frame, text in lines if not text.startswith(_COMMAND)]
    return tuple((who, text) for _, who, text in sorted(found))


def _lines(stream: ByteStream) -> list[tuple[int, str]]:
    """Return the lines of a stream, each with the frame in which it begins."""
    found, at = [], 0
    for line in stream.data.splitlines(keepends=True):
        frame = stream.locate(at, at + 1)[0].frame
        found.append((frame, line.decode("utf-8", "replace").rstrip("\n")))
        at += len(line)
    return found or [(0, "")]
