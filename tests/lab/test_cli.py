"""The commands, in-process where that is enough; tests/lab/demo runs them as processes."""

import contextlib
import gzip
import io
import json
import struct
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from capture.readers import READERS, read_segments
from capture.segment import Segment
from capture.sources.source import Counters
from lab.cli import main
from lab.scenario import CONVERSATION, messages


@dataclass(frozen=True, slots=True)
class Done:
    status: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """The one line on standard error."""
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].endswith((".", ")")), self.err
        return lines[0]


Run = Callable[..., Done]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("COLUMNS", "200")

    def run_it(*arguments: str | Path, data: bytes = b"") -> Done:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
        status = main([str(argument) for argument in arguments])
        captured = capfd.readouterr()
        return Done(status, captured.out, captured.err)

    return run_it


@pytest.fixture
def tap(run: Run, tmp_path: Path) -> Run:
    """Run a demo through the tap, which needs no rights."""
    fixed = ("--way=tap", "--plain-port=0", "--tls-port=0", f"--keep={tmp_path}/runs", f"--certs={tmp_path}/certs")
    return lambda *arguments: run("demo", *fixed, *arguments)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of both demos."""
    path = tmp_path_factory.mktemp("recorded")
    fixed = ["--way=tap", "--plain-port=0", "--tls-port=0", f"--keep={path}/runs", f"--certs={path}/certs"]
    with contextlib.redirect_stdout(io.StringIO()):
        assert main(["demo", "both", *fixed]) == 0
    (folder,) = (path / "runs").iterdir()
    return folder


# --- demo: what is said


def chats(done: Done) -> dict[str, Any]:
    printed = json.loads(done.out)
    assert printed["as_expected"] is (done.status == 0)
    found: dict[str, Any] = printed["chats"]
    return found


def texts(chat: dict[str, Any]) -> list[tuple[str, str]]:
    return [(message["who"], message["text"]) for message in chat["messages"]]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param("\n".join("abcdefghij").encode(), list("abcdefghij"), id="one letter each"),
        pytest.param(b"twice\ntwice\nonce\ntwice", ["twice", "twice", "once", "twice"], id="the same message"),
        pytest.param(b"\xef\xbb\xbfone\r\ntwo\r\n\r\nthree\r\n", ["one", "two", "three"], id="a file of Windows"),
        pytest.param(
            "ab\u202etxet\u202c\nzero\u200bwidth\nlínea otra\n\u2028end\n!!! not a command".encode(),
            ["ab\u202etxet\u202c", "zero\u200bwidth", "línea otra", "\u2028end", "!!! not a command"],
            id="odd characters",
        ),
        pytest.param(("x" * 4096).encode(), ["x" * 4096], id="the longest line"),
        pytest.param(b"only one", ["only one"], id="one message"),
        pytest.param(
            "\n".join(f"message number {n}" for n in range(80)).encode(),
            [f"message number {n}" for n in range(80)],
            id="80 messages",
        ),
    ],
)
def test_own_messages(tap: Run, tmp_path: Path, content: bytes, expected: list[str]) -> None:
    file = tmp_path / "messages.txt"
    file.write_bytes(content)
    done = tap("both", "--json", f"--messages={file}")
    assert (done.status, done.err) == (0, "")
    found = chats(done)
    plain, closed, opened = found["plain"]["without_keys"], found["tls"]["without_keys"], found["tls"]["with_keys"]
    for verdict in (plain, closed, opened):
        assert [text for _, text in texts(verdict)] == expected
    assert (plain["read"], closed["read"], closed["found"], opened["read"]) == (len(expected), 0, 0, len(expected))


def test_messages_with_names(tap: Run, tmp_path: Path) -> None:
    file = tmp_path / "messages.txt"
    file.write_text("dora > hi\nemil > a > b\nno name\nJosé > ¿qué?\n", encoding="utf-8")
    done = tap("plain", "--json", f"--messages={file}")
    assert done.status == 0
    said = texts(chats(done)["plain"]["without_keys"])
    assert said == [("dora", "hi"), ("emil", "a > b"), ("carol", "no name"), ("José", "¿qué?")]


def test_control_characters_of_words_do_not_reach_the_terminal(tap: Run, tmp_path: Path) -> None:
    file = tmp_path / "messages.txt"
    file.write_text("right\u202eto left\n[bold]no markup[/bold]\n", encoding="utf-8")
    done = tap("plain", f"--messages={file}")
    assert done.status == 0
    assert "\u202e" not in done.out
    assert "right\\u202eto left" in done.out
    assert "[bold]no markup[/bold]" in done.out


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"good\nbad \xff byte\n", "line 2 has a byte ff", id="not UTF-8"),
        pytest.param("good".encode("utf-16"), "is not UTF-8: line 1", id="UTF-16"),
        pytest.param(b"", "holds no message", id="empty"),
        pytest.param(b"\n \n\t\n", "holds no message", id="blank"),
        pytest.param(
            b"hi\n" + b"x" * 4097, "line 2 cannot be said in the chat: A line has at most 4096", id="too long"
        ),
        pytest.param(b"hi\n!quit\n", "line 2 is a command", id="command"),
        pytest.param(b"!nothing\n", "line 1 cannot be said in the chat: There is no such command", id="no command"),
        pytest.param(b"a\x1b[31mb\n", "line 1 cannot be said in the chat: Character 2 is the control", id="escape"),
        pytest.param(b"a\rb\n", "control character \\x0d", id="carriage return"),
        pytest.param(b"a\0b\n", "control character \\x00", id="NUL"),
        pytest.param(b"Ann > hi\nann > hi\n", "look the same", id="two of a name"),
        pytest.param(b"x" * (1 << 20) + b"\n", "larger than 1 MiB", id="too large"),
    ],
)
def test_messages_that_cannot_be_said(tap: Run, tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "messages.txt"
    file.write_bytes(content)
    done = tap(f"--messages={file}")
    assert (done.status, done.out) == (1, "")
    assert said in done.sentence
    assert str(file) in done.sentence
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("name", ["missing", "."])
def test_messages_that_cannot_be_read(tap: Run, tmp_path: Path, name: str) -> None:
    done = tap(f"--messages={tmp_path / name}")
    assert (done.status, done.out) == (1, "")
    assert "The messages cannot be read" in done.sentence


# --- demo: a verdict that is not the expected one


def test_a_dropped_packet_fails(tap: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    # no tap drops a packet, and dumpcap does not on demand
    monkeypatch.setattr("capture.tap.Counters", lambda received, **_: Counters(received, 1))
    done = tap("plain")
    assert done.status == 1
    assert "12 of 12 messages" in done.out
    assert "Not as expected: The capture dropped 1 packet." in done.out


def without_frame_of(capture: Path, words: bytes) -> None:
    """Cut the packets that hold `words` out of a pcapng file."""
    data, at, kept = capture.read_bytes(), 0, b""
    while at < len(data):
        (length,) = struct.unpack_from("<I", data, at + 4)
        block = data[at : at + length]
        kept += b"" if words in block else block
        at += length
    assert len(kept) < len(data)
    capture.write_bytes(kept)


def test_a_lost_message_fails(tap: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_less(capture: Path, reader: Any) -> Iterator[Segment]:
        without_frame_of(capture, b"The safe opens with")
        return read_segments(capture, reader)

    monkeypatch.setattr("lab.pipeline.read_segments", read_less)
    done = tap("plain", "--json", "--reader=scapy")
    assert done.status == 1
    verdict = chats(done)["plain"]["without_keys"]
    lost = [message["number"] for message in verdict["messages"] if not message["read"]]
    assert lost == [2]
    assert any("number 2" in problem for problem in verdict["problems"])


# --- read


def test_read(run: Run, recorded: Path) -> None:
    done = run("read", recorded / "capture.pcapng")
    assert (done.status, done.err) == (0, "")
    for said in messages(CONVERSATION)[:3]:
        assert done.out.count(said.text) == 1  # the plaintext chat's
    assert "3 TLS connections stay closed" in done.out


@pytest.mark.parametrize("reader", READERS)
def test_read_with_the_key_log(run: Run, recorded: Path, tool: Callable[[str], str], reader: str) -> None:
    if reader in ("tshark", "pyshark"):
        tool("tshark")
    done = run("read", recorded / "capture.pcapng", "--keylog", recorded / "tls.keylog", "--reader", reader)
    assert (done.status, done.err) == (0, "")
    for said in messages(CONVERSATION)[:3]:
        assert done.out.count(said.text) == 2  # and the TLS chat's


def test_read_zipped(run: Run, recorded: Path, tmp_path: Path) -> None:
    file = tmp_path / "capture.pcapng.gz"
    file.write_bytes(gzip.compress((recorded / "capture.pcapng").read_bytes()))
    done = run("read", file, "--reader=scapy")
    assert (done.status, done.err) == (0, "")
    assert "Hello Bob" in done.out


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("reader", ["tshark", "scapy"])
def test_read_a_torn_file(
    run: Run, recorded: Path, tmp_path: Path, tool: Callable[[str], str], reader: str, zipped: bool
) -> None:
    if reader == "tshark":
        tool("tshark")
    data = (recorded / "capture.pcapng").read_bytes()
    file = tmp_path / "torn"
    file.write_bytes(gzip.compress(data)[:-2000] if zipped else data[: len(data) // 2 + 1])
    done = run("read", file, "--reader", reader)
    assert done.status == 1
    assert "Hello Bob" in done.out  # what is whole is read
    assert "is torn: it ends within a packet" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"", "is empty", id="empty"),
        pytest.param(b"\x0a\x0d", "ends within its file header", id="two bytes"),
        pytest.param(b"no capture at all", "is not a capture file", id="text"),
        pytest.param(gzip.compress(b"no capture at all"), "is not a capture file", id="zipped text"),
        pytest.param(gzip.compress(b"a capture, or not?" * 100)[:15], "is not a capture file", id="torn zipped text"),
        pytest.param(gzip.compress(b""), "is empty", id="zipped nothing"),
        pytest.param(b"\x1f\x8b", "is empty", id="torn zip header"),
    ],
)
def test_read_what_is_no_capture(run: Run, tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    done = run("read", file)
    assert (done.status, done.out) == (1, "")
    assert said in done.sentence
    assert str(file) in done.sentence


@pytest.mark.parametrize("name", ["missing", "."])
def test_read_what_cannot_be_read(run: Run, tmp_path: Path, name: str) -> None:
    done = run("read", tmp_path / name)
    assert (done.status, done.out) == (1, "")
    assert "cannot be read" in done.sentence


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(lambda text: text[:-20], "is not a key log", id="cut"),
        pytest.param(lambda _: b"\xff\xfe\x00binary", "is not a key log", id="binary"),
        pytest.param(lambda _: b"", "holds no secret", id="empty"),
        pytest.param(None, "cannot be read", id="missing"),
    ],
)
def test_read_with_a_damaged_key_log(
    run: Run, recorded: Path, tmp_path: Path, change: Callable[[bytes], bytes] | None, said: str
) -> None:
    keylog = tmp_path / "keys"
    if change is not None:
        keylog.write_bytes(change((recorded / "tls.keylog").read_bytes()))
    done = run("read", recorded / "capture.pcapng", "--keylog", keylog)
    assert done.status == 1
    assert said in done.sentence
    assert str(keylog) in done.sentence


def test_read_with_a_key_that_is_cut(run: Run, recorded: Path, tmp_path: Path) -> None:
    """Whole bytes of a secret that is too short: a key log's line by its looks."""
    keylog = tmp_path / "keys"
    lines = (recorded / "tls.keylog").read_text().splitlines()
    keylog.write_text("\n".join(line[:-2] if line.startswith("SERVER_TRAFFIC") else line for line in lines))
    done = run("read", recorded / "capture.pcapng", "--keylog", keylog, "--reader=scapy")
    assert done.status == 1
    assert done.out.count("Hello Bob") == 1
    assert "Traceback" not in done.err
    assert len(done.err.splitlines()) == 3


