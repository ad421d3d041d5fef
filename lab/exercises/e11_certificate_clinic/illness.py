"""The illnesses of exercise 11: how a certificate gets each of them, and which of them one has.

Knows X.509. The two halves do not know of each other: what a certificate suffers from is asked of the lab's client, by
the files alone, whoever made them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from certs.authority import Identity, builder, create_authority, issue_server, named, sign_leaf, usage
from lab.errors import LabError
from lab.exercises.verifying import names_of, refusal

HEALTHY = "healthy"
# What is found in the same way, and is taken for one another.
KINDS: Mapping[str, tuple[str, ...]] = {
    "time": ("expired", "not_yet_valid"),
    "name": ("wrong_name", "no_san"),
    "signer": ("self_signed", "other_ca", "issuer_no_ca"),
    "purpose": ("wrong_purpose",),
}
ILLNESSES = tuple(illness for kind in KINDS.values() for illness in kind)

_SUBJECT = "Traffic lab server"  # no name that a client would look for
_DAY = timedelta(days=1)
_YEAR = 365 * _DAY


@dataclass(frozen=True, slots=True)
class Clinic:
    """What a certificate is made for.

    Attributes:
        authority: the CA that clients trust.
        host: the name that they ask for.
        other: the one in a certificate for another name.
        now: the moment to judge by. What is valid is so for years after it: nobody knows when it will be graded.
    """

    authority: Identity
    host: str
    other: str
    now: datetime


def create_clinic_authority(common_name: str, now: datetime) -> Identity:
    """Make a CA for all that is issued here."""
    return create_authority(common_name=common_name, not_before=now - 4 * _YEAR, not_after=now + 8 * _YEAR)


def infect(illness: str, clinic: Clinic, serial: int) -> tuple[Identity, ...]:
    """Make a certificate that has this illness and no other, or is healthy.

    Args:
        illness: one of `ILLNESSES`, or `HEALTHY`.
        clinic: what it is for.
        serial: its serial number.

    Returns:
        What a server would send, its own certificate first.
    """
    now = clinic.now
    match illness:
        case "expired":
            return (_issue(clinic, serial, begin=now - 2 * _YEAR, end=now - 30 * _DAY),)
        case "not_yet_valid":
            return (_issue(clinic, serial, begin=now + 5 * _YEAR, end=now + 6 * _YEAR),)
        case "wrong_name":
            return (_issue(clinic, serial, name=clinic.other),)
        case "other_ca":
            # under the name of the one that is trusted: a name can be had by anybody
            name = clinic.authority.certificate.subject.rfc4514_string().removeprefix("CN=")
            return (_issue(clinic, serial, authority=create_clinic_authority(name, now)),)
        case "self_signed":
            key = ec.generate_private_key(ec.SECP256R1())
            begin, end = now - _DAY, now + 5 * _YEAR
            itself = create_authority(common_name=_SUBJECT, not_before=begin, not_after=end, key=key)
            return (_issue(clinic, serial, authority=itself, key=key),)
        case "issuer_no_ca":
            signer = _issue(clinic, serial + 1, name=clinic.other)
            return _issue(clinic, serial, authority=signer), signer
        case "no_san" | "wrong_purpose":
            return (_incomplete(illness, clinic, serial),)
    return (_issue(clinic, serial),)


def _issue(
    clinic: Clinic,
    serial: int,
    *,
    begin: datetime | None = None,
    end: datetime | None = None,
    name: str | None = None,
    authority: Identity | None = None,
    key: ec.EllipticCurvePrivateKey | None = None,
) -> Identity:
    return issue_server(
        authority or clinic.authority,
        names=(name or clinic.host,),
        addresses=(),
        not_before=begin or clinic.now - _DAY,
        not_after=end or clinic.now + 5 * _YEAR,
        key=key,
        serial_number=serial,
    )


def _incomplete(illness: str, clinic: Clinic, serial: int) -> Identity:
    """Return a certificate without a name, or one that is for a client."""
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = clinic.authority.certificate.subject
    begun = builder(named(_SUBJECT), issuer, key, clinic.now - _DAY, clinic.now + 5 * _YEAR, serial)
    purpose = ExtendedKeyUsageOID.SERVER_AUTH
    if illness == "wrong_purpose":
        begun = begun.add_extension(x509.SubjectAlternativeName([x509.DNSName(clinic.host)]), critical=False)
        purpose = ExtendedKeyUsageOID.CLIENT_AUTH
    return sign_leaf(begun, clinic.authority, key, usage(digital_signature=True), purpose)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What a certificate suffers from, and the verify error with which a client refuses it, 0 where it takes it."""

    illness: str
    code: int


# X509_V_ERR_… of openssl/x509_vfy.h, but for 62 (HOSTNAME_MISMATCH), which has two reasons.
_OF: Mapping[int, str] = {
    0: HEALTHY,
    9: "not_yet_valid",
    10: "expired",
    18: "self_signed",
    20: "other_ca",
    26: "wrong_purpose",
    79: "issuer_no_ca",
}
_HOSTNAME_MISMATCH = 62


def diagnose(ca: x509.Certificate, chain: Sequence[x509.Certificate], host: str) -> Diagnosis:
    """Return what a certificate suffers from.

    Args:
        ca: the CA that the client trusts.
        chain: what the server sends, its own certificate first.
        host: the name that the client asks for.

    Raises:
        LabError: it is something else.
    """
    code = refusal(ca, chain, host)
    if code == _HOSTNAME_MISMATCH:
        return Diagnosis("wrong_name" if names_of(chain[0]) else "no_san", code)
    if code not in _OF:
        msg = f"A certificate is refused for a reason that this exercise does not have (verify error {code})."
        raise LabError(msg)
    return Diagnosis(_OF[code], code)
