"""Our trees against Wireshark's, node by node, for every capture there is."""

import contextlib
import functools
import itertools
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.dissection import Dissection, Node
from capture.dissectors import Understood, native
from capture.dissectors.profile import profile
from capture.dissectors.sharkd import Sharkd
from capture.errors import CaptureError, NotACaptureError, TornCaptureError
from capture.keylog import read_keylog
from capture.secrets import save
from tests.capture.dissectors import made
from tests.capture.traces import traces

DATA = Path(__file__).parents[2] / "data"
CAPTURES = sorted(path.name for path in DATA.iterdir() if path.suffix in (".pcap", ".pcapng", ".gz"))
LAYERS = ("frame", "eth", "vlan", "sll", "null", "ip", "tcp", "udp", "data", "tls")

# Captures of which Wireshark says more, or something else, below TLS. Each is looked at for its bytes all the same.
OTHERWISE = {
    "broken-headers.pcap": "what breaks a rule is taken apart as far as it goes",
    "broken-headers-6.pcap": "likewise",
    "cut-in-options.pcap": "likewise",
    "cut-short.pcap": "what was cut off is looked for first",
    "simple-packets.pcapng": "likewise",
    "fragments.pcap": "fragments of IP are put together",
    "fragments-of-6.pcap": "likewise",
    "fragments-put-together.pcap": "likewise",
    "fragments-that-overlap.pcap": "likewise",
    "icmp-quotes.pcap": "ICMP, and what it quotes",
    "tunnelled.pcap": "IP in IP",
    "ipv6-extensions.pcap": "extension headers have fields of their own",
    "stacked-extensions.pcap": "likewise",
    "options.pcap": "options of IPv4 have fields of their own",
    "several-link-layers.pcapng": "two tags of a provider one in the other; raw IPv6 under a number it does not know",
    "lost-segment.pcap": "data waits for what was sent before it",
    "mid-connection-reordered.pcap": "likewise",
    "overlapping.pcap": "likewise",
    "reordered.pcap": "likewise",
    "sequence-wrap.pcap": "likewise",
    "zipped.pcap.gz": "likewise",
}
# Nodes that differ, by capture.
EXCEPT: Mapping[str, tuple[str, ...]] = {
    "renegotiated.pcapng": ("tls.change_cipher_spec",),  # Wireshark puts an opened one on a byte of the ciphertext
    "tls12-alpn.pcapng": ("data", "data.data", "http"),  # ALPN said HTTP, and what was sent is none
    "tls13-groups.pcapng": ("data", "data.data", "http"),
}
CLOSED = ("tls12-cbc.pcapng",)  # the lab opens no CBC, Wireshark does: held against each other without the keys
SMALL = ["tls13.pcapng", "tls12.pcapng", "options.pcap", "foreign-starttls.pcapng", "linux-cooked-2.pcap", "vlan.pcap"]
PORTS: dict[int, Understood] = {}


def keys_of(capture: Path) -> Path | None:
    keys = capture.with_name(capture.name.partition(".")[0] + ".keys.txt")
    return keys if keys.exists() and capture.name not in CLOSED else None


def keys_of_traces() -> str:
    every = [item for trace in traces().values() for item in trace.keylog().items()]
    return "\n".join(f"{label} {name.hex()} {key.hex()}" for (label, name), key in every)


@functools.cache
def natively(name: str) -> list[Dissection]:
    return list(native.dissect(DATA / name, ports=PORTS, keylog=keys_of(DATA / name)))


def described(dissection: Dissection, without: tuple[str, ...] = ()) -> list[tuple[object, ...]]:
    """What is compared of a frame's nodes: all but the labels, and depth and order too."""
    return [
        (node.name, node.depth, node.number, node.source, node.start, dissection.bytes_of(node))
        for node in dissection.nodes
        if node.name.startswith(LAYERS) and node.name not in without
    ]


def leaves(dissection: Dissection) -> Iterator[Node]:
    for index, node in enumerate(dissection.nodes):
        if index + 1 == len(dissection.nodes) or dissection.nodes[index + 1].depth <= node.depth:
            yield node


def check_every_byte(dissection: Dissection) -> None:
    """Every byte of every source stands in a node that has none below it; no node stands where there are no bytes."""
    bare = [set(range(len(source.data))) for source in dissection.sources]
    for node in dissection.nodes:
        assert node.size > 0
        assert 0 <= node.start <= node.start + node.size <= len(dissection.sources[node.source].data)
    for node in leaves(dissection):
        bare[node.source].difference_update(range(node.start, node.start + node.size))
    assert not any(bare), dissection.frame


