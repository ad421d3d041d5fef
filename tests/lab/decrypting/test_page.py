import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from capture.keylog import read_keylog
from capture.readers import read_segments
from capture.streams import reassemble
from lab.decrypting.page import keys_name, show_list, words
from lab.decrypting.reading import Connection, Decrypted, decrypt, decrypt_capture
from lab.sessions import sessions

DATA = Path(__file__).parents[2] / "data"


def opened(name: str) -> Decrypted:
    return decrypt_capture(DATA / f"{name}.pcapng", "native", DATA / f"{name}.keys.txt")


def page(found: Decrypted, connections: Sequence[Connection] | None = None, width: int = 120) -> str:
    out = io.StringIO()
    show_list(Console(file=out, width=width, highlight=False), found, connections or found.connections)
    return out.getvalue()


def rows_of(found: Decrypted) -> set[str]:
    """The lines of the page, with one space between words."""
    return {" ".join(line.split()) for line in page(found).splitlines()}


def test_a_row_says_where_what_and_under_which_keys() -> None:
    lines = rows_of(opened("tls13-key-update"))
    assert "→ 6 20 66-107 37 23 > 23 traffic 2 0 0 “hello, who is here?\\x0a”" in lines
    assert "← 9 22 66-92 22 23 > 22 traffic 0 3 0 Key Update (update_not_requested)" in lines
    assert "→ 0 6 66-380 310 22 clear Client Hello" in lines
    assert "TLS 1.3, TLS_AES_256_GCM_SHA384" in lines
    assert any(line.startswith("Connection 0: 127.0.0.1:") for line in lines)


def test_early_data_and_padding() -> None:
    assert "→ 2 24 486-532 42 23 > 23 early 0 0 “anna\\x0ahello, who is here?\\x0a”" in rows_of(opened("tls13-early"))
    assert "→ 3 11 66-150 80 23 > 23 traffic 0 0 58 “anna\\x0a”" in rows_of(opened("tls13-padded"))


def test_what_fails_and_what_stays_closed() -> None:
    keys = dict(read_keylog(DATA / "tls13.keys.txt"))
    keys = {key: bytes(48) if key[0] == "CLIENT_TRAFFIC_SECRET_0" else secret for key, secret in keys.items()}
    (session,) = sessions(reassemble(read_segments(DATA / "tls13.pcapng", "native")), None)
    connection = decrypt(session, keys)
    lines = page(Decrypted((connection,), "a test", ()), width=140).splitlines()
    assert sum("does not open with these keys: nothing is given out" in line for line in lines) == 1
    assert (
        sum(line.rstrip().endswith(" closed") for line in lines)
        == len([r for r in connection.rows if r.from_client]) - 4
    )
    assert not any("“anna\\x0a”" in line for line in lines)


def test_captured_words_cannot_take_over_the_terminal() -> None:
    (connection,) = opened("tls13").connections
    rows = tuple(
        replace(row, opened=replace(row.opened, plaintext=b"\x1b[2Jhello [bold]\xe2\x80\xae")) if row.opened else row
        for row in connection.rows
    )
    shown = page(Decrypted((replace(connection, rows=rows),), "\x1b[31mhere", ()), width=160)
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "“\\x1b[2Jhello [bold]\\u202e”" in shown
    assert "\\x1b[31mhere" in shown


@pytest.mark.parametrize(
    ("plaintext", "shown"), [(b"", "nothing"), (b"hi", "“hi”"), ("¿qué?".encode(), "“¿qué?”"), (b"\xff\0", "ff00")]
)
def test_words(plaintext: bytes, shown: str) -> None:
    assert words(plaintext) == shown


def test_long_words_are_cut_and_narrow_pages_hold() -> None:
    (connection,) = opened("tls13").connections
    rows = tuple(
        replace(row, opened=replace(row.opened, plaintext=b"x" * 5000), inside=()) if row.opened else row
        for row in connection.rows
    )
    shown = page(Decrypted((replace(connection, rows=rows),), "here", ()), width=100)
    assert shown.count("x" * 20) < 200
    assert "…" in shown
    assert max(map(len, shown.splitlines())) <= 100


def test_names_of_keys() -> None:
    assert [keys_name(keys) for keys in opened("tls12").connections[0].keys] == ["key block"] * 2
    names = [keys_name(keys) for keys in opened("tls13-early").connections[1].keys]
    assert sorted(names) == ["early", "handshake", "handshake", "traffic 0", "traffic 0"]
