"""Exercise 6: what a client offers in its hello, and what the server chooses: version, suite, group."""

import ssl
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from capture.handshake import Handshake, read_handshake
from capture.registry import CIPHER_SUITES, GREASE, GROUPS, name
from capture.rights import Choice
from capture.tls import TLS_1_2, TLS_1_3, VERSIONS
from lab.errors import LabError
from lab.exercises import cast, live
from lab.exercises.draw import Draw
from lab.exercises.exercise import Exercise, Kind, Step
from lab.exercises.typed import plain_digits
from lab.exercises.verifying import certificates
from lab.exercises.work import Work
from lab.sessions import Session

_PEOPLE = 2  # in each of the two chats
_SIGNALS = frozenset({0x00FF, 0x5600})  # in the list, but no suites (RFC 5746, section 3.3; RFC 7507)
# In OpenSSL's words (ciphers(1)), without the ECDHE-ECDSA- in front: those that every OpenSSL has, one of which is
# chosen, and others that a client may offer.
_COMMON = ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305", "AES128-SHA256", "AES256-SHA384")
_RARE = (
    "AES128-CCM",
    "AES256-CCM",
    "CAMELLIA128-SHA256",
    "CAMELLIA256-SHA384",
    "ARIA128-GCM-SHA256",
    "ARIA256-GCM-SHA384",
)
_SIZES = (4, 10)  # suites that a client offers for TLS 1.2
_GROUPS = ("X448", "secp384r1", "secp521r1")  # not what clients like best, nor the curve of the certificate's key


@dataclass(frozen=True, slots=True)
class Truth:
    """What the capture says.

    Attributes:
        newer: the name of the server that chose TLS 1.3.
        older: the name of the one that chose TLS 1.2.
        version: the version that the newer one chose.
        legacy: what stands in its hello where TLS 1.2 has the version.
        in_record: the version in the header of its clients' first record.
        lists: every number in the list of suites that clients send to the newer server, and to the older.
        suite: the number that the older one chose.
        groups: what its clients offer.
        group: what it chose of these.
        key: the curve of its certificate's key.
        frame: where its ServerHello begins.
    """

    newer: str
    older: str
    version: int
    legacy: int
    in_record: int
    lists: tuple[tuple[int, ...], tuple[int, ...]]
    suite: int
    groups: tuple[int, ...]
    group: int
    key: str
    frame: int


def _hosts(draw: Draw) -> tuple[str, str]:
    """Return the names of the server with TLS 1.3 and of the one with TLS 1.2."""
    return cast.host(draw), cast.host(draw, "older host")


def values(draw: Draw) -> Mapping[str, str]:
    """Return what differs in the task."""
    # in the order of the alphabet: which of them chooses which version is for the student to find
    first, second = sorted(_hosts(draw))
    return {"first": first, "second": second}


def marks(draw: Draw) -> tuple[bytes, ...]:
    """Return what names this student in the capture: both servers."""
    return tuple(host.encode() for host in _hosts(draw))


def run(draw: Draw, folder: Path, choice: Choice) -> None:
    """Record two chats at once; the clients offer two versions to both servers, and nobody keeps their keys."""
    chosen, *common = draw.shuffled("common", _COMMON)
    first, *others = draw.shuffled("others", [*common, *_RARE])
    # so far apart that none is taken for the other with something else counted
    few = draw.number("few", _SIZES[0], _SIZES[1] - 2)
    sizes = draw.shuffled("sizes", (few, draw.number("many", few + 2, _SIZES[1])))
    newer, older = _hosts(draw)
    ports = live.ports(draw, f"port of {newer}", f"port of {older}")
    chats = []
    with tempfile.TemporaryDirectory() as private:
        for host, port, size in zip((newer, older), ports, sizes, strict=True):
            made = live.secure(Path(private), host)
            # what is chosen is never the first
            offered = (first, *draw.shuffled(f"list of {size}", [chosen, *others[: size - 2]]))
            made.client.set_ciphers(_openssl(*offered))
            if host == newer:
                made.server.minimum_version = ssl.TLSVersion.TLSv1_3
            else:
                made.server.maximum_version = ssl.TLSVersion.TLSv1_2
                made.server.set_ciphers(_openssl(chosen))
                made.server.set_ecdh_curve(draw.choice("group", _GROUPS))
            steps = cast.conversation(Draw(draw.bytes(f"chat with {host}", 32)), _PEOPLE, messages=4)
            chats.append(live.Chat(steps, port, host, made.server, made.client))
    live.record(folder, choice, chats)


def _openssl(*suites: str) -> str:
    return ":".join(f"ECDHE-ECDSA-{suite}" for suite in suites)


