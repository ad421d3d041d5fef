"""Every illness, made and then recognised; and what is none of them."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from certs.authority import Identity, builder, named
from lab.errors import LabError
from lab.exercises.e11_certificate_clinic.illness import (
    HEALTHY,
    ILLNESSES,
    Clinic,
    create_clinic_authority,
    diagnose,
    infect,
)

_NOW = datetime.now(UTC).replace(microsecond=0)
_HOST, _OTHER = "otter-cobalt-4071.test", "www.otter-cobalt-4071.test"


@pytest.fixture(scope="module")
def clinic() -> Clinic:
    return Clinic(create_clinic_authority("otter CA", _NOW), _HOST, _OTHER, _NOW)


def _certificates(chain: tuple[Identity, ...]) -> list[x509.Certificate]:
    return [identity.certificate for identity in chain]


@pytest.mark.parametrize("illness", [HEALTHY, *ILLNESSES])
def test_what_was_made_is_recognised(clinic: Clinic, illness: str) -> None:
    chain = _certificates(infect(illness, clinic, 4711))
    found = diagnose(clinic.authority.certificate, chain, _HOST)
    assert found.illness == illness
    assert (found.code == 0) is (illness == HEALTHY)
    assert chain[0].serial_number == 4711


def test_the_other_ca_has_the_name_of_the_right_one(clinic: Clinic) -> None:
    (identity,) = infect("other_ca", clinic, 1)
    assert identity.certificate.issuer == clinic.authority.certificate.subject


def test_an_illness_of_another_kind_is_named(clinic: Clinic) -> None:
    ca, key = clinic.authority, ec.generate_private_key(ec.SECP256R1())
    begun = builder(named("server"), ca.certificate.subject, key, _NOW - timedelta(days=1), _NOW + timedelta(days=1))
    begun = begun.add_extension(x509.SubjectAlternativeName([x509.DNSName(_HOST)]), critical=False)
    with pytest.raises(LabError, match="verify error"):  # it does not say whose key has signed it
        diagnose(ca.certificate, [begun.sign(ca.key, hashes.SHA256())], _HOST)