def test_read_with_the_key_log_of_another_session(run: Run, recorded: Path, tmp_path: Path) -> None:
    keylog = tmp_path / "keys"
    labels = ("CLIENT_HANDSHAKE", "SERVER_HANDSHAKE", "CLIENT", "SERVER")
    names = [f"{label}_TRAFFIC_SECRET{'' if 'HAND' in label else '_0'}" for label in labels]
    keylog.write_text("".join(f"{name} {'ab' * 32} {'cd' * 48}\n" for name in names))
    done = run("read", recorded / "capture.pcapng", "--keylog", keylog, "--reader=scapy")
    assert done.status == 1
    assert done.out.count("Hello Bob") == 1  # the plaintext chat is read all the same
    assert "Traceback" not in done.err
    assert len(done.err.splitlines()) == 3  # one for each connection
    assert all("key" in line for line in done.err.splitlines())


# --- decode


@pytest.mark.parametrize("text", ["68:6f:6c:61", "686f6c61", "68 6F 6c\n61", "68:6f:6c:61:\n"])
def test_decode(run: Run, text: str) -> None:
    for done in (run("decode", text), run("decode", data=text.encode())):
        assert (done.status, done.err) == (0, "")
        assert done.out.splitlines() == [
            "As text:  hola",
            "4 bytes:",
            "00000000: 68 6f 6c 61                                      hola",
        ]


