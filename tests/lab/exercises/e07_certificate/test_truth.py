"""What is found in captures of exercise 7 that are not as the run leaves them."""

import pytest
from cryptography import x509

from capture.handshake import read_handshake
from lab.errors import LabError
from lab.exercises.e07_certificate.checks import EXERCISE
from lab.exercises.work import Work
from tests.lab.exercises.conftest import Make, draw_of
from tests.lab.exercises.hostile import refusals


def test_another_capture_is_refused_in_a_sentence_or_read(work: Make) -> None:
    said = refusals(EXERCISE, work(EXERCISE))
    assert len(said) >= 15
    assert all(said)


@pytest.mark.parametrize("what", ["serial", "issuer", "subject", "names"])
def test_a_certificate_that_cannot_be_read_is_refused(work: Make, what: str) -> None:
    folder = work(EXERCISE)
    path = folder / "capture.pcapng"
    shown = [
        seen.server_certificate.certificates[0]
        for session in Work(folder, draw_of(EXERCISE)).traffic.sessions
        if (seen := read_handshake(session.client, session.server)).server_certificate is not None
    ]
    der = shown[0]
    read = x509.load_der_x509_certificate(der)
    names = read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.public_bytes()
    serial, issuer, subject = (
        read.serial_number.to_bytes(16, "big"),
        *(name.public_bytes() for name in (read.issuer, read.subject)),
    )
    part, instead = {
        "serial": (b"\x02\x10" + serial, b"\x02\x10\xff" + serial[1:]),  # a negative number
        "issuer": (issuer, issuer[:-1] + b"\xff"),  # a string whose bytes are no UTF-8
        "subject": (subject, subject[:-1] + b"\xff"),
        "names": (names, names.replace(b"\x82", b"\x81")),  # names of another kind than DNS
    }[what]
    assert der.count(part) == 1
    capture = path.read_bytes()
    assert capture.count(part) == len(shown)
    path.write_bytes(capture.replace(part, instead))
    with pytest.raises(LabError, match="certificate"):
        EXERCISE.truth(Work(folder, draw_of(EXERCISE)))
