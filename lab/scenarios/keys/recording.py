"""The shipped recording of a session with RSA key exchange, for where OpenSSL no longer does it.

Knows the four files of it in tests/data, and puts them into the folder of a run, to be opened like the run's own.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from lab.errors import LabError
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


def recorded(folder: Path, shipped: Path = SHIPPED) -> Recorded:
    """Copy the recording into `folder`, its keys readable by their owner only, and return it.

    Raises:
        LabError: it is not there, as where only the packages are installed, or cannot be copied.
    """
    files = Files(folder / "recording.pcapng", folder / "recording-key.pem", folder / "recording.keylog")
    try:
        sent = json.loads((shipped / f"{_NAME}.sent.json").read_text("ascii"))
        for ending, target in (("pcapng", files.capture), ("key.pem", files.key), ("keys.txt", files.keylog)):
            data = (shipped / f"{_NAME}.{ending}").read_bytes()
            with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(data)
    except OSError as error:
        msg = f"The recording that stands in for RSA key exchange cannot be used: {error.filename}: {error.strerror}."
        raise LabError(msg) from error
    key = load_pem_private_key(files.key.read_bytes(), password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return Recorded(files, key, tuple(Sent(**{**message, "heard_by": tuple(message["heard_by"])}) for message in sent))