def test_decode_what_is_no_text(run: Run) -> None:
    done = run("decode", "68:ff:1b")
    assert done.status == 0
    assert "not UTF-8 from byte 1 on" in done.out
    escape = run("decode", "1b:5b:33:31:6d")
    assert "\x1b" not in escape.out
    assert "\\x1b[31m" in escape.out


def test_decode_nothing(run: Run) -> None:
    for done in (run("decode", ""), run("decode", data=b" \n")):
        assert (done.status, done.out) == (1, "")
        assert done.sentence.startswith("There is no hex to decode")


@pytest.mark.parametrize(
    "text",
    [
        "17:03:03:00:26:ff:00",
        "68 6f\n6c:61\n",
        "",
        "0a:0d:00:80:c3:b1",
        "aB" * 400,
        ":".join(f"{n:02x}" for n in range(256)),
    ],
)
def test_decode_raw_is_tr_and_xxd(
    text: str,
    tool: Callable[[str], str],
    capfdbinary: pytest.CaptureFixture[bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tool("xxd")
    pipe = subprocess.run(["sh", "-c", "tr -d ':' | xxd -ps -r"], input=text.encode(), capture_output=True, check=True)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    for arguments in (["--raw", text], ["--raw"]):
        assert main(["decode", *arguments]) == 0
        assert capfdbinary.readouterr() == (pipe.stdout, b"")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"68:6x", "'x' is not a hex digit (at character 4"),
        (b"zz", "'z' is not a hex digit (at character 0"),
        (b"68:6f:6", "5 hex digits are not whole bytes: the last one stands alone (at character 6"),
        (b"68 \xff", "'\\\\' is not a hex digit (at character 3"),
        ("68\u202e".encode(), "is not a hex digit (at character 2"),
        (b"\x1b[31m", "is not a hex digit (at character 0"),
    ],
)
def test_decode_what_is_not_hex(run: Run, data: bytes, said: str) -> None:
    done = run("decode", data=data)
    assert (done.status, done.out) == (1, "")
    assert said in done.sentence
    assert done.sentence.isprintable()


