"""Live runs: real chats, captured; ports of one's own; nothing half done is left."""

import contextlib
import socket
import ssl
import struct
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from cryptography import x509

from capture.rights import Choice, Way, choose
from capture.sources.source import Counters
from lab.errors import LabError
from lab.exercises import cast, live
from lab.exercises.draw import Draw
from lab.scenario import Join, Say

DRAW = Draw(bytes(range(32)))
TAP = Choice(Way.TAP, "")


def fields(tshark: str, folder: Path, *names: str, options: Sequence[str]) -> str:
    """What tshark prints of a run: these fields, a line for each frame."""
    wanted = [word for name in names for word in ("-e", name)]
    command = [tshark, "-r", str(folder / "capture.pcapng"), *options, "-T", "fields", *wanted]
    return subprocess.run(command, capture_output=True, check=True, timeout=60, text=True).stdout


def test_a_port_is_ones_own_and_the_next_one_where_it_is_taken() -> None:
    first = live.port(DRAW)
    assert 20_000 <= first < 32_000
    assert live.port(DRAW) == first
    with socket.create_server(("127.0.0.1", first)):
        second = live.port(DRAW)
    assert second not in {first, live.port(DRAW, "another")}


def test_several_ports_are_never_the_same() -> None:
    first, second, another = live.ports(DRAW, "port", "port", "another")
    assert (first, another) == (live.port(DRAW), live.port(DRAW, "another"))
    assert second == live.port(DRAW, "port", taken=[first]) != first


def test_no_port_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "_TRIES", 2)
    with contextlib.ExitStack() as taken:
        for at in range(2):
            taken.enter_context(socket.create_server(("127.0.0.1", DRAW.number(f"port {at}", 20_000, 31_999))))
        with pytest.raises(LabError, match="None of 2 ports is free"):
            live.port(DRAW)


@pytest.mark.parametrize("choice", [TAP, choose()], ids=["tap", "best"])
def test_what_was_said_stands_in_the_capture(tmp_path: Path, tool: Callable[[str], str], choice: Choice) -> None:
    steps = cast.conversation(DRAW)
    number = live.port(DRAW)
    live.record(tmp_path, choice, [live.Chat(steps, number)])
    shown = fields(tool("tshark"), tmp_path, "tcp.payload", options=("-Y", f"tcp.dstport == {number}"))
    payload = bytes.fromhex(shown.replace("\n", ""))
    assert all(step.text.encode() in payload for step in steps if isinstance(step, Say))
    assert [path.name for path in tmp_path.iterdir()] == ["capture.pcapng"]


def test_two_chats_in_one_capture_one_over_tls(tmp_path: Path, tool: Callable[[str], str]) -> None:
    private = tmp_path / "private"
    private.mkdir()
    made = live.secure(
        private,
        cast.host(DRAW),
        version=ssl.TLSVersion.TLSv1_2,
        suites="ECDHE-ECDSA-CHACHA20-POLY1305",
        serial_number=77,
    )
    steps = cast.conversation(DRAW)
    ports = live.port(DRAW, "plain"), live.port(DRAW, "tls")
    live.record(
        tmp_path,
        TAP,
        [live.Chat(steps, ports[0]), live.Chat(steps, ports[1], cast.host(DRAW), made.server, made.client)],
    )
    hellos = "tls.handshake.type == 11 or tls.handshake.type == 1 or tls.handshake.type == 2"
    names = ("tls.handshake.extensions_server_name", "tls.handshake.ciphersuite", "x509af.serialNumber")
    shown = fields(tool("tshark"), tmp_path, *names, options=("-d", f"tcp.port=={ports[1]},tls", "-Y", hellos))
    assert cast.host(DRAW) in shown
    assert "0xcca9" in shown  # TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, RFC 7905
    assert made.identity.certificate.serial_number == 77
    also = made.identity.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert also.get_values_for_type(x509.DNSName) == [cast.host(DRAW)]
    assert (private / "server.key").stat().st_mode & 0o077 == 0


def test_a_run_that_fails_leaves_the_earlier_one(tmp_path: Path) -> None:
    (tmp_path / "capture.pcapng").write_bytes(b"the earlier one")
    steps = [Say("nobody", "who never came in")]
    with pytest.raises(KeyError):
        live.record(tmp_path, TAP, [live.Chat(steps, live.port(DRAW))])
    assert [path.name for path in tmp_path.iterdir()] == ["capture.pcapng"]
    assert (tmp_path / "capture.pcapng").read_bytes() == b"the earlier one"


def test_one_chat_over_tls_asks_for_the_students_own_host(tmp_path: Path, tool: Callable[[str], str]) -> None:
    folder, keys = tmp_path / "student", tmp_path / "keys"
    folder.mkdir()
    made = live.record_over_tls(DRAW, folder, TAP, cast.conversation(DRAW), keylog=keys)
    names = ("tls.handshake.extensions_server_name", "x509af.serialNumber")
    options = ("-o", f"tls.keylog_file:{keys}", "-d", f"tcp.port=={live.port(DRAW)},tls")
    shown = fields(tool("tshark"), folder, *names, options=options)
    assert cast.host(DRAW) in shown
    assert f"{made.identity.certificate.serial_number:x}" in shown.replace("0x", "")
    assert [path.name for path in folder.iterdir()] == ["capture.pcapng"]


def test_a_capture_that_is_not_whole_is_told() -> None:
    live.check_whole(Counters(10, 0))
    with pytest.raises(LabError, match="dropped 3 packets"):
        live.check_whole(Counters(10, 3))


def test_a_private_file_is_its_owners(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"one")
    (tmp_path / "key").chmod(0o644)
    live.write_private(tmp_path / "key", b"another")
    assert (tmp_path / "key").read_bytes() == b"another"
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600


def _client_port(capture: Path, server: int, port: int) -> None:
    """Give the only client of a capture another port: in the blocks of the file, and nothing cleverer than that."""
    data, at = bytearray(capture.read_bytes()), 0
    while at < len(data):
        kind, length = struct.unpack_from("<II", data, at)
        if kind == 6:
            ports = at + 28 + 14 + 20  # after the headers of the block, Ethernet and IPv4
            ends = struct.unpack_from(">HH", data, ports)
            struct.pack_into(">HH", data, ports, *(end if end == server else port for end in ends))
        at += length
    capture.write_bytes(data)


def test_a_client_on_a_port_of_another_protocol_is_no_run(tmp_path: Path, tool: Callable[[str], str]) -> None:
    runs: list[bool] = []

    def run(draw: Draw, folder: Path, choice: Choice) -> None:
        live.record_over_tls(draw, folder, choice, (Join("ana"), Say("ana", "alone")))
        if not runs:
            _client_port(folder / "capture.pcapng", live.port(draw), 44_818)  # EtherNet/IP
        runs.append(fields(tool("tshark"), folder, "frame.number", options=("-Y", "tls")) != "")

    live.make(run, DRAW, tmp_path, TAP)
    assert runs == [False, True]
