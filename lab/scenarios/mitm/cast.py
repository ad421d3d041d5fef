"""Who takes part: five clients that trust in five ways, and what the one in the middle shows them. Makes the files.

Knows certificates and the contexts made of them. Must not know sockets, the chat or the capture. Every CA, key and
certificate is new with each run and lives in its folder alone.
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from certs import wrong
from certs.authority import Identity, create_authority, issue_server
from certs.contexts import client_context, unverified_client_context
from certs.lax import credulous_client_context, nameless_client_context
from certs.pinning import pinned_client_context, spki_sha256
from certs.revocation import check_revocation, revocation_list
from lab.folder import RunFolder

_MONTH = timedelta(days=30)


class Who(StrEnum):
    """A client; the value says what it does."""

    COURSE = "verifies nothing"
    STRICT = "strict"
    NAMELESS = "skips the name"
    CREDULOUS = "trusts a rogue CA"
    PINNED = "pins the key"


class Shown(StrEnum):
    """What the client is shown as the server's certificate; the value says what it is."""

    GENUINE = "genuine"
    SELF_SIGNED = "self-signed"
    WRONG_NAME = "wrong name"
    EXPIRED = "expired"
    NOT_YET_VALID = "not yet valid"
    UNKNOWN_CA = "unknown CA"
    CA_BIT_MISSING = "CA bit missing"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Cast:
    """The files of a run.

    Attributes:
        ca: the certificate of the lab's CA.
        rogue: that of the attacker's CA.
        crl: what the lab's CA has revoked.
        shown: for each certificate a file with it, what must be sent along, and its key. Whoever holds the file can
            show it: all but the genuine one are the attacker's.
        pin: SHA-256 of the server's public key.
    """

    ca: Path
    rogue: Path
    crl: Path
    shown: Mapping[Shown, Path]
    pin: bytes


def make_cast(folder: RunFolder, now: datetime) -> Cast:
    """Make the CAs, the certificates and the list of revoked ones in `folder`, as they are to be at the moment `now`.

    Raises:
        LabError: a file cannot be written, or is there already.
    """
    authority = create_authority(not_before=now - 12 * _MONTH, not_after=now + 12 * _MONTH)
    rogue = create_authority(common_name="Rogue CA", not_before=now - 12 * _MONTH, not_after=now + 12 * _MONTH)
    start, end = now - _MONTH, now + _MONTH
    genuine = issue_server(authority, not_before=start, not_after=end)
    stolen = issue_server(authority, not_before=start, not_after=end)  # the server's, too, before its key got lost
    mallory = wrong.for_another_name(authority, now)
    chains: dict[Shown, tuple[Identity, ...]] = {
        Shown.GENUINE: (genuine,),
        Shown.SELF_SIGNED: (wrong.self_signed(now),),
        Shown.WRONG_NAME: (mallory,),
        Shown.EXPIRED: (wrong.expired(authority, now),),
        Shown.NOT_YET_VALID: (wrong.not_yet_valid(authority, now),),
        Shown.UNKNOWN_CA: (issue_server(rogue, not_before=start, not_after=end),),
        Shown.CA_BIT_MISSING: (wrong.signed_by_no_ca(mallory, now), mallory),
        Shown.REVOKED: (stolen,),
    }
    revoked = revocation_list(authority, [stolen.certificate], made=now - timedelta(days=1), until=end)
    pems = {shown: b"".join(each.certificate_pem for each in chain) for shown, chain in chains.items()}
    return Cast(
        ca=folder.write_private("ca.pem", authority.certificate_pem),
        rogue=folder.write_private("rogue-ca.pem", rogue.certificate_pem),
        crl=folder.write_private("crl.pem", revoked.public_bytes(Encoding.PEM)),
        shown={
            shown: folder.write_private(f"{shown.replace(' ', '-')}.pem", pems[shown] + chain[0].key_pem)
            for shown, chain in chains.items()
        },
        pin=spki_sha256(genuine.certificate),
    )


def client_contexts(cast: Cast) -> dict[Who, ssl.SSLContext]:
    """Return what each client connects with.

    Raises:
        CertsError: a file cannot be used.
    """
    strict = client_context(cast.ca)
    check_revocation(strict, cast.crl)
    return {
        Who.COURSE: unverified_client_context(),
        Who.STRICT: strict,
        Who.NAMELESS: nameless_client_context(cast.ca),
        Who.CREDULOUS: credulous_client_context(cast.ca, cast.rogue),
        Who.PINNED: pinned_client_context(cast.pin),
    }
