import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from capture import tools
from capture.dissection import Source
from capture.dissectors import sharkd
from capture.errors import CaptureError, KeyLogError
from tests.capture.dissectors.hostile import PAYLOADS, program, written
from tests.capture.readers.test_tshark import child

pytestmark = pytest.mark.usefixtures("nothing_left", "no_profile_left")


@pytest.fixture(autouse=True)
def needs_sharkd(tool: Callable[[str], str]) -> None:
    tool("sharkd")


def test_one_byte_after_the_other(data: Path) -> None:
    """tests/data/make.py: Ethernet, IPv4 and TCP without options, then "hello\\n"."""
    frames = list(sharkd.dissect(data / "nanoseconds.pcap", {12345: "data"}, None))
    frame = frames[3]
    (text,) = [node for node in frame.nodes if node.name == "data.data"]
    assert (text.label, text.number, text.start, text.depth) == ("Data: 68656c6c6f0a", None, 54, 1)
    assert frame.bytes_of(text) == b"hello\n"
    (version,) = [node for node in frame.nodes if node.name == "ip.version"]
    assert (version.number, version.start, version.size) == (4, 14, 1)
    (df,) = [node for node in frame.nodes if node.name == "ip.flags.df"]
    assert df.number in (0, 1)
    # relative numbers stand nowhere in the packet
    (seq,) = [node for node in frame.nodes if node.name == "tcp.seq"]
    assert (seq.number, seq.label) == (1001, "Sequence Number: 1001")


def test_ports_mean_what_they_are_said_to_mean(tmp_path: Path) -> None:
    path = written(tmp_path / "x.pcap", [b"\x17\x03\x03\0\x03abc"], 6000)
    names = [{node.name for node in frame.nodes} for frame in sharkd.dissect(path, {6000: "data"}, None)]
    assert "data.data" in names[0]
    assert "tls" not in names[0]
    assert "x11" not in names[0]
    names = [{node.name for node in frame.nodes} for frame in sharkd.dissect(path, {6000: "tls"}, None)]
    assert "tls.app_data" in names[0]


def test_what_is_within_tls_with_keys(data: Path) -> None:
    frames = list(sharkd.dissect(data / "tls13.pcapng", {38655: "tls"}, data / "tls13.keys.txt"))
    texts = [
        frame.bytes_of(node)
        for frame in frames
        for node in frame.nodes
        if node.name == "data.data" and frame.sources[node.source].kind == "decrypted"
    ]
    assert b"anna\n" in texts
    assert {source.kind for frame in sharkd.dissect(data / "tls13.pcapng", {}, None) for source in frame.sources} == {
        "frame"
    }


def test_a_record_that_spans_segments(tmp_path: Path) -> None:
    record = b"\x17\x03\x03\x01\x2c" + bytes(300)
    hello_done = b"\x16\x03\x03\0\x04\x0e\0\0\0"
    path = written(tmp_path / "x.pcap", [hello_done, record[:3], record[3:100], record[100:]], 12346)
    last = list(sharkd.dissect(path, {12346: "tls"}, None))[-1]
    assert last.sources[1:] == (Source("reassembled", record),)
    (body,) = [node for node in last.nodes if node.name == "tls.app_data"]
    assert (body.source, body.start, body.size) == (1, 5, 300)


def test_hostile_text_is_data(tmp_path: Path) -> None:
    path = written(tmp_path / "x.pcap", PAYLOADS, 12345)
    frames = list(sharkd.dissect(path, {12345: "data"}, None))
    found = [[frame.bytes_of(node) for node in frame.nodes if node.name == "data.data"] for frame in frames]
    assert found == [[payload] for payload in PAYLOADS]
    assert all(node.number is None for frame in frames for node in frame.nodes if node.name == "data.data")


def test_text_that_is_no_utf8(tmp_path: Path) -> None:
    """sharkd copies it into its JSON as it is."""
    path = written(tmp_path / "x.pcap", [b"GET / HTTP/1.1\r\nHost: \x1b\xff<&\r\n\r\n"], 80)
    (frame,) = sharkd.dissect(path, {}, None)
    (host,) = [node for node in frame.nodes if node.name == "http.host"]
    assert "<&" in host.label