def test_the_captures_are_there() -> None:
    assert {*OTHERWISE, *EXCEPT, *CLOSED} <= set(CAPTURES)
    assert len(CAPTURES) > 70


@pytest.mark.parametrize("name", CAPTURES)
def test_every_byte_is_in_a_field(name: str) -> None:
    found = natively(name)
    assert [dissection.frame for dissection in found] == sorted({dissection.frame for dissection in found})
    for dissection in found:
        check_every_byte(dissection)


Wireshark = Callable[[Path], list[Dissection]]


@pytest.fixture(scope="module")
def wireshark(tool: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wireshark]:
    """Take a capture apart with sharkd and all keys: one sharkd for every capture, as its start is what takes time."""
    keys = tmp_path_factory.mktemp("keys") / "keys.txt"
    known = {path for name in CAPTURES if (path := keys_of(DATA / name))}
    keys.write_text("\n".join((keys_of_traces(), *(path.read_text() for path in known))))
    with (
        profile(DATA / CAPTURES[0], PORTS, keys) as where,
        tempfile.TemporaryFile("w+") as said,
        where.start(tool("sharkd"), "-", stderr=said, asked=True) as program,
    ):
        sharkd = Sharkd(program)
        try:
            yield lambda capture: list(sharkd.frames(str(capture)))
        finally:
            program.kill()


def check_against_wireshark(
    ours: list[Dissection], theirs: list[Dissection], without: tuple[str, ...] = (), *, more: bool = False
) -> set[str]:
    """Hold every frame of ours against Wireshark's; return the names that both have."""
    numbered = {other.frame: other for other in theirs}
    names = set()
    for one in ours:
        other = numbered.pop(one.frame)
        assert [source.kind for source in one.sources] == [source.kind for source in other.sources]
        assert described(one, without) == described(other, without), one.frame
        names |= {node.name for node in one.nodes}
    assert bool(numbered) == more, "only one capture has frames that are no packets"
    return names


@pytest.mark.parametrize("name", sorted(set(CAPTURES) - set(OTHERWISE)))
def test_nodes_are_wiresharks(name: str, wireshark: Wireshark) -> None:
    names = check_against_wireshark(
        natively(name), wireshark(DATA / name), EXCEPT.get(name, ()), more=name == "other-blocks.pcapng"
    )
    assert ("tls.record" in names) == name.startswith(("tls", "keys", "foreign", "renegotiated"))


def test_messages_that_no_capture_has(tmp_path: Path, wireshark: Wireshark) -> None:
    capture = tmp_path / "made.pcap"
    made.write(capture, made.handshakes())
    # of a name Wireshark's field leaves out the header of its sequence
    found = list(native.dissect(capture, ports=PORTS))
    names = check_against_wireshark(found, wireshark(capture), ("tls.handshake.dname",))
    for dissection in found:
        check_every_byte(dissection)
    rare = {"ys", "yc", "p", "hint", "identity", "dname", "cert_type", "ocsp_response_len", "max_fragment_length"}
    assert {f"tls.handshake.{name}" for name in rare} | {"tls.heartbeat_message.payload"} <= names


def test_the_traces_of_rfc_8448(tmp_path: Path, wireshark: Wireshark) -> None:
    """Among them a client with a certificate, and a CertificateRequest of TLS 1.3."""
    capture, keys = tmp_path / "rfc8448.pcap", tmp_path / "keys.txt"
    made.write(capture, [trace.records for trace in traces().values()])
    keys.write_text(keys_of_traces())
    ours = list(native.dissect(capture, ports=PORTS, keylog=keys))
    names = check_against_wireshark(ours, wireshark(capture))
    assert {"tls.handshake.certificate_request_context_length", "tls.handshake.client_cert_vrfy.sig"} <= names


def test_a_message_in_many_records(tmp_path: Path) -> None:
    """Cut in its header, in its body, and at its end; with the end of one and the beginning of the next in a record."""
    (_, hello), answer = made.hellos(0x009E, extensions=made.EXTENSIONS)
    message = hello[5:]
    certificate = made.message(11, made.vector(3, made.vector(3, b"\x30\3\2\1\1")))
    capture = tmp_path / "made.pcap"
    middle, end = len(message) // 2, len(message)
    cuts = [0, 2, middle, middle + 1, end]
    pieces = [made.record(message[start:stop]) for start, stop in itertools.pairwise(cuts)]
    both = [answer[1][5:] + certificate[:6], certificate[6:] + made.message(14)]
    made.write(capture, [[*((True, piece) for piece in pieces), *((False, made.record(part)) for part in both)]])
    found = list(native.dissect(capture, ports=PORTS))
    for dissection in found:
        check_every_byte(dissection)
    labels = [node.label for dissection in found for node in dissection.nodes if node.name == "tls.handshake"]
    assert labels == [
        *["Handshake Protocol: Client Hello (fragment)"] * 3,
        "Handshake Protocol: Client Hello (last fragment)",
        "Handshake Protocol: Client Hello",
        "Handshake Protocol: Server Hello",
        "Handshake Protocol: Certificate (fragment)",
        "Handshake Protocol: Certificate (last fragment)",
        "Handshake Protocol: Certificate",
        "Handshake Protocol: Server Hello Done",
    ]
    whole = [source.data for dissection in found for source in dissection.sources if source.kind == "reassembled"]
    assert whole == [message, certificate]


