import secrets
import socket
import ssl
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from certs import contexts
from certs.store import open_store
from chat.wire import Plain, Tls, Wire, is_record, is_tls, shake_hands

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]
# RFC 8446, section 5.1
ALERT, HANDSHAKE, APPLICATION_DATA = 21, 22, 23


class Peer:
    """The other side: the same library, driven by the book, a step at a time, with no code of ours."""

    def __init__(self, context: ssl.SSLContext, *, server_side: bool, hostname: str | None = None) -> None:
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.object = context.wrap_bio(self._in, self._out, server_side=server_side, server_hostname=hostname)
        self.ended = False

    def shake(self, data: bytes = b"") -> bytes:
        """Take bytes; go on with the handshake; return what is to be sent."""
        self._in.write(data)
        with suppress(ssl.SSLWantReadError):
            self.object.do_handshake()
        return self._out.read()

    def write(self, words: bytes) -> bytes:
        assert self.object.write(words) == len(words)
        return self._out.read()

    def read(self, data: bytes) -> bytes:
        """Take bytes; return all words in them, and nothing for those of the handshake."""
        self._in.write(data)
        words = b""
        while not self.ended:
            try:
                read = self.object.read(1 << 20)
            except ssl.SSLWantReadError:
                break
            except ssl.SSLZeroReturnError:
                read = b""
            self.ended = not read
            words += read
        return words

    def close(self) -> bytes:
        with pytest.raises(ssl.SSLWantReadError):
            self.object.unwrap()
        return self._out.read()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    made = open_store(tmp_path_factory.mktemp("certificates") / "store")
    return made.server_certificate, made.server_key, made.ca_certificate


@pytest.fixture(params=VERSIONS, ids=lambda version: version.name)
def version(request: pytest.FixtureRequest) -> ssl.TLSVersion:
    assert isinstance(request.param, ssl.TLSVersion)
    return request.param


@pytest.fixture
def server(store: tuple[Path, Path, Path], version: ssl.TLSVersion) -> ssl.SSLContext:
    return contexts.server_context(store[0], store[1], version=version)


@pytest.fixture
def client(store: tuple[Path, Path, Path]) -> ssl.SSLContext:
    return contexts.client_context(store[2])


@pytest.fixture(params=["server", "client"])
def side(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def connected(side: str, server: ssl.SSLContext, client: ssl.SSLContext) -> tuple[Tls, Peer]:
    """Our side, a server's or a client's, and the other one, when the handshake is done."""
    if side == "server":
        return connect_server(server, client)
    ours, peer = Tls(client, server_hostname="localhost"), Peer(server, server_side=True)
    out = ours.start()
    while not ours.ready:
        assert ours.receive(peer.shake(out)) == b""
        out = ours.outgoing()
    tickets = peer.shake(out)
    assert ours.receive(tickets) == b""
    assert ours.outgoing() == b""
    return ours, peer


def connect_server(server: ssl.SSLContext, client: ssl.SSLContext) -> tuple[Tls, Peer]:
    ours, peer = Tls(server, server_side=True), Peer(client, server_side=False, hostname="localhost")
    out = peer.shake()
    while not ours.ready:
        assert ours.receive(out) == b""
        out = peer.shake(ours.outgoing())
    assert peer.read(ours.outgoing()) == b""
    assert out == b""
    return ours, peer


def records(data: bytes) -> list[tuple[int, bytes]]:
    """The TLS records in some bytes: type and body. RFC 8446, section 5.1."""
    found = []
    while data:
        kind, length = data[0], int.from_bytes(data[3:5])
        assert data[1:3] in (b"\x03\x03", b"\x03\x01")
        assert len(data) >= 5 + length
        found.append((kind, data[5 : 5 + length]))
        data = data[5 + length :]
    return found


def pieces(data: bytes, cuts: Sequence[int]) -> list[bytes]:
    ends = [0, *sorted(cuts), len(data)]
    return [data[start:end] for start, end in pairwise(ends)]


def test_words_go_both_ways(connected: tuple[Tls, Peer], version: ssl.TLSVersion) -> None:
    ours, peer = connected
    assert ours.ready
    assert not ours.ended
    assert ours.object.version() == peer.object.version() == {VERSIONS[0]: "TLSv1.2", VERSIONS[1]: "TLSv1.3"}[version]
    for number in range(3):
        words = f"words {number} 👋\n".encode()
        assert ours.receive(peer.write(words)) == words
        sent = ours.send(words)
        assert [kind for kind, _ in records(sent)] == [APPLICATION_DATA]
        assert words not in sent
        assert peer.read(sent) == words
    assert ours.outgoing() == b""


def test_byte_by_byte(side: str, server: ssl.SSLContext, client: ssl.SSLContext) -> None:
    if side == "server":
        ours, peer = Tls(server, server_side=True), Peer(client, server_side=False, hostname="localhost")
        coming = peer.shake()
    else:
        ours, peer = Tls(client, server_hostname="localhost"), Peer(server, server_side=True)
        coming = peer.shake(ours.start())
    while coming:
        answer = b""
        for at in range(len(coming)):
            assert ours.receive(coming[at : at + 1]) == b""
            answer += ours.outgoing()
        coming = peer.shake(answer)
    assert ours.ready
    read = [ours.receive(bytes([byte])) for byte in peer.write(b"hello\n") + peer.write(b"again\n")]
    assert [words for words in read if words] == [b"hello\n", b"again\n"]


def test_a_part_of_the_next_record_waits_for_its_end(connected: tuple[Tls, Peer]) -> None:
    ours, peer = connected
    first, second = peer.write(b"first\n"), peer.write(b"second\n")
    for at in range(len(second)):
        assert ours.receive(first + second[:at]) == b"first\n"
        assert ours.receive(second[at:]) == b"second\n"
        first, second = peer.write(b"first\n"), peer.write(b"second\n")
    assert not ours.ended


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(min_size=1, max_size=30), max_size=5), st.lists(st.integers(0, 400), max_size=12))
def test_words_do_not_depend_on_how_they_are_cut(
    connected: tuple[Tls, Peer], said: list[bytes], cuts: list[int]
) -> None:
    ours, peer = connected  # one connection for all examples: what one leaves behind, the next one sees
    data = b"".join(map(peer.write, said))
    assert b"".join(ours.receive(piece) for piece in pieces(data, cuts)) == b"".join(said)
    assert peer.read(b"".join(map(ours.send, said))) == b"".join(said)


