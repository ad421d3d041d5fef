"""Client certificates as identities in the chat: what joins `certs`, which makes and reads them, and the chat's names.

A certificate binds its bearer to one nickname, which the lab's CA has put into it and a handshake has proved. A name is
typed as people type (`chat.names.name_key`), and shown as the certificate writes it. The CA gives nobody a name that
could be taken for that of somebody who has a certificate already.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from certs.clients import holder
from certs.store import ClientFiles, open_client, read_holder
from chat.errors import NicknameError
from chat.names import name_keys, nickname
from lab.errors import LabError


@dataclass(frozen=True, slots=True)
class Shown:
    """What a client shows to a server that asks.

    Attributes:
        files: the certificate and its key, in PEM.
        name: the nickname in it, empty where it holds none.
    """

    files: tuple[Path, Path]
    name: str


def identify(certificate: bytes) -> str | None:
    """Return the nickname that a verified client certificate, in DER, is for; None: it holds none, or has expired."""
    return _nickname(holder(certificate, at=datetime.now(UTC)))


def issue(directory: Path, name: str) -> ClientFiles:
    """Make the certificate of a client, or renew it, with the CA in `directory`.

    Raises:
        NicknameError: nobody may be called that in the chat.
        LabError: somebody has a certificate for a name that looks like it.
        CertsError: as `certs.store.open_client`.
    """
    name = nickname(name)

    def refuse(others: Sequence[str]) -> None:
        for other in others:
            if not name_keys(other).isdisjoint(name_keys(name)):
                msg = f"There is a certificate for {other}, for whom {name} could be taken: choose another name."
                raise LabError(msg)

    return open_client(directory, name, refuse=refuse)


def shown(certificate: Path | None, key: Path | None) -> Shown | None:
    """Return what a client shows that was given these files, None for nothing; the key is beside it if not given.

    Raises:
        LabError: there is a key and no certificate.
        CertsError: the certificate cannot be read.
    """
    if certificate is None:
        if key is not None:
            msg = f"The key {key} alone shows nobody who you are: give its --certificate, too."
            raise LabError(msg)
        return None
    files = (certificate, key or certificate.with_suffix(".key"))
    return Shown(files, _nickname(read_holder(certificate)) or "")


def _nickname(name: str | None) -> str | None:
    try:
        return name if name is not None and nickname(name) == name else None
    except NicknameError:
        return None
