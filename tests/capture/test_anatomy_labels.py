from pathlib import Path

import pytest

from capture.anatomy_labels import label, number_name
from capture.dissectors import native
from capture.fields import Field
from capture.hello import RETRY_RANDOM

DATA = Path(__file__).parent.parent / "data"

LABELS = [
    ("tls.record.version", 0x0303, 2, "Version: TLS 1.2 (0x0303)"),
    ("tls.record.content_type", 22, 1, "Content Type: Handshake (22)"),
    ("tls.handshake.ciphersuite", 0x1302, 2, "Cipher Suite: TLS_AES_256_GCM_SHA384 (0x1302)"),
    ("tls.handshake.ciphersuite", 0x1A1A, 2, "Cipher Suite: Reserved (GREASE) (0x1a1a)"),
    ("tls.handshake.ciphersuite", 0xFEFE, 2, "Cipher Suite: Unknown (0xfefe)"),
    ("tls.handshake.server_curve_type", 3, 1, "Curve Type: named_curve (0x03)"),
    ("tls.handshake.session_ticket_lifetime_hint", 7200, 4, "Session Ticket Lifetime Hint: 7200 seconds (2 hours)"),
    (
        "tls.handshake.session_ticket_lifetime_hint",
        90061,
        4,
        "Session Ticket Lifetime Hint: 90061 seconds (1 day, 1 hour, 1 minute, 1 second)",
    ),
    ("tls.handshake.session_ticket_lifetime_hint", 7, 4, "Session Ticket Lifetime Hint: 7 seconds"),
    ("tls.handshake.random_time", 576682982, 4, "GMT Unix Time: Apr 10, 1988 13:43:02.000000000 UTC"),
    ("tls.handshake.random", RETRY_RANDOM, 32, f"Random: {RETRY_RANDOM.hex()} (HelloRetryRequest magic)"),
    ("tls.handshake.extension.data", b"12", 2, "Data (2 bytes)"),
    ("tls.handshake.verify_data", b"12", 2, "Verify Data"),
    ("tls.handshake.extensions_server_name", "a\x1b[2J", 5, "Server Name: a\\x1b[2J"),
    ("tls.record.length", 38, 2, "Length: 38"),
]


@pytest.mark.parametrize(("name", "value", "size", "text"), LABELS)
def test_labels(name: str, value: int | bytes | str, size: int, text: str) -> None:
    assert label(Field(name, value, 0, size)) == text


def test_numbers_without_a_name() -> None:
    assert number_name("tls.handshake.extension.type", 0x1234) == "Unknown type 4660"
    assert number_name("tls.handshake.type", 99) == "Unknown"


@pytest.mark.parametrize("name", ["tls13-early", "tls12-resumed", "foreign-tls11", "tls13-key-update"])
def test_every_field_has_a_title(name: str) -> None:
    keys = DATA / f"{name}.keys.txt"
    found = native.dissect(DATA / f"{name}.pcapng", ports={}, keylog=keys if keys.exists() else None)
    labels = [node.label for dissection in found for node in dissection.nodes]
    assert len(labels) > 1000
    assert not [text for text in labels if text.startswith("tls.")]
