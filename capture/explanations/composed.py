"""Sentences for numbers whose names say all: cipher suites, kinds of signatures, groups out of use.

Pure. Takes a registered name (`capture.registry`) to pieces and puts the sentences of the pieces together: no sentence
of its own stands here. What the names are made of: RFC 5246, appendix C; RFC 8446, sections 4.2.3 and B.4.
"""

import re
from collections.abc import Mapping
from typing import Any

from capture import registry
from capture.registry import CIPHER_SUITES, GREASE, GROUPS, SIGNATURE_SCHEMES

_SUITE = re.compile(
    r"TLS_(?:(?P<exchange>\w+)_WITH_)?"
    r"(?P<cipher>NULL|RC4|3DES_EDE_CBC|AES|CAMELLIA|ARIA|CHACHA20)(?:_(?P<bits>\d+))?"
    r"(?:_(?P<mode>CBC|GCM|CCM_8|CCM|POLY1305))?(?:_(?P<hash>\w+))?"
)
_SCHEME = re.compile(r"(?P<kind>rsa_pkcs1|rsa_pss_rsae|rsa_pss_pss|ecdsa)(?:_(?P<curve>\w+))?_sha(?P<bits>\d+)")
_PAIR = re.compile(r"(?P<hash>\w+) (?P<kind>RSA|DSA|ECDSA)")
_PAIR_KINDS = {"RSA": "rsa_pkcs1", "DSA": "dsa", "ECDSA": "ecdsa"}
_CIPHERS = {"CAMELLIA": "Camellia"}
_HASHES = {"SHA": "SHA-1", "SHA256": "SHA-256", "SHA384": "SHA-384", "SHA1": "SHA-1"}
_BESIDE = {"GCM", "CCM", "CCM_8", "POLY1305"}  # modes that make check values themselves: the hash derives keys only
_GREASED = {"suite", "scheme", "group", "extension", "version"}


def sentence(table: str, number: int, parts: Mapping[str, Any]) -> str | None:
    """Return what a number means.

    Args:
        table: the table that the number is of: "suite", "scheme", "group", or another one.
        number: of any size.
        parts: the language's composed.toml.

    Returns:
        None where its name is not known, or says nothing.
    """
    if table in _GREASED and number in GREASE:
        return str(parts["signal"]["GREASE"])
    if table == "suite" and number in CIPHER_SUITES:
        return _suite(CIPHER_SUITES[number], parts)
    if table == "scheme" and number in SIGNATURE_SCHEMES:
        return _scheme(SIGNATURE_SCHEMES[number], parts["scheme"])
    if table == "group" and number in GROUPS:
        return str(parts["group"]["old"].format(name=registry.name(GROUPS, number)))
    return None


def _suite(name: str, parts: Mapping[str, Any]) -> str:
    if name in parts["signal"]:
        return str(parts["signal"][name])
    found = _SUITE.fullmatch(name)
    assert found is not None, name
    cipher, mode, hashed = found["cipher"], found["mode"], found["hash"] or "SHA256"  # RFC 6655, section 3
    words = parts["suite"]
    return str(
        words["sentence"].format(
            exchange=words["exchange"][found["exchange"] or "TLS13"],
            cipher=words["cipher"][mode or cipher].format(cipher=_CIPHERS.get(cipher, cipher), bits=found["bits"]),
            hash=words["hash"]["derives" if mode in _BESIDE else "checks"].format(hash=_HASHES.get(hashed, hashed)),
        )
    )


def _scheme(name: str, words: Mapping[str, str]) -> str:
    if name in words:
        return words[name]
    if pair := _PAIR.fullmatch(name):
        return words[_PAIR_KINDS[pair["kind"]]].format(hash=pair["hash"].replace("SHA", "SHA-"))
    found = _SCHEME.fullmatch(name)
    assert found is not None, name
    kind = "ecdsa_curve" if found["curve"] else found["kind"]
    return words[kind].format(hash=f"SHA-{found['bits']}", curve=found["curve"])
