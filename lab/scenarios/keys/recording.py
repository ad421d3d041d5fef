"""The shipped recording of a session with RSA key exchange, for where OpenSSL no longer does it.

Knows the four files of it in tests/data, and puts them into the folder of a run, to be opened like the run's own.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from lab.errors import LabError
from lab.folder import RunFolder
from lab.scenario import Sent
from lab.scenarios.keys.matrix import Files

SHIPPED = Path(__file__).resolve().parents[3] / "tests" / "data"
_NAME = "keys-rsa"


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recorded session.

    Attributes:
        files: its files, in the folder of the run.
        key: the server's private key.
        sent: the messages that were sent in it.
    """

    files: Files
    key: rsa.RSAPrivateKey
    sent: tuple[Sent, ...]


def recorded(folder: RunFolder, shipped: Path = SHIPPED) -> Recorded:
    """Copy the recording into `folder`, its keys readable by their owner only, and return it.

    Raises:
        LabError: it is not there, as where only the packages are installed, or cannot be copied.
    """
    try:
        sent = json.loads((shipped / f"{_NAME}.sent.json").read_text("ascii"))
        capture, key_pem, keylog = (
            (shipped / f"{_NAME}.{ending}").read_bytes() for ending in ("pcapng", "key.pem", "keys.txt")
        )
    except OSError as error:
        msg = f"The recording that stands in for RSA key exchange cannot be used: {error.filename}: {error.strerror}."
        raise LabError(msg) from error
    files = Files(
        folder.write_private("recording.pcapng", capture),
        folder.write_private("recording-key.pem", key_pem),
        folder.write_private("recording.keylog", keylog),
    )
    key = load_pem_private_key(key_pem, password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return Recorded(files, key, tuple(Sent(**{**message, "heard_by": tuple(message["heard_by"])}) for message in sent))
