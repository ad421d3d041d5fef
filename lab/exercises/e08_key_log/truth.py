"""What capture and key log of exercise 8 say: the keys of each connection, and what was said in the one asked about."""

from dataclasses import dataclass

from capture.hello import client_hello, server_hello
from capture.keylog import KeyLog
from capture.streams import ByteStream
from capture.tls import TLS_1_3
from lab.errors import LabError
from lab.exercises.e08_key_log.run import PEOPLE, side, stream, which
from lab.exercises.work import Work
from lab.sessions import Session

_SAYS = " > "  # between a name and what was said, in a line of the server's


@dataclass(frozen=True, slots=True)
class Truth:
    """What the files say. Randoms and secrets are in hex digits.

    Attributes:
        side: who sends the message: "CLIENT" or "SERVER".
        random: the client's random of the connection.
        server_random: the server's.
        session_id: what else has 32 bytes in its ClientHello.
        other_randoms: the clients' randoms of the other connections in the capture.
        secrets: of the connection, by label.
        other_secrets: of the other connections in the capture.
        foreign_secrets: of connections that are not in the capture.
        message: what was said.
        who: who said it.
        messages: all that this side sends.
        other_side: all that the other side sends.
        nicknames: of everybody in the chat.
    """

    side: str
    random: str
    server_random: str
    session_id: str
    other_randoms: frozenset[str]
    secrets: dict[str, str]
    other_secrets: frozenset[str]
    foreign_secrets: frozenset[str]
    message: str
    who: str
    messages: tuple[str, ...]
    other_side: tuple[str, ...]
    nicknames: frozenset[str]

    @property
    def label(self) -> str:
        """The label of the line that opens what was said."""
        return f"{self.side}_TRAFFIC_SECRET_0"

    @property
    def other_label(self) -> str:
        """The same for the other direction."""
        return "SERVER_TRAFFIC_SECRET_0" if self.side == "CLIENT" else "CLIENT_TRAFFIC_SECRET_0"


def truth(work: Work) -> Truth:
    """Open the connection that is asked about.

    Raises:
        LabError: the capture does not hold it, or the key log does not open it.
        CaptureError: one of them cannot be read.
    """
    keys = work.keylog()
    traffic = work.opened(keys)
    traffic.expect(PEOPLE)
    found = traffic.sessions
    session = found[stream(work.draw)]
    asked, answered = client_hello(session.client), server_hello(session.server)
    # a key log may also open TLS 1.2, which has other labels
    if asked is None or answered is None or session.opened is None or answered.version != TLS_1_3:
        raise LabError("The key log does not open the connection: " + " ".join(session.problems))
    name, *sent = _lines(session.readable[0])
    heard = [line.partition(_SAYS) for line in _lines(session.readable[1])]
    said = {
        "CLIENT": [(name, text) for text in sent],
        "SERVER": [(who, text) for who, mark, text in heard if mark],
    }
    ours = said.pop(side(work.draw))
    (theirs,) = said.values()
    if len(ours) < which(work.draw):
        raise LabError("The capture has fewer messages than the run has made.")
    who, message = ours[which(work.draw) - 1]
    others = frozenset(hello.random for other in found if (hello := client_hello(other.client)) is not None)
    others -= {asked.random}
    return Truth(
        side=side(work.draw),
        random=asked.random.hex(),
        server_random=answered.random.hex(),
        session_id=asked.session_id.hex(),
        other_randoms=frozenset(random.hex() for random in others),
        secrets={label: secret.hex() for (label, random), secret in keys.items() if random == asked.random},
        other_secrets=_secrets(keys, others),
        foreign_secrets=_secrets(keys, frozenset(random for _, random in keys) - others - {asked.random}),
        message=message,
        who=who,
        messages=tuple(text for _, text in ours),
        other_side=tuple(text for _, text in theirs),
        nicknames=frozenset(_nickname(other) for other in found) - {""},
    )


def _secrets(keys: KeyLog, randoms: frozenset[bytes]) -> frozenset[str]:
    return frozenset(secret.hex() for (_, random), secret in keys.items() if random in randoms)


def _lines(stream: ByteStream) -> list[str]:
    return stream.data.decode("utf-8", "replace").split("\n")


def _nickname(session: Session) -> str:
    """Return what a client says first; "" where no key opens it."""
    return "" if session.is_closed else _lines(session.readable[0])[0]
