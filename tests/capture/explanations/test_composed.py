import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from capture import registry
from capture.explanations import composed

FOLDER = Path(composed.__file__).parent
PARTS: dict[str, dict[str, Any]] = {
    language: tomllib.loads((FOLDER / language / "composed.toml").read_text(encoding="utf-8"))
    for language in ("en", "es")
}


@pytest.mark.parametrize("language", PARTS)
@pytest.mark.parametrize("table", ["suite", "scheme", "group"])
def test_every_name_makes_a_sentence(table: str, language: str) -> None:
    names = {
        "suite": registry.CIPHER_SUITES,
        "scheme": registry.SIGNATURE_SCHEMES,
        "group": registry.GROUPS,
    }[table]
    for number, name in names.items():
        text = composed.sentence(table, number, PARTS[language])
        assert text is not None, name
        assert re.fullmatch(r"[A-Z].+\.", text), (name, text)
        assert not re.search(r"\{|None", text), (name, text)


def test_suites() -> None:
    def english(number: int) -> str | None:
        return composed.sentence("suite", number, PARTS["en"])

    assert english(0x1302) == (
        "For TLS 1.3, where the key agreement is chosen apart from the suite. "
        "AES encrypts with a key of 256 bits, in GCM mode, which also notices every change. SHA-384 derives the keys."
    )
    # RFC 5246, appendix A.5: AES with 128 bits in CBC, HMAC with SHA-1, and the secret encrypted with RSA
    assert english(0x002F) == (
        "The client sends the secret encrypted with the server's RSA key: who gets that key later reads everything. "
        "AES encrypts with a key of 128 bits, in the old CBC mode, which is easily used wrongly. "
        "SHA-1 makes the check values that betray changes."
    )
    assert "SHA-256 derives" in str(english(0xC0AC))  # RFC 6655, section 3: CCM without a hash in its name
    assert "Nothing is encrypted" in str(english(0x0002))
    assert "Not a suite but a signal" in str(english(0x00FF))
    assert "GREASE" in str(english(0x3A3A))
    assert english(0x9999) is None
    assert english(1 << 70) is None


def test_signatures() -> None:
    def english(number: int) -> str | None:
        return composed.sentence("scheme", number, PARTS["en"])

    assert english(0x0503) == (
        "A signature on an elliptic curve (ECDSA) over a hash made with SHA-384; "
        "in TLS 1.3 the curve must be secp384r1."
    )
    assert english(0x0203) == "A signature on an elliptic curve (ECDSA) over a hash made with SHA-1."
    assert english(0x0101) == "An RSA signature in the old form (PKCS #1) over a hash made with MD5."
    assert english(0x0302) == "A DSA signature over a hash made with SHA-224; out of use."
    assert english(0x2A2A) == PARTS["en"]["signal"]["GREASE"]


def test_other_tables() -> None:
    assert composed.sentence("alert", 40, PARTS["en"]) is None
    assert composed.sentence("alert", 0x2A2A, PARTS["en"]) is None
    assert "sect163k1" in str(composed.sentence("group", 1, PARTS["es"]))
