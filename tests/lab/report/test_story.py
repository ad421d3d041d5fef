import subprocess
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.pipeline import Outcome
from lab.report.story import story
from lab.report.wire import read_wire
from tests.lab.report.conftest import DATA, Captured, WireOf

# The type on the wire of each kind of step: RFC 8446, section 4; RFC 5246, section 7.4.
TYPES = {
    0: ("hello_request",),
    1: (
        *("client_hello", "client_hello_again", "client_hello_resumes", "client_hello_early"),
        *("client_hello_12", "client_hello_12_resumes"),
    ),
    2: (
        *("hello_retry_request", "server_hello", "server_hello_resumes", "server_hello_psk_only"),
        *("server_hello_12", "server_hello_12_resumes"),
    ),
    4: ("new_session_ticket", "new_session_ticket_12"),
    5: ("end_of_early_data",),
    8: ("encrypted_extensions",),
    11: (
        *("certificate", "certificate_client", "certificate_none"),
        *("certificate_12", "certificate_client_12", "certificate_none_12"),
    ),
    12: ("server_key_exchange", "server_key_exchange_psk"),
    13: ("certificate_request", "certificate_request_12"),
    14: ("server_hello_done",),
    15: ("certificate_verify", "certificate_verify_client", "certificate_verify_12"),
    16: ("client_key_exchange", "client_key_exchange_ecdhe", "client_key_exchange_rsa", "client_key_exchange_psk"),
    20: ("finished_server", "finished_client", "finished_12"),
    22: ("certificate_status",),
    24: ("key_update",),
}
TYPE_OF = {kind: number for number, kinds in TYPES.items() for kind in kinds}
OPENING = ["tcp.syn", "tcp.syn_ack", "tcp.ack"]
# on OpenSSL, the server's first flight, opened
FLIGHT = ["server_hello", "change_cipher_spec", "encrypted_extensions", "certificate", "certificate_verify"]


def stories(wire_of: WireOf, name: str, *, keys: bool = True) -> list[dict[str, Any]]:
    wire = wire_of(name, keys=keys)
    return [story(wire, talk) for talk in wire.talks]


def kinds(told: dict[str, Any]) -> list[str]:
    return [step["kind"] for step in told["steps"]]


def test_every_handshake_message_that_tshark_finds(wire_of: WireOf, tool: Callable[[str], str], tmp_path: Path) -> None:
    """All TLS captures there are, one after the other in one file: one run of tshark."""
    names = sorted(
        path.stem for path in DATA.glob("*.pcapng") if path.stem.startswith(("tls", "keys", "foreign", "ren"))
    )
    assert len(names) > 20
    merged, keys = tmp_path / "merged.pcapng", tmp_path / "keys"
    subprocess.run([tool("mergecap"), "-a", "-w", merged, *(DATA / f"{name}.pcapng" for name in names)], check=True)
    keys.write_text("".join(path.read_text() for path in DATA.glob("*.keys.txt")))
    options = [
        "-o",
        f"tls.keylog_file:{keys}",
        "-Y",
        "tls.handshake",
        "-Tfields",
        "-etcp.stream",
        "-etls.handshake.type",
    ]
    done = subprocess.run([tool("tshark"), "-n", "-r", merged, *options], capture_output=True, text=True, check=True)
    wanted: defaultdict[int, Counter[int]] = defaultdict(Counter)
    for line in done.stdout.splitlines():
        stream, types = line.split("\t")
        wanted[int(stream)].update(int(number) for number in types.split(",") if number)
    told = [(name, one) for name in names for one in stories(wire_of, name)]
    for number, (name, one) in enumerate(told):
        found = Counter(TYPE_OF[kind] for kind in kinds(one) if kind in TYPE_OF)
        if "handshake_sealed" in kinds(one):  # tshark opens CBC suites, too, and finds the Finished in them
            found[20] = wanted[number][20]
        assert found == wanted[number], name


def test_a_story_of_tls_13(wire_of: WireOf) -> None:
    (told,) = stories(wire_of, "tls13")
    assert kinds(told) == [
        *OPENING,
        *("client_hello", *FLIGHT, "finished_server", "change_cipher_spec", "finished_client"),
        *("new_session_ticket", "conversation", "new_session_ticket", "tcp.fin", "tcp.fin"),
    ]
    hello, answer = told["steps"][3], told["steps"][4]
    assert hello["values"]["server_name"] == "localhost"
    assert (answer["values"]["version"], answer["values"]["suite"]) == ("TLS 1.3", "TLS_AES_256_GCM_SHA384")
    opened = {step["kind"] for step in told["steps"] if step["opened"]}
    assert opened == {*FLIGHT[2:], "finished_server", "finished_client", "new_session_ticket", "conversation"}
    assert all(step["sealed"] for step in told["steps"] if step["opened"])
    assert [step["t"] for step in told["steps"]] == sorted(step["t"] for step in told["steps"])


