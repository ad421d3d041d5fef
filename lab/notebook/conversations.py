"""The conversations of a run of `lab scenario keys`, each with its streams and the keys to try on it. Reads files.

Knows what that run leaves in its folder. Must not know what opens what.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa

from capture.keylog import KeyLog
from capture.readers import best_reader, read_segments
from capture.stolen import NothingForKeyError, recover
from capture.streams import ByteStream, on_port, reassemble
from lab.notebook.live import Run
from lab.scenarios.keys.scenario import KEY
from lab.sessions import sessions


@dataclass(frozen=True, slots=True)
class Conversation:
    """One of the four.

    Attributes:
        name: "TLS 1.2, RSA" and the like.
        suite: the cipher suite, as the capture has it.
        sent: how many messages were sent.
        port: of its server.
        streams: what each side of each connection sent.
        capture: the file that its frames count in.
        key: the server's private key.
        keylog: the secrets of its connections.
    """

    name: str
    suite: str
    sent: int
    port: int
    streams: tuple[ByteStream, ...]
    capture: Path
    key: Path
    keylog: Path


def conversations(run: Run) -> tuple[Conversation, ...]:
    """Return the conversations of a run of the scenario `keys`, in its order.

    Raises:
        CaptureError: a capture cannot be read.
    """
    told = run.verdict["sessions"]
    names = {one["file"] for one in told}
    streams = {name: reassemble(read_segments(run.folder / name, best_reader())) for name in names}
    return tuple(
        Conversation(
            name=one["name"],
            suite=", ".join(one["cipher_suites"]),
            sent=one["messages"],
            port=one["port"],
            streams=on_port(streams[one["file"]], one["port"]),
            capture=run.folder / one["file"],
            # where OpenSSL does no RSA key exchange any more, a recording with keys of its own stands in for it
            key=run.folder / ("recording-key.pem" if one["recorded"] else KEY),
            keylog=run.folder / "recording.keylog" if one["recorded"] else run.keylog,
        )
        for one in told
    )


def secrets_of_thief(streams: Sequence[ByteStream], key: rsa.RSAPrivateKey) -> KeyLog:
    """Return the secrets that a server's private key gives of recorded connections; empty where it gives none.

    Raises:
        CaptureError: a handshake cannot be read, or the key is another server's.
    """
    found: dict[tuple[str, bytes], bytes] = {}
    for session in sessions(streams, None):
        with suppress(NothingForKeyError):
            found |= recover(session.client, session.server, key).keylog
    return found
