import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from capture.schedule import KeyBlock
from lab.decrypting.reading import Connection, Decrypted, Row, decrypt_capture
from lab.decrypting.steps import show_steps

DATA = Path(__file__).parents[2] / "data"


def opened(name: str) -> tuple[Decrypted, Connection]:
    found = decrypt_capture(DATA / f"{name}.pcapng", "native", DATA / f"{name}.keys.txt")
    return found, found.connections[0]


def page(found: Decrypted, connection: Connection, *, whole: bool) -> str:
    out = io.StringIO()
    show_steps(Console(file=out, width=400, highlight=False), found, [connection], whole=whole)
    return out.getvalue()


def one(connection: Connection, index: int) -> tuple[Connection, Row]:
    row = next(row for row in connection.rows if row.from_client and row.record.index == index)
    return replace(connection, rows=(row,)), row


@pytest.mark.parametrize("name", ["tls12", "tls12-chacha", "tls13", "tls13-chacha", "tls13-padded"])
def test_every_number_of_a_record_is_shown(name: str) -> None:
    found, connection = opened(name)
    index = next(r.record.index for r in connection.rows if r.from_client and r.opened and r.opened.content_type == 23)
    chosen, row = one(connection, index)
    shown = page(found, chosen, whole=True)
    item = row.opened
    assert item is not None
    for value in (item.record.header, item.ciphertext, item.tag, item.nonce, item.aad, item.plaintext, item.keys.iv):
        assert value.hex() in shown
    assert str(row.spans[0]) in shown
    assert f"padding          {item.padding} bytes" in shown or name.startswith("tls12")
    secret = item.keys.secret
    if isinstance(secret, KeyBlock):
        for value in (secret.master_secret, secret.seed, secret.block, *(part.value for part in secret.parts)):
            assert value.hex() in shown
        assert "TLS1-PRF" in shown
        assert shown.count(", used here") == 2
    else:
        for value in (secret.secret, *(made.info for made in item.keys.expanded), item.keys.key):
            assert value.hex() in shown
        assert f"{secret.label} in the key log" in shown
        assert shown.count("EXPAND_ONLY") == 2
    assert f"{item.keys.suite.aead.__name__}(x(" in shown
    assert "Secrets and keys are shown because you gave them" in shown


def test_a_record_by_itself_shows_every_key_update_before_it() -> None:
    found, connection = opened("tls13-key-update")
    chosen, row = one(connection, 10)
    shown = page(found, chosen, whole=True)
    assert row.opened is not None
    secret = row.opened.keys.secret
    assert not isinstance(secret, KeyBlock)
    assert secret.generation == 4
    chain = [secret]
    while chain[-1].previous is not None:
        chain.append(chain[-1].previous)
    assert len(chain) == 5
    assert all(shown.count(step.secret.hex()) >= 2 for step in chain)
    assert shown.count("update 4 info") == shown.count("update 1 info") == 1
    assert shown.count("EXPAND_ONLY") == 4 + 2


def test_all_steps_show_each_key_once() -> None:
    found, connection = opened("tls13-key-update")
    shown = page(found, connection, whole=False)
    assert shown.count("From the secret to the key and the IV of the") == len(connection.keys) == 10
    assert shown.count("Record ") == len(connection.rows)
    assert "openssl" not in shown
    assert "CLIENT_TRAFFIC_SECRET_0 after 3 key updates" in shown
    assert "means nothing" in shown


def test_hostile_words_and_long_records() -> None:
    found, connection = opened("tls13")
    index = next(r.record.index for r in connection.rows if r.from_client and r.opened and r.opened.content_type == 23)
    _, row = one(connection, index)
    assert row.opened is not None
    item = replace(row.opened, plaintext=b"\x1b[2J", record=replace(row.opened.record, fragment=bytes(5000)))
    shown = page(found, replace(connection, rows=(replace(row, opened=item),)), whole=True)
    assert "\x1b" not in shown
    assert "“\\x1b[2J”" in shown
    assert "too long for a line; --json has all of it" in shown
    assert "0" * 5000 not in shown