def test_a_megabyte(connected: tuple[Tls, Peer]) -> None:
    ours, peer = connected
    words = secrets.token_bytes(1 << 20)
    sent = ours.send(words)
    assert len(records(sent)) == 64, "2^14 bytes in a record, RFC 8446, section 5.1"
    assert peer.read(sent) == words
    assert ours.receive(peer.write(words)) == words


def test_no_words_are_no_record(connected: tuple[Tls, Peer]) -> None:
    ours, peer = connected
    assert ours.send(b"") == b""
    assert ours.receive(b"") == b""
    assert peer.read(ours.send(b"x")) == b"x"


def test_the_other_side_ends(connected: tuple[Tls, Peer]) -> None:
    ours, peer = connected
    assert ours.receive(peer.write(b"last\n") + peer.close()) == b"last\n"
    assert ours.ended
    assert ours.outgoing() == b""
    assert peer.read(ours.send(b"answer\n")) == b"answer\n", "only the other direction has ended"
    assert len(records(ours.end())) == 1
    assert ours.receive(b"whatever comes now") == b""


def test_this_side_ends(connected: tuple[Tls, Peer], version: ssl.TLSVersion) -> None:
    ours, peer = connected
    before = peer.write(b"sent before it was read\n")
    end = ours.end()
    assert [kind for kind, _ in records(end)] == [ALERT if version is VERSIONS[0] else APPLICATION_DATA]
    assert ours.receive(before) == b"sent before it was read\n"
    assert not ours.ended
    assert peer.read(end) == b""
    assert peer.ended
    assert ours.end() == b"", "once is enough"


def test_both_sides_end_at_once(connected: tuple[Tls, Peer]) -> None:
    ours, peer = connected
    theirs, end = peer.close(), ours.end()
    assert ours.receive(theirs) == b""
    assert ours.ended
    assert peer.read(end) == b""
    assert peer.ended


def test_an_end_before_the_handshake_says_nothing(server: ssl.SSLContext) -> None:
    assert Tls(server, server_side=True).end() == b""


def test_a_stream_that_is_cut_has_not_ended(connected: tuple[Tls, Peer]) -> None:
    ours, peer = connected
    record = peer.write(b"read only as a whole")
    assert ours.receive(record[:-1]) == b""
    assert not ours.ended
    assert ours.receive(record[-1:]) == b"read only as a whole"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_3], indirect=True)