# --- usage


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing"], "No such command 'nothing'"),
        (["--nothing"], "No such option: --nothing"),
        (["demo", "nothing"], "is not one of 'plain', 'tls', 'both'"),
        (["demo", "--tls", "1.1"], "is not one of '1.2', '1.3'"),
        (["demo", "--reader", "wireshark"], "is not one of 'tshark', 'native', 'pyshark', 'scapy'"),
        (["demo", "--plain-port", "65536"], "--plain-port"),
        (["demo", "--tls-port", "-1"], "--tls-port"),
        (["demo", "--plain-port", "http"], "--plain-port"),
        (["demo", "--messages"], "requires an argument"),
        (["read"], "Missing argument"),
        (["decode", "61", "62"], "unexpected extra argument"),
        (["client", "--port", "0"], "--port"),
        (["server", "12345"], "unexpected extra argument"),
    ],
)
def test_wrong_usage(run: Run, arguments: list[str], said: str) -> None:
    done = run(*arguments)
    assert (done.status, done.out) == (2, "")
    assert said in done.sentence
    assert done.sentence.endswith("`python -m lab --help` lists what there is.")


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_help(run: Run, arguments: list[str]) -> None:
    done = run(*arguments)
    assert (done.status, done.err) == (0, "")
    for command in ("demo", "read", "decode", "doctor", "certs", "server", "client"):
        assert f"  {command} " in done.out


