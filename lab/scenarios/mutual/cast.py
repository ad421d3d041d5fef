"""Who comes to the chat that asks for certificates, and with which: made anew for each run, and gone after it.

Knows certificates as files. One of the people is a thief, who has a certificate without its key; `forged_key` is what
she tries, and why it is of no use is the scenario's to show.
"""

from base64 import encodebytes
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from certs.store import Store, open_client, open_store

ALICE, BOB, MALLORY, STRANGER, GUEST, THIEF = "alice", "bob", "mallory", "a stranger", "a guest", "a thief"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who comes.

    Attributes:
        who: what the page calls them.
        says: the name that they give.
        shows: what certificate they show, in words.
        certificate: that certificate in DER, None for none.
        files: certificate and key as files, None for none.
    """

    who: str
    says: str
    shows: str
    certificate: bytes | None
    files: tuple[Path, Path] | None


def cast(folder: Path) -> tuple[Store, tuple[Person, ...]]:
    """Make the lab's CA, its server's certificate and everybody's files in `folder`; return the people in their order.

    Raises:
        CertsError: they cannot be made.
    """
    store = open_store(folder / "lab")

    def person(who: str, says: str, shows: str, ca: str, name: str) -> Person:
        own = open_client(folder / ca, name)
        return Person(who, says, shows, _der(own.certificate), (own.certificate, own.key))

    alice = person(ALICE, "alice", "for alice, from the lab's CA", "lab", "alice")
    assert alice.files is not None
    key = folder / "forged.key"
    key.touch(mode=0o600)
    key.write_bytes(forged_key(x509.load_pem_x509_certificate(alice.files[0].read_bytes())))
    return store, (
        alice,
        person(BOB, "bob", "for bob, from the lab's CA", "lab", "bob"),
        person(MALLORY, "alice", "for mallory, from the lab's CA", "lab", "mallory"),
        # that CA has the name of the lab's: names prove nothing, signatures do
        person(STRANGER, "alice", "for alice, from a CA of his own", "stranger", "alice"),
        Person(GUEST, "alice", "none", None, None),
        Person(THIEF, "alice", "alice's own, without its key", alice.certificate, (alice.files[0], key)),
    )


def _der(path: Path) -> bytes:
    return x509.load_pem_x509_certificate(path.read_bytes()).public_bytes(Encoding.DER)


def forged_key(certificate: x509.Certificate) -> bytes:
    """Return a key file, in PEM, that says it is the one of a certificate and is not: what a thief can make.

    A file of a private key on a curve holds the secret number and, for convenience, the public key that belongs to it
    (RFC 5915, section 3). Here the number is a fresh one and the public key is the certificate's. Programs compare the
    certificate with that public key only, so a client loads the two; what it signs is signed with the wrong number.
    """
    public = certificate.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    own = ec.generate_private_key(public.curve)
    encoded = own.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    point = own.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    assert encoded.count(point) == 1
    forged = encoded.replace(point, public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))
    return b"-----BEGIN PRIVATE KEY-----\n" + encodebytes(forged) + b"-----END PRIVATE KEY-----\n"