@pytest.mark.parametrize(
    ("name", "number", "wanted"),
    [
        ("tls13-retry", 0, ["client_hello", "hello_retry_request", "client_hello_again", "server_hello"]),
        ("tls13-retry-cookie", 0, ["client_hello", "hello_retry_request", "client_hello_again", "alert"]),
        ("tls13-resumed", 1, ["client_hello_resumes", "server_hello_resumes"]),
        ("tls13-early", 1, ["client_hello_early", "early_data", "server_hello_resumes", "end_of_early_data"]),
        ("tls13-early-refused", 1, ["client_hello_early", "early_data_refused", "server_hello", "certificate"]),
        ("tls13-key-update", 0, ["conversation", *["key_update"] * 6, "alert_close"]),
        ("tls12-rsa", 0, ["client_hello_12", "server_hello_12", "certificate_12", "client_key_exchange_rsa"]),
        ("tls12", 0, ["server_key_exchange", "client_key_exchange_ecdhe", "new_session_ticket_12", "finished_12"]),
        ("tls12-resumed", 1, ["client_hello_12_resumes", "server_hello_12_resumes", "finished_12", "finished_12"]),
        ("tls12-session-id", 1, ["client_hello_12_resumes", "server_hello_12_resumes"]),
        ("tls12-psk", 0, ["server_hello_12", "server_hello_done", "client_key_exchange_psk"]),
        ("tls12-alert-ca", 0, ["server_hello_done", "alert", "tcp.rst"]),
        ("foreign-starttls", 0, ["conversation_plain", "client_hello", "server_hello", "records_sealed"]),
        ("plain", 0, [*OPENING, "conversation_plain", "tcp.fin"]),
        ("mid-connection", 0, ["conversation_plain"]),
    ],
)
def test_what_happens_in_which_order(wire_of: WireOf, name: str, number: int, wanted: list[str]) -> None:
    left = iter(kinds(stories(wire_of, name)[number]))
    assert [kind for kind in wanted if kind in left] == wanted


def test_without_keys_nobody_knows_what_is_sealed(wire_of: WireOf) -> None:
    (told,) = stories(wire_of, "tls13", keys=False)
    assert kinds(told)[3:7] == ["client_hello", "server_hello", "change_cipher_spec", "records_sealed"]
    sealed = told["steps"][6]
    assert (sealed["sealed"], sealed["opened"]) == (True, False)
    assert sealed["count"] > 10
    assert len(sealed["spans"]) == 2
    (older,) = stories(wire_of, "tls12", keys=False)
    assert {step["kind"] for step in older["steps"] if step["sealed"]} == {"handshake_sealed", "conversation"}


@pytest.mark.parametrize("name", ["tls12", "tls12-resumed", "tls13", "tls13-retry", "foreign-starttls", "renegotiated"])
def test_the_bytes_of_every_message_in_the_clear(
    wire_of: WireOf, frames_of: Callable[[Path], list[bytes]], name: str
) -> None:
    frames = frames_of(DATA / f"{name}.pcapng")
    clear = [step for one in stories(wire_of, name) for step in one["steps"] if not step["sealed"]]
    messages = [step for step in clear if step["kind"] in TYPE_OF]
    assert len(messages) >= 2
    for step in messages:
        message = b"".join(frames[frame - 1][first : last + 1] for frame, first, last in step["spans"])
        assert message[0] == TYPE_OF[step["kind"]]
        assert int.from_bytes(message[1:4]) + 4 == len(message)


def test_where_the_messages_stand(
    both: Outcome, data: dict[str, Any], frames_of: Callable[[Path], list[bytes]]
) -> None:
    """That they lie within their frames; what stands there is looked at in every capture that is shipped."""
    frames = frames_of(both.folder.capture)
    for told in data["story"]:
        for step in told["steps"]:
            for frame, first, last in step["spans"]:
                assert 0 <= first <= last < len(frames[frame - 1])
            assert step["frames"] == list(dict.fromkeys(span[0] for span in step["spans"]))
            frame, first, last = step["spans"][0]
            if step["kind"] == "tcp.syn":
                header = frames[frame - 1][first : last + 1]
                assert (header[13], len(header)) == (2, (header[12] >> 4) * 4)


def test_a_thousand_alike_are_told_once(wire_of: WireOf, captured: Captured) -> None:
    # alerts cost nothing to make and come without a handshake
    warnings = [("<", b"\x15\x03\x03\0\x02\x01\x5a")] * 1000
    hello = next(iter(wire_of("tls12").talks)).tls
    assert hello is not None
    first = hello.rows[0].record
    wire = read_wire(captured((">", first.header + first.fragment), *warnings), None)
    (told,) = [story(wire, talk) for talk in wire.talks]
    assert kinds(told) == [*OPENING, "client_hello_12", "alert"]
    assert told["steps"][4]["count"] == 1000
    assert [span[0] for span in told["steps"][4]["spans"]] == [4, 1003]