def test_a_record_in_many_segments(tmp_path: Path, wireshark: Wireshark) -> None:
    """It is shown with its last byte, on a source of its own; two in one segment are side by side."""
    (_, hello), (_, answer) = made.hellos(0x009E, extensions=made.EXTENSIONS)
    capture = tmp_path / "made.pcap"
    both = answer + made.record(made.message(14))
    sent = [(True, hello[:7]), (True, hello[7:60]), (True, hello[60:]), (False, both)]
    made.write(capture, [sent])
    found = list(native.dissect(capture, ports=PORTS))
    names = check_against_wireshark(found, wireshark(capture))
    assert {"tcp.segment_data", "tls.record"} <= names
    assert [source.data for source in found[4].sources[1:]] == [hello]
    assert [node.size for node in found[5].nodes if node.name == "tls"] == [len(both)]


def test_what_a_port_carries(tmp_path: Path) -> None:
    """TLS is not looked for on a port that is said to carry data, and is found where nothing is said."""
    cases: list[tuple[dict[int, Understood], bool]] = [
        ({}, True),
        ({12346: "tls"}, True),
        ({12346: "data"}, False),
        ({40000: "data"}, False),
    ]
    for ports, has in cases:
        capture = tmp_path / "made.pcap"
        made.write(capture, [made.hellos(0x1301)])
        found = native.dissect(capture, ports=ports)
        names = {node.name for dissection in found for node in dissection.nodes}
        assert ("tls.record" in names, "data.data" in names) == (has, not has)


def test_the_keys_that_a_file_carries(tmp_path: Path) -> None:
    capture, keys = DATA / "tls13.pcapng", DATA / "tls13.keys.txt"
    carrying = tmp_path / "carrying.pcapng"
    save(capture, carrying, read_keylog(keys), "native")
    opened = list(native.dissect(carrying, ports=PORTS))
    assert opened == list(native.dissect(capture, ports=PORTS, keylog=keys))
    assert any(source.kind == "decrypted" for dissection in opened for source in dissection.sources)


def test_keys_of_another_session_open_nothing() -> None:
    capture = DATA / "tls13.pcapng"
    with_others = native.dissect(capture, ports=PORTS, keylog=DATA / "tls12.keys.txt")
    assert list(with_others) == list(native.dissect(capture, ports=PORTS))


def test_a_torn_capture(tmp_path: Path) -> None:
    """Every frame before the tear, then the error."""
    whole = (DATA / "plain.pcapng").read_bytes()
    capture = tmp_path / "torn.pcapng"
    capture.write_bytes(whole[: len(whole) * 2 // 3])
    found: list[Dissection] = []
    with pytest.raises(TornCaptureError, match="is torn"):
        found.extend(native.dissect(capture, ports=PORTS))
    assert 1 < len(found) < len(list(native.dissect(DATA / "plain.pcapng", ports=PORTS)))
    for dissection in found:
        check_every_byte(dissection)


def test_what_is_no_capture(tmp_path: Path) -> None:
    file = tmp_path / "words.pcap"
    file.write_text("these are words, and no packets at all")
    with pytest.raises(NotACaptureError):
        list(native.dissect(file, ports=PORTS))


@given(st.data())
def test_no_changed_byte_breaks_it(data: st.DataObject) -> None:
    """Whatever was captured: no error but of a capture file, and every byte in a field."""
    name = data.draw(st.sampled_from(SMALL))
    content = bytearray((DATA / name).read_bytes())
    for at in data.draw(st.lists(st.integers(24, len(content) - 1), max_size=4)):
        content[at] = data.draw(st.integers(0, 255))
    with tempfile.TemporaryDirectory() as folder:
        capture = Path(folder) / name
        capture.write_bytes(content)
        with contextlib.suppress(CaptureError):
            for dissection in native.dissect(capture, ports=PORTS, keylog=keys_of(DATA / name)):
                check_every_byte(dissection)
