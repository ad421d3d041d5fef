"""What sharkd and pdml leave to be found out about a field alike: its value as a number, its name, its source's kind.

Pure. Knows how Wireshark writes values, and the titles it gives to bytes that are not the frame's.
"""

import functools
import re

from capture.dissection import SourceKind

_NUMBER = re.compile(r"-?(?:0x[0-9a-fA-F]+|[0-9]+)")
_TRUTH = {"True": 1, "TRUE": 1, "False": 0, "FALSE": 0}  # since Wireshark 4.2; 1 and 0 before

# Fields without a value have no display filter to their value, which is where sharkd has names from. These are known by
# their text.
_NAMES = tuple(
    (re.compile(text), name)
    for text, name in (
        (r"(\S+ )?Record Layer(: |$)", "tls.record"),
        (r"Handshake Protocol: ", "tls.handshake"),
        (r"Change Cipher Spec Message$", "tls.change_cipher_spec"),
        (r"Alert Message(: |$)", "tls.alert_message"),
        (r"Verify Data$", "tls.handshake.verify_data"),
        (r"Heartbeat Message$", "tls.heartbeat_message"),
        (r"Certificates \(\d+ bytes\)$", "tls.handshake.certificates"),
        (r"Certificate types \(\d+ types?\)$", "tls.handshake.cert_types"),
        (r"Distinguished Names \(\d+ bytes?\)$", "tls.handshake.dnames"),
        (r"Distinguished Name: ", "tls.handshake.dname"),
        (r"Cipher Suites \(\d+ suites?\)$", "tls.handshake.ciphersuites"),
        (r"Compression Methods \(\d+ methods?\)$", "tls.handshake.comp_methods"),
        (r"Supported Groups \(\d+ groups?\)$", "tls.handshake.extensions_supported_groups"),
        (r"Elliptic curves point formats \(\d+\)$", "tls.handshake.extensions_ec_point_formats"),
        (r"Signature Hash Algorithms \(\d+ algorithms?\)$", "tls.handshake.sig_hash_algs"),
        (r"ALPN Protocol$", "tls.handshake.extensions_alpn_list"),
        (r"PSK Binders$", "tls.handshake.extensions.psk.binders"),
        (r"\d+ Reassembled Handshake Fragments ", "tls.handshake.fragments"),
        (r"\d+ Reassembled TLS segments ", "tls.segments"),
        (r"\d+ Reassembled TCP Segments ", "tcp.segments"),
        (r"\d+ IPv4 Fragments ", "ip.fragments"),
        (r"\d+ IPv6 Fragments ", "ipv6.fragments"),
        (r"Pad(N|1)$", "ipv6.opt"),
        (r"signedCertificate$", "x509af.signedCertificate_element"),
        (r"signature \(", "x509af.signature_element"),
        (r"validity$", "x509af.validity_element"),
        (r"subjectPublicKeyInfo$", "x509af.subjectPublicKeyInfo_element"),
        (r"algorithmIdentifier \(", "x509af.algorithmIdentifier_element"),
        (r"algorithm \(", "x509af.algorithm_element"),
        (r"Extension \(", "x509af.Extension_element"),
        (r"BasicConstraintsSyntax( |$)", "x509ce.BasicConstraintsSyntax_element"),
        (r"AuthorityKeyIdentifier$", "x509ce.AuthorityKeyIdentifier_element"),
        (r"RelativeDistinguishedName item \(", "x509if.RelativeDistinguishedName_item_element"),
    )
)


def number_of(value: str, data: bytes) -> int | None:
    """Return the number that a field's value is, None where it is none.

    Args:
        value: as Wireshark writes it in a display filter, or in PDML's `show`: "38", "0x0303", "01:02", "hello".
        data: the bytes of the field. One byte of no type is written "16" like a number, and text is not quoted in PDML:
            what such bytes are decides.
    """
    if value in _TRUTH:
        return None if data.rstrip(b"\0") == value.encode() else _TRUTH[value]
    if not _NUMBER.fullmatch(value) or data.hex() == value or data.rstrip(b"\0") == value.encode():
        return None
    return int(value, 0) if "x" in value else int(value)


@functools.lru_cache(maxsize=1024)  # a capture has few such texts, and each of them often
def name_of(label: str) -> str:
    """Return the name of a field that has no value, from Wireshark's text for it; "" where it is not known."""
    return next((name for text, name in _NAMES if text.match(label)), "")


def kind_of(title: str) -> SourceKind:
    """Return what the bytes are that Wireshark gives a title of their own: "Decrypted TLS (52 bytes)"."""
    return "decrypted" if title.startswith("Decrypted") else "reassembled"
