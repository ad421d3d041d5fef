"""Key logs: the secrets of TLS connections, in the format that browsers, OpenSSL and Wireshark share (RFC 9850)."""

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from capture.errors import KeyLogError

# label, client random, secret; the label RSA, which OpenSSL writes for RSA key exchange, has the first 8 bytes of the
# encrypted premaster secret in place of the random
_LINE = re.compile(r"([A-Z0-9_]+) ([0-9a-fA-F]{64}|[0-9a-fA-F]{16}) ((?:[0-9a-fA-F]{2})+)")

KeyLog = Mapping[tuple[str, bytes], bytes]


def parse_keylog(text: str, name: str = "the key log") -> KeyLog:
    """Return the secrets of a key log, by label ("CLIENT_TRAFFIC_SECRET_0") and client random (32 bytes).

    Raises:
        KeyLogError: a line is not a key log's, or there is no secret in it.
    """
    secrets = _secrets(text, name)
    if not secrets:
        msg = f"{name} holds no secret: the session it belongs to did not write its keys."
        raise KeyLogError(msg)
    return MappingProxyType(secrets)


def _secrets(text: str, name: str) -> dict[tuple[str, bytes], bytes]:
    secrets: dict[tuple[str, bytes], bytes] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        found = _LINE.fullmatch(line.strip())
        if found is None:
            msg = f"{name} is not a key log: line {number} is not a label, a client random and a secret in hex."
            raise KeyLogError(msg)
        label, random, secret = found.groups()
        secrets[label, bytes.fromhex(random)] = bytes.fromhex(secret)
    return secrets


def read_keylog(path: Path) -> KeyLog:
    """Return the secrets of the key log at `path`.

    Raises:
        KeyLogError: it cannot be read, a line is not a key log's, or there is no secret in it.
    """
    return parse_keylog(_text(path), str(path))


def check_keylog(path: Path) -> None:
    """Make sure that `path` is a key log, or an empty file, or is not there yet: what keys may be added to.

    Raises:
        KeyLogError: it is another file, or cannot be read, or its folder is not there.
    """
    if path.exists():
        _secrets(_text(path), str(path))
    elif not path.parent.is_dir():
        msg = f"The key log {path} cannot be written: there is no folder {path.parent}."
        raise KeyLogError(msg)


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii", errors="replace")  # a line that is no text is no line of a key log
    except OSError as error:
        msg = f"The key log {path} cannot be read: {error.strerror}."
        raise KeyLogError(msg) from error