@pytest.mark.parametrize("command", ["demo", "read", "decode", "doctor", "certs", "server", "client"])
def test_help_of_a_command(run: Run, command: str) -> None:
    done = run(command, "--help")
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith(f"Usage: python -m lab {command}")


# --- certs, doctor


def test_certs(run: Run, tmp_path: Path, tool: Callable[[str], str]) -> None:
    first, second = run("certs", f"--certs={tmp_path}"), run("certs", f"--certs={tmp_path}")
    assert (first.status, second.status) == (0, 0)
    assert first.out.startswith("Made the CA and server certificate")
    assert "still valid" in second.out
    verify = ["verify", "-x509_strict", "-CAfile", str(tmp_path / "ca.pem"), str(tmp_path / "server.pem")]
    subprocess.run([tool("openssl"), *verify], check=True, capture_output=True, timeout=60)


def test_certs_of_a_client(run: Run, tmp_path: Path, tool: Callable[[str], str]) -> None:
    done = run("certs", "--client", "alice", f"--certs={tmp_path}")
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith("Made the certificate of alice, valid until ")
    assert f"client --certificate {tmp_path}/clients/alice.pem --certs {tmp_path}\n" in done.out
    assert (
        f"-cert {tmp_path}/clients/alice.pem -key {tmp_path}/clients/alice.key -connect localhost:12346\n" in done.out
    )
    assert (tmp_path / "clients" / "alice.key").stat().st_mode & 0o777 == 0o600
    verify = ["verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", f"{tmp_path}/ca.pem"]
    subprocess.run(
        [tool("openssl"), *verify, f"{tmp_path}/clients/alice.pem"], check=True, capture_output=True, timeout=60
    )
    assert "still valid" in run("certs", "--client", "alice", f"--certs={tmp_path}").out
    for name, said in (
        ("Alice", "could be taken"),
        ("a b", "A name is made of letters"),
        ("../x", "A name is made of"),
    ):
        refused = run("certs", "--client", name, f"--certs={tmp_path}")
        assert (refused.status, refused.out) == (1, "")
        assert said in refused.sentence


def test_certs_where_nothing_can_be_written(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    done = run("certs", f"--certs={file}")
    assert (done.status, done.out) == (1, "")
    assert "The certificates cannot be kept" in done.sentence


def test_certs_openssl(run: Run, tmp_path: Path, tool: Callable[[str], str]) -> None:
    tool("openssl")
    done = run("certs", "--openssl", f"--keep={tmp_path}")
    assert (done.status, done.err) == (0, "")
    for step in ("openssl genpkey -algorithm RSA", "openssl req -new", "openssl x509 -req", "openssl rsa -in"):
        assert f"$ {step}" in done.out
    assert "subjectAltName" in done.out
    (folder,) = tmp_path.iterdir()
    assert str(folder) in done.out
    assert {key.stat().st_mode & 0o777 for key in folder.glob("*.key")} == {0o600}


def test_doctor(run: Run) -> None:
    done = run("doctor")
    assert (done.status, done.err) == (0, "")
    for name in (
        "Python",
        "tshark",
        "dumpcap",
        "tcpdump",
        "packet-socket",
        "openssl",
        "xxd",
        "Port 12345",
        "Engines",
        "Way of",
    ):
        assert name in done.out
