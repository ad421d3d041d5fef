import io
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from capture.errors import KeyLogError
from capture.keylog import read_keylog
from capture.readers import read_segments
from capture.registry import HANDSHAKE_TYPES
from capture.streams import reassemble
from capture.tls import read_records
from lab.decrypting.page import show_list
from lab.decrypting.reading import Connection, Decrypted, decrypt, decrypt_capture
from lab.decrypting.steps import show_steps
from lab.errors import LabError
from lab.sessions import Session, sessions

DATA = Path(__file__).parents[2] / "data"
NUMBERS = {name: number for number, name in HANDSHAKE_TYPES.items()} | {"Hello Retry Request": 2}
OPENED = [
    "tls12",
    "tls12-chacha",
    "renegotiated",
    "tls13-key-update",
    "tls13-retry",
    "tls13-padded",
    "tls13-early",
]


def opened(name: str) -> tuple[Connection, ...]:
    found = decrypt_capture(DATA / f"{name}.pcapng", "native", DATA / f"{name}.keys.txt")
    assert not found.problems
    return found.connections


def session_of(name: str) -> Session:
    (session,) = sessions(reassemble(read_segments(DATA / f"{name}.pcapng", "native")), None)
    return session


@pytest.mark.parametrize("name", OPENED)
def test_handshake_messages_and_record_lengths_as_tshark_has_them(name: str, tool: Callable[[str], str]) -> None:
    command = [
        *(tool("tshark"), "-n", "-r", str(DATA / f"{name}.pcapng"), "-o", f"tls.keylog_file:{DATA / name}.keys.txt"),
        *("-Y", "tls", "-Tfields", "-e", "frame.number", "-e", "tls.handshake.type", "-e", "tls.record.length"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    theirs = {
        int(number): (types, lengths) for number, types, lengths in (x.split("\t") for x in done.stdout.splitlines())
    }
    ours: dict[int, tuple[list[str], list[str]]] = {}
    for connection in opened(name):
        assert connection.problems == ()
        for row in connection.rows:
            assert (row.opened is not None) == (row.protection == "encrypted")
            types, lengths = ours.setdefault(row.spans[-1].frame, ([], []))
            lengths.append(str(len(row.record.fragment)))
            types += [str(NUMBERS[thing.name]) for thing in row.inside if thing.name in NUMBERS]
    assert {frame: (",".join(types), ",".join(lengths)) for frame, (types, lengths) in ours.items()} == theirs


def test_rows_stand_in_the_order_of_their_capture() -> None:
    (connection,) = opened("tls13-key-update")
    places = [(row.spans[0].frame, row.spans[0].first) for row in connection.rows]
    assert places == sorted(places)
    assert [row.record.index for row in connection.rows if row.from_client] == list(range(13))
    # of the client: handshake, and the secret of the key log with four updates; of the server: two updates
    assert len(connection.keys) == 6 + 4
    assert connection.how == "TLS 1.3, TLS_AES_256_GCM_SHA384"


def wrong(name: str, label: str) -> Mapping[tuple[str, bytes], bytes]:
    keys = read_keylog(DATA / f"{name}.keys.txt")
    return {key: bytes(len(secret)) if key[0] == label else secret for key, secret in keys.items()}


def test_a_wrong_secret_names_the_record_and_gives_nothing_of_it() -> None:
    session = session_of("tls13")
    connection = decrypt(session, wrong("tls13", "CLIENT_TRAFFIC_SECRET_0"))
    ours = [row for row in connection.rows if row.from_client]
    failed = next(row for row in ours if row.failed)
    # the handshake before it, and all of the server's, opened
    assert [row.opened is not None for row in ours] == [False, False, True] + [False] * (len(ours) - 3)
    assert failed.record.index == 3
    assert all(row.opened for row in connection.rows if row.protection == "encrypted" and not row.from_client)
    assert all(not row.inside for row in ours[3:])
    (problem,) = connection.problems
    span = failed.spans[0]
    assert problem.startswith("Connection 0: ")
    assert f"do not open record 3 of the client (frame {span.frame}, bytes {span.first}-{span.last})" in problem
    assert problem.endswith("Nothing is given out of that record, nor of those after it.")


def test_no_secret_for_the_connection() -> None:
    connection = decrypt(session_of("tls13"), read_keylog(DATA / "tls12.keys.txt"))
    assert not any(row.opened or row.failed for row in connection.rows)
    assert any(row.inside for row in connection.rows)  # the hellos are in the clear
    assert connection.keys == ()
    # each side misses its own
    assert len(connection.problems) == 2
    assert all("has no keys for a connection of this capture" in problem for problem in connection.problems)


def test_what_comes_after_a_close_notify() -> None:
    session = session_of("tls13-key-update")
    first = next(row.record for row in opened("tls13-key-update")[0].rows if row.from_client)
    stream = session.client.stream
    again = stream.data + stream.data[first.start : first.end]
    pieces = (*stream.pieces, replace(stream.pieces[-1], start=len(stream.data), length=len(first.fragment) + 5))
    client = read_records(replace(stream, data=again, pieces=pieces))
    connection = decrypt(replace(session, client=client), read_keylog(DATA / "tls13-key-update.keys.txt"))
    rows = [row for row in connection.rows if row.from_client]
    assert [row.after_close for row in rows] == [False] * (len(rows) - 1) + [True]
    assert str(rows[-2].inside[0]) == "Close Notify (Warning alert)"
    assert not any(row.after_close for row in connection.rows if not row.from_client)


def test_an_alert_in_the_clear_is_read(tmp_path: Path) -> None:
    keys = tmp_path / "other.keys"
    keys.write_bytes((DATA / "tls13.keys.txt").read_bytes())
    found = decrypt_capture(DATA / "tls-alert-version.pcapng", "native", keys)
    (connection,) = found.connections
    assert [str(row.inside[0]) for row in connection.rows] == ["Client Hello", "Protocol Version (Fatal alert)"]
    assert connection.answer is None
    assert (connection.version, connection.how) == (None, "")
    (problem,) = connection.problems
    assert "handshake of" in problem


def test_without_keys_or_without_tls(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"carries no keys: give the key log of the session with --keylog\."):
        decrypt_capture(DATA / "tls13.pcapng", "native")
    with pytest.raises(LabError, match="There is no TLS connection in"):
        decrypt_capture(DATA / "plain.pcapng", "native", DATA / "tls13.keys.txt")
    with pytest.raises(KeyLogError, match="cannot be read"):
        decrypt_capture(DATA / "tls13.pcapng", "native", tmp_path / "none")


def test_a_torn_capture_is_decrypted_up_to_its_tear(tmp_path: Path) -> None:
    torn = tmp_path / "torn.pcapng"
    torn.write_bytes((DATA / "tls13.pcapng").read_bytes()[:4500])
    found = decrypt_capture(torn, "native", DATA / "tls13.keys.txt")
    assert len(found.problems) == 1
    (connection,) = found.connections
    whole = opened("tls13")[0]
    assert 8 < len(connection.rows) < len(whole.rows)
    assert [row.opened and row.opened.plaintext for row in connection.rows] == [
        row.opened and row.opened.plaintext for row in whole.rows[: len(connection.rows)]
    ]


def test_a_hello_that_breaks_the_rules() -> None:
    session = session_of("tls13")
    content = bytearray(session.server.stream.data)
    content[5 + 4 + 2 + 32] = 0xFF  # a session id of 255 bytes
    broken = read_records(replace(session.server.stream, data=bytes(content)))
    connection = decrypt(replace(session, server=broken), read_keylog(DATA / "tls13.keys.txt"))
    assert connection.answer is None
    (problem,) = connection.problems
    assert "A hello breaks the rules of TLS" in problem
    assert not any(row.opened for row in connection.rows)


FUZZED = {
    name: (session_of(name), read_keylog(DATA / f"{name}.keys.txt"))
    for name in ("tls12", "tls13-key-update", "renegotiated")
}


@given(
    name=st.sampled_from(sorted(FUZZED)),
    changes=st.lists(st.tuples(st.booleans(), st.integers(0, 1 << 16), st.integers(1, 255)), max_size=3),
    cut=st.none() | st.integers(0, 1 << 16),
)
@settings(max_examples=20, deadline=None)
def test_changed_and_cut_anywhere_nothing_is_read_that_was_not_said(
    name: str, changes: list[tuple[bool, int, int]], cut: int | None
) -> None:
    session, keys = FUZZED[name]
    whole = {row.opened.plaintext for row in decrypt(session, keys).rows if row.opened}
    layers = []
    for layer in (session.client, session.server):
        content = bytearray(layer.stream.data)
        for from_client, at, bit in changes:
            if from_client == layer.stream.from_client:
                content[at % len(content)] ^= bit
        if cut is not None:
            del content[cut % len(content) :]
        layers.append(read_records(replace(layer.stream, data=bytes(content))))
    connection = decrypt(replace(session, client=layers[0], server=layers[1]), keys)
    assert {row.opened.plaintext for row in connection.rows if row.opened} <= whole
    for side in (True, False):
        ours = [row for row in connection.rows if row.from_client == side and row.protection == "encrypted"]
        # what opened stands before what did not
        assert [row.opened is not None for row in ours] == sorted(
            (row.opened is not None for row in ours), reverse=True
        )
    out = io.StringIO()
    found = Decrypted((connection,), "a test", ())
    show_list(Console(file=out, width=100), found, found.connections)
    show_steps(Console(file=out, width=100), found, found.connections, whole=False)
    assert "\x1b" not in out.getvalue()
