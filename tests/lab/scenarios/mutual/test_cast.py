import ssl
import stat
import subprocess
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certs.store import open_client
from lab.scenarios.mutual.cast import cast, forged_key


def test_who_comes(tmp_path: Path) -> None:
    store, people = cast(tmp_path)
    assert [person.who for person in people] == ["alice", "bob", "mallory", "a stranger", "a guest", "a thief"]
    assert [person.says for person in people] == ["alice", "bob", *["alice"] * 4]
    authority = x509.load_pem_x509_certificate(store.ca_certificate.read_bytes())
    signed = []
    for person in people:
        if person.files is not None and person.certificate is not None:
            certificate, key = person.files
            read = x509.load_pem_x509_certificate(certificate.read_bytes())
            assert read.public_bytes(Encoding.DER) == person.certificate
            assert read.issuer == authority.subject
            assert stat.S_IMODE(key.stat().st_mode) == 0o600
            done = subprocess.run(
                ["openssl", "verify", "-x509_strict", "-CAfile", store.ca_certificate, certificate],
                capture_output=True,
                timeout=30,
                check=False,
            )
            signed.append((person.who, done.returncode == 0))
    assert signed == [("alice", True), ("bob", True), ("mallory", True), ("a stranger", False), ("a thief", True)]


def test_a_forged_key_fools_who_compares_and_not_who_verifies(tmp_path: Path) -> None:
    alice = open_client(tmp_path, "alice")
    forged = tmp_path / "forged.key"
    forged.touch(mode=0o600)
    forged.write_bytes(forged_key(x509.load_pem_x509_certificate(alice.certificate.read_bytes())))
    ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(alice.certificate, forged)  # it compares
    (tmp_path / "words").write_text("it is me\n")
    public = subprocess.run(
        ["openssl", "x509", "-in", alice.certificate, "-noout", "-pubkey"], capture_output=True, timeout=30, check=True
    ).stdout
    (tmp_path / "public.pem").write_bytes(public)

    def verified(key: Path) -> bool:
        signed, words = tmp_path / "signed", tmp_path / "words"
        sign = ["openssl", "dgst", "-sha256", "-sign", str(key), "-out", str(signed), str(words)]
        subprocess.run(sign, capture_output=True, timeout=30, check=True)
        verify = ["openssl", "dgst", "-sha256", "-verify", str(tmp_path / "public.pem"), "-signature", str(signed)]
        return subprocess.run([*verify, str(words)], capture_output=True, timeout=30, check=False).returncode == 0

    assert verified(alice.key)
    assert not verified(forged)
