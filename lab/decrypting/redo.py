"""The lines that do a step of the decryption again, without the lab: openssl for the keys, python for the rest. Pure.

Each line runs as it is printed; OpenSSL 3 and Python with `cryptography` are all that they need.
"""

import shlex
import sys
from pathlib import Path

from capture.opened import Opened
from capture.schedule import Expanded, KeyBlock, Suite

_LONGEST = 1024  # bytes of a record that still fit a line to copy


def expand(secret: bytes, made: Expanded, suite: Suite) -> str:
    """Return the openssl line that prints what HKDF-Expand makes of a secret (RFC 5869, section 2.3)."""
    options = f"-kdfopt hexkey:{secret.hex()} -kdfopt hexinfo:{made.info.hex()}"
    return f"openssl kdf -keylen {len(made.output)} {_digest(suite)} -kdfopt mode:EXPAND_ONLY {options} HKDF"


def key_block(made: KeyBlock, suite: Suite) -> str:
    """Return the openssl line that prints the key block of TLS 1.2."""
    options = f"-kdfopt hexsecret:{made.master_secret.hex()} -kdfopt hexseed:{made.seed.hex()}"
    return f"openssl kdf -keylen {len(made.block)} {_digest(suite)} {options} TLS1-PRF"


def _digest(suite: Suite) -> str:
    return f"-kdfopt digest:{suite.hash.name.upper()}"


def nonce(opened: Opened) -> str | None:
    """Return the python line that prints the nonce of a record; None where it is only put together."""
    if opened.keys.suite.explicit:
        return None
    return _python(f'print((0x{opened.keys.iv.hex()} ^ {opened.sequence}).to_bytes(12, "big").hex())')


def decrypt(opened: Opened) -> str | None:
    """Return the python line that prints what the AEAD makes of a record; None where it is too long for a line."""
    if len(opened.record.fragment) > _LONGEST:
        return None
    aead = opened.keys.suite.aead.__name__
    sealed = (opened.ciphertext + opened.tag).hex()
    given = ", ".join(f'x("{part}")' for part in (opened.nonce.hex(), sealed, opened.aad.hex()))
    imported = f"from cryptography.hazmat.primitives.ciphers.aead import {aead}; x = bytes.fromhex"
    return _python(f'{imported}; print({aead}(x("{opened.keys.key.hex()}")).decrypt({given}))')


def _python(program: str) -> str:
    return f"{shlex.quote(str(Path(sys.executable)))} -c {shlex.quote(program)}"
