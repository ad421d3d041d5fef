"""What exercise 9 draws, and its live run: three servers with one RSA key, of which it opens the chat with one."""

import ssl
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa

from capture.rights import Choice
from lab.errors import LabError
from lab.exercises import cast, live
from lab.exercises.draw import Draw

KEY = "server.key"
KEY_SIZE = 2048  # bits
PEOPLE = 2
_MESSAGES = 8
_TLS_1_2, _TLS_1_3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
# in OpenSSL's words (ciphers(1)); without ECDHE in front, it is the key exchange of RSA
_RSA = ("AES128-GCM-SHA256", "AES256-GCM-SHA384")
_ECDHE = ("ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-CHACHA20-POLY1305")


def which(draw: Draw) -> int:
    """Return which message of the chat is asked for, from 1."""
    return draw.number("message", 3, _MESSAGES)


def run(draw: Draw, folder: Path, choice: Choice) -> None:
    """Record the chats; the student gets the servers' private key, and no other.

    Raises:
        LabError: this OpenSSL has no RSA key exchange; or as of any live run.
    """
    host = cast.host(draw)
    kinds = (
        ("RSA", _TLS_1_2, draw.choice("suite of RSA", _RSA)),
        ("ECDHE", _TLS_1_2, draw.choice("suite of ECDHE", _ECDHE)),
        ("1.3", _TLS_1_3, ""),
    )
    steps = cast.conversation(draw, PEOPLE, _MESSAGES)
    key = rsa.generate_private_key(65537, KEY_SIZE)
    ports = live.ports(draw, *(f"port of {kind}" for kind, _, _ in kinds))
    chats = []
    with tempfile.TemporaryDirectory() as private:
        for (_, version, suites), port in draw.shuffled("order", list(zip(kinds, ports, strict=True))):
            try:
                made = live.secure(Path(private), host, version=version, suites=suites, key=key)
            except ssl.SSLError as error:
                msg = f"{ssl.OPENSSL_VERSION} does not do {suites} here: run this exercise on another computer."
                raise LabError(msg) from error
            chats.append(live.Chat(steps, port, host, made.server, made.client))
    live.record(folder, choice, chats)
    live.write_private(folder / KEY, made.identity.key_pem)
