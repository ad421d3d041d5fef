"""What the capture of exercise 7 says: the certificate in TLS 1.2, and the record of TLS 1.3 that must carry one."""

import ssl
import warnings
from dataclasses import dataclass

from cryptography import x509
from cryptography.x509.oid import NameOID

from capture.handshake import Handshake, read_handshake
from capture.streams import Span
from capture.tls import HANDSHAKE, TLS_1_2, TLS_1_3, Record
from lab.errors import LabError
from lab.exercises.e07_certificate.run import PEOPLE, which
from lab.exercises.verifying import certificates, names_of
from lab.exercises.work import Work, sealed
from lab.sessions import Session

_CERTIFICATE = "tls.handshake.certificate"
_FLIGHT = 4  # messages that a server of TLS 1.3 sends after its hello


@dataclass(frozen=True, slots=True)
class Truth:
    """What the capture says.

    Attributes:
        frame: where the certificate stands.
        hello_frame: of the ClientHello in the same connection.
        other_frames: of the certificate in the other connections over TLS 1.2.
        hidden_frames: in which servers answer over TLS 1.3.
        serial: of the certificate.
        names: in it: the one that clients ask for, and the other.
        issuer: its common name.
        subject: likewise.
        shown_length: bytes of the record that it stands in, without header.
        hidden: bytes of the record in TLS 1.3 that must carry a certificate, likewise.
        span: where that record stands.
        hello_length: bytes of the record with the ServerHello before it.
        others: bytes of the other encrypted records of the server's first flight.
        server_name: what the clients ask for over TLS 1.3.
    """

    frame: int
    hello_frame: int
    other_frames: frozenset[int]
    hidden_frames: frozenset[int]
    serial: int
    names: tuple[str, ...]
    issuer: str
    subject: str
    shown_length: int
    hidden: int
    span: Span
    hello_length: int
    others: frozenset[int]
    server_name: str


def truth(work: Work) -> Truth:
    """Find the certificate, and the record that hides the other.

    Raises:
        LabError: the capture does not hold them.
        CaptureError: the capture cannot be read.
    """
    shown: list[tuple[Session, Handshake]] = []
    hiding: list[tuple[Session, Handshake]] = []
    for session in work.traffic.sessions:
        seen = read_handshake(session.client, session.server)
        version = seen.server_hellos[-1].version if seen.client_hellos and seen.server_hellos else None
        if version == TLS_1_2:
            shown.append((session, seen))
        elif version == TLS_1_3:
            hiding.append((session, seen))
    if len(shown) != PEOPLE or len(hiding) != PEOPLE:
        msg = f"The capture has {len(shown)} connections over TLS 1.2 and {len(hiding)} over 1.3, not {PEOPLE} of each."
        raise LabError(msg)
    frames = [_frame(seen) for _, seen in shown]
    session, seen = shown[which(work.draw) - 1]
    assert seen.server_certificate is not None  # its frame is known
    pem = ssl.DER_cert_to_PEM_cert(seen.server_certificate.certificates[0])
    certificate = certificates(pem.encode(), "The server over TLS 1.2")[0]
    names = names_of(certificate)
    with warnings.catch_warnings():  # of a number that is refused below
        warnings.simplefilter("ignore")
        serial = certificate.serial_number
    record, others = _hiding(hiding[0][0])
    name = hiding[0][1].client_hellos[0].server_name
    asked = seen.client_hellos[0].server_name
    # a number below 1 is forbidden (RFC 5280, section 4.1.2.2), and cannot be written as the task wants it
    if len(names) != 2 or names[0] != asked or name is None or serial < 1:
        raise LabError("The certificate in the capture is not that of the run.")
    return Truth(
        frame=frames[which(work.draw) - 1],
        hello_frame=_at(session.client.records[0]).frame,
        other_frames=frozenset(frames),
        hidden_frames=frozenset(_at(session.server.records[0]).frame for session, _ in hiding),
        serial=serial,
        names=names,
        issuer=_common_name(certificate.issuer),
        subject=_common_name(certificate.subject),
        shown_length=_shown(session),
        hidden=len(record.fragment),
        span=_at(record),
        hello_length=len(hiding[0][0].server.records[0].fragment),
        others=frozenset(others),
        server_name=name,
    )


def _at(record: Record) -> Span:
    return record.stream.locate(record.start, record.end)[0]


def _frame(seen: Handshake) -> int:
    chain = seen.server_certificate
    field = next((field for field in chain.fields if field.name == _CERTIFICATE), None) if chain is not None else None
    if field is None or field.start == field.end:
        raise LabError("A connection over TLS 1.2 shows no certificate in the capture.")
    return seen.server.locate(field.start, field.end)[0].frame


def _shown(session: Session) -> int:
    """Return the length of the longest handshake record: nothing else in the clear is as long as a certificate."""
    return max(len(record.fragment) for record in session.server.records if record.content_type == HANDSHAKE)


def _common_name(name: x509.Name) -> str:
    return next((str(part.value) for part in name if part.oid == NameOID.COMMON_NAME), "")


def _hiding(session: Session) -> tuple[Record, list[int]]:
    """Return the longest of the encrypted records that follow the server's hello, and the lengths of the others.

    They are EncryptedExtensions, Certificate, CertificateVerify and Finished (RFC 8446, section 2), each in a record of
    its own; the certificate is by far the longest.
    """
    flight = sealed(session.server)[:_FLIGHT]
    if not flight:
        raise LabError("A connection over TLS 1.3 has no encrypted records after its ServerHello in the capture.")
    longest = max(flight, key=lambda record: len(record.fragment))
    return longest, [len(record.fragment) for record in flight if record is not longest]
