"""Each line is run as it is printed, by a shell, and has to print what the lab has."""

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from capture.opened import Opened
from capture.schedule import KeyBlock
from lab.decrypting import redo
from lab.decrypting.reading import decrypt_capture

DATA = Path(__file__).parents[2] / "data"


def opened(name: str) -> list[Opened]:
    found = decrypt_capture(DATA / f"{name}.pcapng", "native", DATA / f"{name}.keys.txt")
    return [row.opened for connection in found.connections for row in connection.rows if row.opened]


def run(line: str) -> str:
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=30, check=True)
    return done.stdout.strip()


def printed(line: str) -> bytes:
    return bytes.fromhex(run(line).replace(":", ""))


@pytest.mark.parametrize("name", ["tls13-key-update", "tls13-chacha", "tls13-aes128"])
def test_keys_of_tls_1_3(name: str, tool: Callable[[str], str]) -> None:
    tool("openssl")
    keys = opened(name)[-1].keys
    secret = keys.secret
    assert not isinstance(secret, KeyBlock)
    for made in keys.expanded:
        assert printed(redo.expand(secret.secret, made, keys.suite)) == made.output
    if secret.previous is not None and secret.update is not None:
        assert printed(redo.expand(secret.previous.secret, secret.update, keys.suite)) == secret.secret
    assert (secret.previous is not None) == (name == "tls13-key-update")


@pytest.mark.parametrize("name", ["tls12", "tls12-aes256", "tls12-chacha"])
def test_the_key_block_of_tls_1_2(name: str, tool: Callable[[str], str]) -> None:
    tool("openssl")
    keys = opened(name)[0].keys
    assert isinstance(keys.secret, KeyBlock)
    assert printed(redo.key_block(keys.secret, keys.suite)) == keys.secret.block


@pytest.mark.parametrize("name", ["tls12", "tls12-chacha", "tls13-key-update", "tls13-padded"])
def test_records(name: str) -> None:
    item = next(item for item in opened(name)[::-1] if item.content_type == 23)
    line = redo.nonce(item)
    if name == "tls12":
        assert line is None  # it is only put together
    else:
        assert line is not None
        assert bytes.fromhex(run(line)) == item.nonce
    line = redo.decrypt(item)
    assert line is not None
    inner = item.plaintext
    if name.startswith("tls13"):
        inner += bytes([item.content_type]) + bytes(item.padding)
    assert run(line) == repr(inner)
    # change a digit of the tag, and it opens nothing
    tag = item.tag.hex()
    changed = line.replace(tag, f"{int(tag[0], 16) ^ 1:x}{tag[1:]}")
    assert changed != line
    failed = subprocess.run(["sh", "-c", changed], capture_output=True, text=True, timeout=30, check=False)
    assert failed.returncode == 1
    assert failed.stdout == ""
    assert "InvalidTag" in failed.stderr


def test_a_record_that_is_too_long_for_a_line() -> None:
    item = opened("tls13")[0]
    assert redo.decrypt(replace(item, record=replace(item.record, fragment=bytes(1024)))) is not None
    assert redo.decrypt(replace(item, record=replace(item.record, fragment=bytes(1025)))) is None
