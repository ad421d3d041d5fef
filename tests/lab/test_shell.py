import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from capture.decode import colon_hex
from lab import shell
from lab.pipeline import ChatOutcome, Outcome
from lab.record import Transport

Tool = Callable[[str], str]


@pytest.fixture
def sh(tool: Tool, tmp_path: Path) -> Callable[..., bytes]:
    """Run a line as a student would, from some other folder."""
    for name in ("tshark", "xxd"):
        tool(name)

    def run(line: str, *, path: str | None = None) -> bytes:
        assert "\n" not in line
        environment = os.environ if path is None else {**os.environ, "PATH": path}
        done = subprocess.run(
            ["sh", "-c", line], capture_output=True, check=True, timeout=60, cwd=tmp_path, env=environment
        )
        return done.stdout

    return run


def frames_in_order(chat: ChatOutcome) -> list[bytes]:
    """The payload of each frame of a chat, in the order of the capture."""
    pieces = sorted(
        (piece.frame, piece.start, s.data[piece.start : piece.start + piece.length])
        for s in chat.streams
        for piece in s.pieces
    )
    return [data for _, _, data in pieces]


def test_every_plaintext_payload(both: Outcome, sh: Callable[..., bytes]) -> None:
    chat = both.chats[Transport.PLAIN]
    line = shell.plain_fields(both.folder.capture, chat.port)
    assert [bytes.fromhex(row) for row in sh(line).decode().splitlines()] == frames_in_order(chat)


def fields(printed: bytes) -> dict[str, str]:
    """What the lines say: "name": "value", each."""
    members = ",".join(line.strip().removesuffix(",") for line in printed.decode().splitlines())
    found: dict[str, str] = json.loads("{" + members + "}")
    return found


def test_one_payload_as_json(both: Outcome, sh: Callable[..., bytes]) -> None:
    chat = both.chats[Transport.PLAIN]
    for finding in chat.verdict.findings[:3]:
        assert finding.heard is not None
        span = finding.heard.spans[0]
        line = shell.payload_json(both.folder.capture, span.frame, ("tcp.payload",), chat.port, "data")
        # one line of the chat a frame: the words and LF
        assert fields(sh(line)) == {"tcp.payload": colon_hex(finding.sent.text.encode() + b"\n")}


def test_a_record_as_json(both: Outcome, sh: Callable[..., bytes]) -> None:
    chat = both.chats[Transport.TLS]
    record = min((record for record in chat.carriers if record), key=lambda record: len(record.fragment))
    span = record.stream.locate(record.start, record.end)[0]
    line = shell.payload_json(both.folder.capture, span.frame, ("tcp.payload", "tls.app_data"), chat.port, "tls")
    assert fields(sh(line)) == {
        "tcp.payload": colon_hex(record.stream.data[record.start : record.end]),
        "tls.app_data": colon_hex(record.fragment),
    }


@pytest.mark.parametrize("data", [b"hello\n", "¿qué? 🙂\n".encode(), bytes(range(256)), b"", b"x" * 5000])
def test_from_hex_back_to_bytes(data: bytes, sh: Callable[..., bytes]) -> None:
    assert sh(shell.decode(data)) == data


@pytest.mark.parametrize("name", ["both", "tls12"])
def test_what_the_tls_chat_says(name: str, request: pytest.FixtureRequest, sh: Callable[..., bytes]) -> None:
    outcome: Outcome = request.getfixturevalue(name)
    chat = outcome.chats[Transport.TLS]
    said = sh(shell.decrypted_fields(outcome.folder.capture, outcome.folder.keylog, chat.port)).decode()
    lines = said.split("\n")
    for finding in chat.verdict.findings:
        words, who = finding.sent.text, finding.sent.who
        assert lines.count(words) == 1, "from its sender"
        assert lines.count(f"{who} > {words}") == len(finding.sent.heard_by), "to each of the others"


def test_wireshark_gets_the_file_and_the_keys(
    both: Outcome, sh: Callable[..., bytes], tmp_path: Path, tool: Tool
) -> None:
    wireshark = tmp_path / "bin" / "wireshark"
    wireshark.parent.mkdir()
    wireshark.write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"\n")
    wireshark.chmod(0o755)
    path = f"{wireshark.parent}:{os.environ['PATH']}"
    capture, keylog = both.folder.capture, both.folder.keylog
    assert sh(shell.wireshark(capture), path=path).decode().splitlines() == [str(capture)]
    given = sh(shell.wireshark(capture, keylog), path=path).decode().splitlines()
    assert given == ["-o", f"tls.keylog_file:{keylog}", str(capture)]
    # tshark takes the same option, and opens the file with it
    *options, file = given
    line = shlex.join([tool("tshark"), *options, "-r", file, "-Y", "data", "-Tfields", "-e", "data.data"])
    assert both.chats[Transport.PLAIN].verdict.findings[0].sent.text.encode().hex() in sh(line).decode()


def test_a_path_that_looks_like_shell(sh: Callable[..., bytes], tmp_path: Path, plain: Outcome) -> None:
    port = plain.chats[Transport.PLAIN].port
    nasty = tmp_path / "$(touch owned) `touch owned`; 'a' \"b\" \\ & ñ.pcapng"
    nasty.write_bytes(plain.folder.capture.read_bytes())
    assert sh(shell.plain_fields(nasty, port)) == sh(shell.plain_fields(plain.folder.capture, port))
    assert list(tmp_path.glob("owned*")) == []


def test_the_lines_to_watch(tmp_path: Path) -> None:
    """tests/lab/demo/test_watching.py runs it."""
    words = [sys.executable, "-m", "lab", "capture", "live", "--port", "1111", "--tls-port", "2222"]
    assert shlex.split(shell.watch(1111, 2222)) == words
    keylog = tmp_path / "it's; mine"
    assert shlex.split(shell.watch(1111, 2222, keylog)) == [*words, "--keylog", str(keylog)]


def test_openssl_takes_the_line(tool: Tool, both: Outcome) -> None:
    words = shlex.split(shell.s_client(both.plan.certificates / "ca.pem", 1))
    assert words[:2] == ["openssl", "s_client"]
    assert {"-verify_return_error", "-verify_hostname", "-servername", "-CAfile"} <= set(words)
    done = subprocess.run([tool("openssl"), *words[1:]], capture_output=True, text=True, check=False, timeout=60)
    assert "connect" in done.stderr.lower(), "the options are right, and nobody listens on port 1"


def test_the_lines_that_show_a_certificate(tmp_path: Path) -> None:
    """tests/lab/demo/test_chat_commands.py runs them."""
    own = tmp_path / "it's; mine.pem"
    words = shlex.split(shell.s_client(tmp_path / "ca.pem", 1, own.with_suffix("")))
    assert words[words.index("-cert") : words.index("-cert") + 4] == [
        *("-cert", str(own)),
        *("-key", str(own.with_suffix(".key"))),
    ]
    line = [sys.executable, "-m", "lab", "client", "--certificate", str(own), "--certs", str(tmp_path)]
    assert shlex.split(shell.client(own, tmp_path)) == line