def test_words_that_come_with_the_clients_finished(server: ssl.SSLContext, client: ssl.SSLContext) -> None:
    ours, peer = Tls(server, server_side=True), Peer(client, server_side=False, hostname="localhost")
    assert ours.receive(peer.shake()) == b""
    finished = peer.shake(ours.outgoing())
    assert not ours.ready
    assert ours.receive(finished + peer.write(b"alice\n") + peer.write(b"hello\n")) == b"alice\nhello\n"
    assert ours.ready


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2], indirect=True)
def test_words_that_come_with_the_servers_finished(server: ssl.SSLContext, client: ssl.SSLContext) -> None:
    ours, peer = Tls(client, server_hostname="localhost"), Peer(server, server_side=True)
    assert ours.receive(peer.shake(ours.start())) == b""
    finished = peer.shake(ours.outgoing())
    assert not ours.ready
    assert ours.receive(finished + peer.write(b"* welcome\n")) == b"* welcome\n"
    assert ours.ready


def failing(ours: Tls, data: bytes) -> ssl.SSLError:
    """Return why TLS fails with this, after which there are no words."""
    assert ours.receive(data) == b""
    assert ours.failure is not None
    return ours.failure


GARBAGE = [b"GET / HTTP/1.1\r\n\r\n", b"alice\nhello\n", bytes(20), b"\x16\x03\x01\x00\x05hello", b"x" * 100_000]


@pytest.mark.parametrize("garbage", GARBAGE, ids=lambda garbage: repr(garbage[:8]))
def test_garbage_is_no_handshake(server: ssl.SSLContext, garbage: bytes) -> None:
    ours = Tls(server, server_side=True)
    failing(ours, garbage)
    assert not ours.ready
    assert all(kind == ALERT for kind, _ in records(ours.outgoing()))
    assert ours.end() == b""


@pytest.mark.parametrize("garbage", GARBAGE, ids=lambda garbage: repr(garbage[:8]))
def test_garbage_after_the_handshake(connected: tuple[Tls, Peer], garbage: bytes) -> None:
    ours, peer = connected
    failing(ours, garbage)
    alert = ours.outgoing()
    assert len(records(alert)) == 1
    with pytest.raises(ssl.SSLError, match="ALERT"):
        peer.read(alert)
    assert ours.end() == b""


def test_a_record_that_was_changed_on_the_way(connected: tuple[Tls, Peer]) -> None:
    ours, peer = connected
    record = bytearray(peer.write(b"36-24-36\n"))
    record[-1] ^= 1
    assert failing(ours, bytes(record)).reason == "DECRYPTION_FAILED_OR_BAD_RECORD_MAC"
    with pytest.raises(ssl.SSLError) as told:
        peer.read(ours.outgoing())
    assert told.value.reason == "SSLV3_ALERT_BAD_RECORD_MAC"


def test_words_before_a_broken_record_are_not_lost(connected: tuple[Tls, Peer]) -> None:
    ours, peer = connected
    good, broken = peer.write(b"first\n"), bytearray(peer.write(b"second\n"))
    broken[-1] ^= 1
    assert ours.receive(good + bytes(broken)) == b"first\n"
    assert ours.failure is not None
    assert ours.failure.reason == "DECRYPTION_FAILED_OR_BAD_RECORD_MAC"
    assert ours.send(b"too late\n"), "the alert, and no words: nothing can be said any more"
    assert ours.send(b"too late\n") == b""


def test_joined_in_memory_both_come_to_the_end(server: ssl.SSLContext, client: ssl.SSLContext) -> None:
    ours, theirs = Tls(client, server_hostname="localhost"), Tls(server, server_side=True)
    shake_hands(ours, theirs)
    assert ours.ready
    assert theirs.ready
    assert theirs.receive(ours.send(b"hello")) == b"hello"
    assert ours.receive(theirs.send(b"hola")) == b"hola"


def test_joined_in_memory_a_client_that_does_not_trust_ends_it(server: ssl.SSLContext) -> None:
    ours, theirs = Tls(ssl.create_default_context(), server_hostname="localhost"), Tls(server, server_side=True)
    shake_hands(ours, theirs)
    assert isinstance(ours.failure, ssl.SSLCertVerificationError)
    assert not theirs.ready


def test_a_record_that_came_twice(connected: tuple[Tls, Peer]) -> None:
    ours, peer = connected
    record = peer.write(b"pay\n")
    assert ours.receive(record) == b"pay\n"
    failing(ours, record)


def test_a_client_that_does_not_trust_says_so(server: ssl.SSLContext, client_context: ssl.SSLContext) -> None:
    """With the certificate of somebody else as the only one that is trusted."""
    ours, peer = Tls(client_context, server_hostname="localhost"), Peer(server, server_side=True)
    assert isinstance(failing(ours, peer.shake(ours.start())), ssl.SSLCertVerificationError)
    with pytest.raises(ssl.SSLError) as told:
        peer.read(ours.outgoing())
    assert told.value.reason == "TLSV1_ALERT_UNKNOWN_CA"
    assert not ours.ready