def truth(work: Work) -> Truth:
    """Find both handshakes.

    Raises:
        LabError: the capture does not hold them.
        CaptureError: the capture cannot be read.
    """
    found: dict[int, tuple[Session, Handshake]] = {}
    for session in work.traffic.sessions:
        seen = read_handshake(session.client, session.server)
        if seen.client_hellos and seen.server_hellos:
            found.setdefault(seen.server_hellos[-1].version, (session, seen))
    if not {TLS_1_2, TLS_1_3} <= set(found):
        raise LabError("The capture has no handshake of TLS 1.3, or none of TLS 1.2.")
    (session, new), (older_session, old) = found[TLS_1_3], found[TLS_1_2]
    newer, older = new.client_hellos[0], old.client_hellos[0]
    groups = tuple(group for group in older.supported_groups if group not in GREASE)
    if newer.server_name is None or older.server_name is None or not groups or old.group is None:
        raise LabError("A handshake in the capture lacks what is asked for.")
    answer = older_session.server.records[0]
    return Truth(
        newer=newer.server_name,
        older=older.server_name,
        version=new.server_hellos[-1].version,
        legacy=new.server_hellos[-1].legacy_version,
        in_record=session.client.records[0].version,
        lists=(newer.cipher_suites, older.cipher_suites),
        suite=old.server_hellos[-1].cipher_suite,
        groups=groups,
        group=old.group,
        key=_key(old),
        frame=answer.stream.locate(answer.start, answer.end)[0].frame,
    )


def _key(seen: Handshake) -> str:
    """Return the curve of the server's key, "" where it has none."""
    if seen.server_certificate is None or not seen.server_certificate.certificates:
        raise LabError("The capture shows no certificate over TLS 1.2.")
    pem = ssl.DER_cert_to_PEM_cert(seen.server_certificate.certificates[0])
    key = certificates(pem.encode(), "The server over TLS 1.2")[0].public_key()
    return key.curve.name if isinstance(key, EllipticCurvePublicKey) else ""


def _suites(listed: tuple[int, ...]) -> int:
    """Return how many of the numbers are suites."""
    return sum(number not in GREASE | _SIGNALS for number in listed)


def _is(answer: str, names: Mapping[int, str], number: int) -> bool:
    """Return whether an answer means this number: its name, its four hex digits, or both as Wireshark shows them."""
    digits, said = f"{number:04x}", names.get(number, "").lower()
    return answer.strip().lower() in (said, f"{said} (0x{digits})") or plain_digits(answer) == digits


def _server(truth: Truth, answer: str) -> str:
    named = answer.lower()
    if named.strip() == truth.newer:
        return ""
    if truth.newer in named and truth.older in named:
        return "both"
    return "older" if truth.older in named else "wrong"


def _version(truth: Truth, answer: str) -> str:
    if _is(answer, VERSIONS, truth.version):
        return ""
    if _is(answer, VERSIONS, truth.legacy):
        return "legacy"
    return "in_record" if _is(answer, VERSIONS, truth.in_record) else "wrong"


def _offered(truth: Truth, answer: int) -> str:
    listed, other = truth.lists
    if answer == _suites(listed):
        return ""
    if answer == len(listed):
        return "signal_counted"
    if answer == 2 * len(listed):
        return "bytes_counted"
    return "other_server" if answer in (_suites(other), len(other)) else "wrong"


def _suite(truth: Truth, answer: str) -> str:
    if _is(answer, CIPHER_SUITES, truth.suite):
        return ""
    first, *rest = truth.lists[1]
    if _is(answer, CIPHER_SUITES, first):
        return "first_offered"
    return "offered" if any(_is(answer, CIPHER_SUITES, number) for number in rest) else "wrong"


def _group(truth: Truth, answer: str) -> str:
    if _is(answer, GROUPS, truth.group):
        return ""
    first, *rest = truth.groups
    if _is(answer, GROUPS, first):
        return "first_offered"
    if answer.strip().lower() == truth.key:
        return "certificate_key"
    return "offered" if any(_is(answer, GROUPS, number) for number in rest) else "wrong"


EXERCISE = Exercise(
    number=6,
    name="e06_offered_and_chosen",
    steps=(
        Step("server", 1, Kind.TEXT, _server, lambda t: t.newer),
        Step("version", 1, Kind.TEXT, _version, lambda t: f"{t.version:04x}"),
        Step("offered", 1, Kind.NUMBER, _offered, lambda t: str(_suites(t.lists[0]))),
        Step("suite", 1, Kind.TEXT, _suite, lambda t: f"{name(CIPHER_SUITES, t.suite)} (frame {t.frame})"),
        Step("group", 1, Kind.TEXT, _group, lambda t: f"{name(GROUPS, t.group)} (after frame {t.frame})"),
    ),
    values=values,
    run=run,
    marks=marks,
    truth=truth,
)
