"""What the capture of exercise 10 says of the one in the middle: which certificates, which words, which refusal.

Pure. Knows connections, handshakes and alerts, and what the lab's client says of a certificate.
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography import x509

from capture.decode import lines
from capture.handshake import read_handshake
from capture.streams import ByteStream
from capture.tls import CHANGE_CIPHER_SPEC
from lab.errors import LabError
from lab.exercises.e11_certificate_clinic.illness import HEALTHY, diagnose
from lab.exercises.verifying import certificates
from lab.exercises.work import Traffic
from lab.scenarios.alerts import FATAL, SeenAlert, alerts
from lab.sessions import Session


@dataclass(frozen=True, slots=True)
class Truth:
    """What the capture says.

    Attributes:
        mistake: what is wrong with how the relay stands in the middle, "" where nothing is.
        words: the lines that the careless client said, its name first; none where its connection was not opened.
        alert: the refusal of the careful client; None where it refused nothing.
        why: what the certificate suffers from that the careful client was shown; "" where it was shown none.
        frames: of all that carry bytes, by the connection and side that sent them: "careful client".
    """

    mistake: str
    words: tuple[str, ...]
    alert: SeenAlert | None
    why: str
    frames: Mapping[int, str]


def read_truth(traffic: Traffic, ca: x509.Certificate, host: str) -> Truth:
    """Read what happened.

    Args:
        traffic: opened with the keys of the careless client and of the server.
        ca: the CA that the careful client trusts.
        host: the name that both ask for.

    Raises:
        LabError: there is no connection with the middle, or its certificate is one that nobody gave it.
        CaptureError: a handshake or an alert breaks the rules.
    """
    if not traffic.sessions:
        raise LabError("The capture holds no connection.")
    port = traffic.sessions[0].client.stream.destination.port  # the careless client was the first of all
    near = [session for session in traffic.sessions if session.client.stream.destination.port == port]
    far = [session for session in traffic.sessions if session.client.stream.destination.port != port]
    careless, careful = near[0], near[1] if len(near) > 1 else None
    refused = [alert for alert in alerts(careful) if alert.from_client] if careful else []
    named = {"careless": careless, "careful": careful, **{f"far {number}": one for number, one in enumerate(far)}}
    return Truth(
        mistake=_mistake(careless, far, ca, host),
        words=_said(careless),
        alert=next((alert for alert in refused if alert.level == FATAL), None),
        why=_shown(careful, ca, host) if careful else "",
        frames={
            piece.frame: f"{name} {side}"
            for name, session in named.items()
            if session is not None
            for side, layer in (("client", session.client), ("server", session.server))
            for piece in layer.stream.pieces
        },
    )


def _mistake(careless: Session, far: list[Session], ca: x509.Certificate, host: str) -> str:
    shown = _shown(careless, ca, host)
    if not shown:
        return "no_certificate"
    if shown == HEALTHY:
        return "passed_through"
    if not far:
        return "no_server"
    if not _shown(far[0], ca, host):
        return "no_tls_behind"
    # an alert would say so, but asyncio breaks off without one
    if all(record.content_type != CHANGE_CIPHER_SPEC for record in far[0].client.records):
        return "server_refused"
    return "" if _said(careless) and set(_said(careless)) <= set(_said(far[0])) else "not_passed_on"


def _shown(session: Session, ca: x509.Certificate, host: str) -> str:
    """Return what the certificate of a server suffers from; "" where it shows none."""
    chain = read_handshake(session.client, session.server).server_certificate
    if chain is None or not chain.certificates:
        return ""
    pem = "".join(ssl.DER_cert_to_PEM_cert(data) for data in chain.certificates)
    return diagnose(ca, certificates(pem.encode(), "A server of the capture"), host).illness


def _said(session: Session) -> tuple[str, ...]:
    stream: ByteStream | None = session.readable[0] if session.opened else None
    return tuple(line.data.decode(errors="replace") for line in lines(stream)) if stream else ()
