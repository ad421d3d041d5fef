"""What the tests of the lab share: streams made by hand, and real runs, each done once."""

import ssl
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from capture.readers import ReaderName
from capture.rights import Choice, Way, choose
from capture.segment import ACK, PSH, SYN, Endpoint, Segment
from capture.streams import ByteStream, reassemble
from capture.tools import find
from lab.folder import make_folder
from lab.pipeline import Outcome, run
from lab.record import Plan, Transport
from lab.scenario import CONVERSATION, Step

HEADERS = 66  # Ethernet, IPv4 and TCP with time stamps, as on loopback


def converse(said: Sequence[tuple[str, bytes]], *, client_port: int = 40000, first_frame: int = 1) -> list[Segment]:
    """Return the segments of one connection to port 12345: ">" says that the client speaks, "<" the server."""
    ends = {">": Endpoint("127.0.0.1", client_port), "<": Endpoint("127.0.0.1", 12345)}
    seq = {">": 1000, "<": 9000}
    segments: list[Segment] = []

    def put(side: str, flags: int, payload: bytes = b"") -> None:
        other = "<" if side == ">" else ">"
        frame = first_frame + len(segments)
        ack = seq[other] if flags & ACK else 0
        time_ns = frame * 1_000_000
        segments.append(
            Segment(frame, time_ns, ends[side], ends[other], seq[side], ack, flags, len(payload), payload, HEADERS)
        )
        seq[side] += len(payload) + (1 if flags & SYN else 0)

    put(">", SYN)
    put("<", SYN | ACK)
    for side, payload in said:
        put(side, PSH | ACK, payload)
    return segments


@pytest.fixture(scope="session")
def segments_of() -> Callable[..., list[Segment]]:
    return converse


@pytest.fixture(scope="session")
def streams_of() -> Callable[..., tuple[ByteStream, ...]]:
    """Streams of one connection, from what its two sides say."""
    return lambda *said: reassemble(converse(said))


@pytest.fixture(scope="session")
def here() -> Choice:
    """The way of capturing that works in this process: the loopback if it may be captured, else the tap."""
    choice = choose()
    return choice if choice.way is Way.LOOPBACK else Choice(Way.TAP, "This process may not capture.")


@pytest.fixture(scope="session")
def best_reader() -> ReaderName:
    return "tshark" if find("tshark") else "native"


@pytest.fixture(scope="session")
def make_plan(tmp_path_factory: pytest.TempPathFactory, here: Choice, best_reader: ReaderName) -> Callable[..., Plan]:
    certificates = tmp_path_factory.mktemp("certificates") / "store"

    def make(
        *transports: Transport,
        steps: Sequence[Step] = CONVERSATION,
        version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
        reader: ReaderName = best_reader,
        choice: Choice = here,
    ) -> Plan:
        ports = dict.fromkeys(transports, 0)
        return Plan(transports, steps, ports, version, reader, choice, certificates)

    return make


@pytest.fixture(scope="session")
def keep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where runs keep their folders; a name that a shell line has to quote."""
    return tmp_path_factory.mktemp("runs") / 'it\'s a "folder" with $HOME; spaces'


@pytest.fixture(scope="session")
def both(make_plan: Callable[..., Plan], keep: Path) -> Outcome:
    """Both chats side by side, over TLS 1.3."""
    return run(make_plan(Transport.PLAIN, Transport.TLS), make_folder(keep, "both"))


@pytest.fixture(scope="session")
def plain(make_plan: Callable[..., Plan], keep: Path) -> Outcome:
    return run(make_plan(Transport.PLAIN), make_folder(keep, "plain"))


@pytest.fixture(scope="session")
def tls12(make_plan: Callable[..., Plan], keep: Path) -> Outcome:
    return run(make_plan(Transport.TLS, version=ssl.TLSVersion.TLSv1_2), make_folder(keep, "tls12"))