def test_a_client_asks_for_the_name_and_looks_for_it(server: ssl.SSLContext, client: ssl.SSLContext) -> None:
    asked: list[str | None] = []
    server.sni_callback = lambda _, name, __: asked.append(name)
    ours, peer = Tls(client, server_hostname="chat.example"), Peer(server, server_side=True)
    assert "Hostname mismatch" in str(failing(ours, peer.shake(ours.start())))
    assert asked == ["chat.example"]


def client_hello(version: bytes) -> bytes:
    """A ClientHello of a time before supported_versions. RFC 5246, section 7.4.1.2."""
    suites = bytes.fromhex("c013 c014 002f 0035")
    body = version + bytes(range(32)) + b"\0" + len(suites).to_bytes(2) + suites + b"\x01\0"
    message = b"\x01" + len(body).to_bytes(3) + body
    return bytes([HANDSHAKE]) + b"\x03\x01" + len(message).to_bytes(2) + message


# protocol_version(70), RFC 8446, section 6.2; SSL 3.0 has handshake_failure(40) only, RFC 6101, section 5.4.2
@pytest.mark.parametrize(
    ("asked", "description"),
    [(b"\x03\x00", 40), (b"\x03\x01", 70), (b"\x03\x02", 70)],
    ids=["SSL 3.0", "TLS 1.0", "TLS 1.1"],
)
def test_nothing_below_tls_1_2(store: tuple[Path, Path, Path], asked: bytes, description: int) -> None:
    ours = Tls(contexts.server_context(store[0], store[1]), server_side=True)
    assert failing(ours, client_hello(asked)).reason in {"UNSUPPORTED_PROTOCOL", "VERSION_TOO_LOW"}
    alert = ours.outgoing()
    assert (alert[0], alert[5:]) == (ALERT, bytes([2, description])), "2: fatal"


def test_but_that_hello_is_a_good_one_for_tls_1_2(store: tuple[Path, Path, Path]) -> None:
    """A test of the one above: it would pass for any other mistake in the hello too."""
    ours = Tls(contexts.server_context(store[0], store[1]), server_side=True)
    assert failing(ours, client_hello(b"\x03\x03")).reason == "NO_SHARED_CIPHER"


def test_against_a_real_socket(side: str, server: ssl.SSLContext, client: ssl.SSLContext) -> None:
    """The other side is Python's own blocking socket in a thread, which says all it has to say and then goodbye."""
    ours_end, theirs_end = socket.socketpair()

    def talk() -> bytes:
        context, hostname = (client, "localhost") if side == "server" else (server, None)
        with context.wrap_socket(theirs_end, server_side=side == "client", server_hostname=hostname) as talking:
            talking.sendall(b"first\n")
            talking.sendall(b"x" * 100_000)
            with talking.makefile("rb") as reading:
                got = reading.readline()
            talking.unwrap().close()
            return got

    ours = Tls(server, server_side=True) if side == "server" else Tls(client, server_hostname="localhost")
    words = b""
    with ours_end, ThreadPoolExecutor(1) as threads:
        ours_end.settimeout(30)
        theirs_end.settimeout(30)
        got = threads.submit(talk)
        if side == "client":
            ours_end.sendall(ours.start())
        while len(words) < 6 + 100_000 and (data := ours_end.recv(1000)):
            words += ours.receive(data)
            ours_end.sendall(ours.outgoing())
        ours_end.sendall(ours.send(b"answer\n"))
        while not ours.ended and (data := ours_end.recv(1000)):
            words += ours.receive(data)
        ours_end.sendall(ours.end())
        assert got.result() == b"answer\n"
    assert ours.ended
    assert words == b"first\n" + b"x" * 100_000


@given(st.binary())
def test_plaintext_is_as_it_is(data: bytes) -> None:
    wire: Wire = Plain()
    assert wire.ready
    assert wire.receive(data) == data
    assert wire.send(data) == data
    assert wire.outgoing() == b""
    assert wire.end() == b""
    assert not wire.ended


def test_what_comes_first_tells_tls_from_words(server: ssl.SSLContext, client: ssl.SSLContext) -> None:
    hello = Tls(client, server_hostname="localhost").start()
    answer = Peer(server, server_side=True).shake(hello)
    for data in (hello, answer, hello[:1]):
        assert is_tls(data)
        assert is_record(data)
    assert is_record(b"\x15\x03\x01\x00\x02\x02\x46"), "an alert"
    assert not is_tls(b"\x15\x03\x01\x00\x02\x02\x46")
    for words in (b"", b"alice\n", "ñ".encode(), b"* welcome, bob. 1 here: bob\n", b"\n", b"\r\n", b"\t", b"\x1b[A"):
        assert not is_tls(words)
        assert not is_record(words)
