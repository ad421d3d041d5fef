"""The shipped recording opened with right and wrong keys."""

import json
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from capture.errors import CaptureError
from capture.keylog import KeyLog, read_keylog
from capture.readers import read_segments
from capture.streams import ByteStream, reassemble
from lab.scenario import Sent
from lab.scenarios.keys.matrix import RSA, Files, Means, Row, examine
from lab.scenarios.keys.recording import SHIPPED
from lab.scenarios.keys.verdict import is_read
from lab.verdict import Expected

FILES = Files(SHIPPED / "keys-rsa.pcapng", SHIPPED / "keys-rsa.key.pem", SHIPPED / "keys-rsa.keys.txt")
STREAMS = reassemble(read_segments(FILES.capture, "scapy"))
SENT = tuple(
    Sent(m["number"], m["who"], m["text"], tuple(m["heard_by"]), m["time_ns"])
    for m in json.loads((SHIPPED / "keys-rsa.sent.json").read_text())
)
KEYLOG = read_keylog(FILES.keylog)


def private() -> rsa.RSAPrivateKey:
    key = load_pem_private_key(FILES.key.read_bytes(), password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def opened(
    *,
    streams: tuple[ByteStream, ...] = STREAMS,
    key: rsa.RSAPrivateKey | None = None,
    keylog: KeyLog = KEYLOG,
    sent: tuple[Sent, ...] = SENT,
) -> Row:
    return examine(RSA, FILES, sent, streams, key or private(), keylog)


def outcome(row: Row) -> Mapping[Means, tuple[int, bool]]:
    return {means: (cell.verdict.read, is_read(cell)) for means, cell in row.cells.items()}


def test_the_recording() -> None:
    row = opened()
    assert outcome(row) == {Means.NOTHING: (0, False), Means.STOLEN_KEY: (12, True), Means.KEY_LOG: (12, True)}
    assert row.cells[Means.NOTHING].verdict.expected is Expected.UNREADABLE
    assert row.cells[Means.NOTHING].verdict.ok, "it was searched, and looks random"
    assert len(row.recovered) == len(row.exchanges) == 3
    assert [secrets.master for secrets in row.recovered] == [
        KEYLOG["CLIENT_RANDOM", secrets.client_random] for secrets in row.recovered
    ]
    assert (row.suites, row.problems) == ((RSA.suite,), ())


def test_every_message_stands_where_tshark_reads_it(tool: Callable[[str], str]) -> None:
    row = opened()
    command = [tool("tshark"), "-n", "-r", str(FILES.capture), "-o", f'uat:rsa_keys:"{FILES.key}",""']
    command += [f"-dtcp.port=={row.port},tls", f"-dtls.port=={row.port},data", "-Y", f"tcp.dstport=={row.port} && data"]
    command += ["-Tfields", "-eframe.number", "-edata.data"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    shown = [line.split("\t") for line in done.stdout.splitlines()]
    for finding in row.cells[Means.STOLEN_KEY].verdict.findings:
        assert finding.heard is not None
        frames = [int(frame) for frame, payload in shown if (finding.sent.text.encode() + b"\n").hex() in payload]
        assert frames == [finding.heard.spans[-1].frame]
    assert row.cells[Means.STOLEN_KEY].spans == row.cells[Means.KEY_LOG].spans


def test_the_key_of_another_server() -> None:
    row = opened(key=rsa.generate_private_key(65537, 2048))
    cell = row.cells[Means.STOLEN_KEY]
    assert outcome(row)[Means.STOLEN_KEY] == (0, False)
    assert cell.reasons == (
        "The private key is not the one of the server's certificate in this capture: it opens nothing.",
    )
    assert row.recovered == ()
    assert cell.spans == row.exchanges[0].spans


def test_the_key_log_of_another_run() -> None:
    row = opened(keylog=read_keylog(SHIPPED / "tls12-rsa.keys.txt"))
    assert outcome(row)[Means.KEY_LOG] == (0, False)
    assert all("it belongs to another session" in reason for reason in row.cells[Means.KEY_LOG].reasons)
    assert outcome(row)[Means.STOLEN_KEY] == (12, True)


def test_a_key_log_with_wrong_secrets() -> None:
    row = opened(keylog={name: bytes([secret[0] ^ 1]) + secret[1:] for name, secret in KEYLOG.items()})
    assert outcome(row)[Means.KEY_LOG] == (0, False)
    assert any("do not open record" in reason for reason in row.cells[Means.KEY_LOG].reasons)


def test_one_connection_that_stays_closed() -> None:
    """Two of three are not the whole conversation."""
    kept = {name: secret for name, secret in KEYLOG.items() if name[1] != opened().recovered[2].client_random}
    row = opened(keylog=kept)
    read, whole = outcome(row)[Means.KEY_LOG]
    assert 0 < read < 12
    assert not whole


@pytest.mark.parametrize("lost", range(3))
def test_a_connection_that_is_missing(lost: int) -> None:
    row = opened(streams=STREAMS[: 2 * lost] + STREAMS[2 * lost + 2 :])
    for means in (Means.STOLEN_KEY, Means.KEY_LOG):
        read, whole = outcome(row)[means]
        assert read < 12
        assert not whole


def test_a_message_that_was_never_sent() -> None:
    row = opened(sent=(*SENT, replace(SENT[0], number=13, text="nobody has said this")))
    assert outcome(row)[Means.KEY_LOG] == (12, False)
    assert outcome(row)[Means.STOLEN_KEY] == (12, False)


def test_what_is_no_session() -> None:
    with pytest.raises(CaptureError, match=r"no connection of the session TLS 1\.2, RSA"):
        opened(streams=())
    plain = reassemble(read_segments(SHIPPED / "plain.pcapng", "scapy"))
    with pytest.raises(CaptureError, match="is not in the capture"):
        opened(streams=plain)


def test_a_capture_that_ends_too_early() -> None:
    """What is missing is a problem of the row, never "unreadable"."""
    stream = STREAMS[0]
    short = replace(stream, data=stream.data[:-3])
    row = opened(streams=(short, *STREAMS[1:]))
    assert any("ends" in problem and "bytes into a record" in problem for problem in row.problems)