def test_names_of_files_that_no_option_and_no_json_can_carry(data: Path, tmp_path: Path) -> None:
    folder = Path(os.fsdecode(b'-o "x": # \xff\n\\'))
    (tmp_path / folder).mkdir()
    keys = tmp_path / folder / "k # e:y"
    keys.write_bytes((data / "tls13.keys.txt").read_bytes())
    path = tmp_path / folder / "-r"
    path.write_bytes((data / "tls13.pcapng").read_bytes())
    frames = list(sharkd.dissect(path, {}, keys))
    assert any(source.kind == "decrypted" for frame in frames for source in frame.sources)


def test_a_key_log_that_cannot_be_read(data: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyLogError, match=r"^The key log .*missing cannot be read: No such file or directory\.$"):
        next(sharkd.dissect(data / "tls13.pcapng", {}, tmp_path / "missing"))


# Adds a line to the tree of each frame. Wireshark runs it for everybody but root.
PLUGIN = """
local spy = Proto("spy", "A plugin of the user's")
function spy.dissector(buffer, _, tree) tree:add(spy, buffer(0, 1)) end
register_postdissector(spy)
"""


def test_what_the_user_has_set_changes_nothing(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = list(sharkd.dissect(data / "tls12.pcapng", {}, None))
    for folder in (tmp_path / "home/.config/wireshark", tmp_path / "home/.wireshark"):
        folder.mkdir(parents=True)
        (folder / "preferences").write_text(
            f"tls.keylog_file: {data / 'tls12.keys.txt'}\ntcp.relative_sequence_numbers: TRUE\n"
            "nameres.mac_name: TRUE\ntcp.desegment_tcp_streams: FALSE\n"
        )
        (folder / "disabled_protos").write_text("tls\n")
        (folder / "decode_as_entries").write_text("decode_as_entry: tcp.port,12346,TLS,Data\n")
    (tmp_path / "home/.local/lib/wireshark/plugins").mkdir(parents=True)
    (tmp_path / "home/.local/lib/wireshark/plugins/x.lua").write_text(PLUGIN)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("WIRESHARK_CONFIG_DIR", str(tmp_path / "home/.wireshark"))
    monkeypatch.setenv("WIRESHARK_LOG_LEVEL", "noisy")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert list(sharkd.dissect(data / "tls12.pcapng", {}, None)) == expected


def test_closed_early(data: Path) -> None:
    frames = sharkd.dissect(data / "tls13.pcapng", {}, None)
    assert next(frames).frame == 1
    frames.close()  # type: ignore[attr-defined]


def test_killed_while_it_reads(tmp_path: Path) -> None:
    path = written(tmp_path / "x.pcap", [b"x"] * 2000, 12345)
    frames = sharkd.dissect(path, {}, None)
    assert next(frames).frame == 1
    os.kill(child("sharkd"), signal.SIGKILL)
    with pytest.raises(CaptureError, match=r"^sharkd could not read .*x\.pcap: .*status -9\.$"):
        list(frames)


ANSWERS = """
read line; echo '{"jsonrpc":"2.0","id":1,"result":{"status":"OK"}}'
read line; echo '{"jsonrpc":"2.0","id":2,"result":{"frames":1}}'
read line; echo '%s'
"""


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo no such option >&2; exit 3", "no such option"),
        ("exit 3", "it ended with status 3"),
        ("echo rubbish", "an answer about .* that the lab cannot read"),
        ("printf '{'", "it ended with status 0"),
        ("read line; echo '[]'", "an answer about .* that the lab cannot read"),
        ("read line; echo '{\"id\":7}'", "an answer about .* that the lab cannot read"),
        ('read line; echo \'{"id":1,"error":{"code":-1,"message":"Unable to open."}}\'', "Unable to open"),
        (ANSWERS % '{"id":3,"error":{"message":"out of range"}}', "out of range"),
        (ANSWERS % '{"id":3,"result":{"tree":[{"h":[0]}],"bytes":"AA=="}}', "that the lab cannot read"),
        (ANSWERS % '{"id":3,"result":{"tree":[],"bytes":"A"}}', "that the lab cannot read"),
        (ANSWERS % ('{"id":3,"result":{"tree":' + "[" * 5000), "that the lab cannot read"),
        ("yes '{}'", "an answer about .* that the lab cannot read"),
    ],
)
def test_a_sharkd_that_does_not_do_as_it_should(
    script: str, said: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "sharkd", script)
    monkeypatch.setattr(tools, "_EXTRA_FOLDERS", ())
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with pytest.raises(CaptureError, match=rf"^sharkd .*{said}.*\.$"):
        list(sharkd.dissect(data / "plain.pcapng", {}, None))
