from pathlib import Path

import pytest

from capture.errors import KeyLogError
from capture.keylog import parse_keylog, read_keylog

RANDOM = "ab" * 32


def test_labels_randoms_secrets() -> None:
    text = f"# a comment\n\nCLIENT_RANDOM {RANDOM} 0102\r\nSERVER_TRAFFIC_SECRET_0 {RANDOM.upper()} FF\n"
    assert parse_keylog(text) == {
        ("CLIENT_RANDOM", b"\xab" * 32): b"\1\2",
        ("SERVER_TRAFFIC_SECRET_0", b"\xab" * 32): b"\xff",
    }


@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parent.parent / "data").glob("*.keys.txt")), ids=lambda p: p.stem
)
def test_what_openssl_writes(path: Path) -> None:
    keylog = read_keylog(path)
    labels = {label for label, _ in keylog}
    if path.name.startswith("tls12"):
        assert labels == ({"CLIENT_RANDOM", "RSA"} if "-rsa" in path.name else {"CLIENT_RANDOM"})
    else:
        assert labels >= {f"{side}_TRAFFIC_SECRET_0" for side in ("CLIENT", "SERVER")}
        assert labels >= {f"{side}_HANDSHAKE_TRAFFIC_SECRET" for side in ("CLIENT", "SERVER")}


@pytest.mark.parametrize(
    "line",
    [
        "hello",
        f"CLIENT_RANDOM {RANDOM}",
        f"CLIENT_RANDOM {RANDOM[2:]} 0102",
        f"CLIENT_RANDOM {RANDOM} 010",
        f"CLIENT_RANDOM {RANDOM} 0102 03",
        f"client_random {RANDOM} 0102",
        f"CLIENT_RANDOM {RANDOM[:-1]}g 0102",
        "\x1b[2J",
    ],
)
def test_a_line_of_something_else(line: str) -> None:
    with pytest.raises(KeyLogError, match="line 2 is not a label, a client random and a secret in hex") as raised:
        parse_keylog(f"CLIENT_RANDOM {RANDOM} 01\n{line}\n", "it")
    assert "\x1b" not in str(raised.value)


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n"])
def test_no_secret(text: str) -> None:
    with pytest.raises(KeyLogError, match="the key log holds no secret"):
        parse_keylog(text)


def test_files(tmp_path: Path) -> None:
    with pytest.raises(KeyLogError, match="cannot be read: No such file"):
        read_keylog(tmp_path / "nowhere")
    path = tmp_path / "keys"
    path.write_bytes(b"CLIENT_RANDOM \xff")
    with pytest.raises(KeyLogError, match="byte 14 is not text"):
        read_keylog(path)
    path.write_text(f"CLIENT_RANDOM {RANDOM} 01")
    assert len(read_keylog(path)) == 1
