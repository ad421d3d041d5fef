"""The catalogue of explanations: whole, the same in both languages, and right about every capture there is."""

import contextlib
import re
import shutil
import string
import subprocess
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture import explanations, registry
from capture.dissection import Dissection, Node
from capture.dissectors import dissect
from capture.errors import NotACaptureError, TornCaptureError
from capture.explanations import LANGUAGES, Explanation, Language, explain, shown, what_is
from tests.capture.dissectors import made

DATA = Path(__file__).parents[2] / "data"
FOLDER = Path(explanations.__file__).parent
PARTS = sorted(path.stem for path in (FOLDER / "en").iterdir())
FIELDS = [part for part in PARTS if part not in ("values", "composed")]
WITH_TLS = ("tls", "foreign", "keys-", "renegotiated")

# Where a field may be said to be defined.
SOURCE = r"(RFC \d{3,4}|X\.690)(, (section|sección) [A-D\d](\.\d+)*)?"
WHERE = re.compile(rf"{SOURCE}(; {SOURCE})*|IEEE 802\.(3|1Q|1ad)|IANA protocol-numbers|libpcap LINKTYPE_\w+|Wireshark")
# Longest sentences that a page and a pupil can take: what may be two or three, here is one.
LONGEST_WHAT, LONGEST_HERE = 260, 240


def load(language: str, part: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / language / f"{part}.toml").read_text(encoding="utf-8"))


def flat(table: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from flat(value, (*path, key))
        else:
            yield (*path, key), value


def placeholders(text: str) -> set[str]:
    return {field for _, field, _, _ in string.Formatter().parse(text) if field is not None}


def node(name: str, number: int | None = None, size: int = 1, label: str = "") -> Node:
    return Node(name, label, number, 0, 0, size, 0)


def explained(name: str, data: bytes, number: int | None = None, language: Language = "en") -> Explanation:
    found = explain(node(name, number, len(data)), data, language)
    assert found is not None
    return found


# The catalogue itself.


@pytest.mark.parametrize("part", PARTS)
def test_languages_have_the_same(part: str) -> None:
    english, spanish = (dict(flat(load(language, part))) for language in LANGUAGES)
    assert list(english) == list(spanish)
    for key, text in english.items():
        assert placeholders(text) == placeholders(spanish[key]), key
        assert text == "{exchange} {cipher} {hash}" or text != spanish[key] or text in ("TCP.", "No."), key


def test_no_field_stands_twice() -> None:
    names = Counter(name for part in FIELDS for name in load("en", part))
    assert [name for name, times in names.items() if times > 1] == []
    assert len(names) > 250


def test_facts_and_sentences_are_of_the_same_fields() -> None:
    facts = tomllib.loads((FOLDER / "facts.toml").read_text(encoding="utf-8"))
    assert set(facts["where"]) == {name for part in FIELDS for name in load("en", part)}
    assert set(facts["values"]) <= set(facts["where"])
    assert set(facts["values"].values()) - {"suite", "scheme"} == set(load("en", "values"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_are_sentences(language: Language) -> None:
    known = set(shown.PLACEHOLDERS)
    for part in FIELDS:
        for (name, kind), text in flat(load(language, part)):
            assert kind in ("what", "here"), name
            assert re.fullmatch(r"[A-ZÁÉÍÓÚÑ¿¡“«{].*[.”»?]", text), (name, text)
            assert "  " not in text, name
            assert placeholders(text) <= (known if kind == "here" else set()), name
            assert len(text) <= (LONGEST_WHAT if kind == "what" else LONGEST_HERE), (name, len(text))
    for _, text in flat(load(language, "values")):
        assert text.endswith((".", ".”", "».")), text
        assert placeholders(text) == set(), text
        assert len(text) <= LONGEST_HERE, text


@pytest.mark.parametrize("language", LANGUAGES)
def test_where_is_a_place(language: Language) -> None:
    for part in FIELDS:
        for name in load(language, part):
            found = what_is(name, language)
            assert found is not None
            assert WHERE.fullmatch(found[1]), (name, found[1])
            assert ("section" if language == "es" else "sección") not in found[1]


def test_names_are_wiresharks(tool: Callable[[str], str]) -> None:
    """A name that Wireshark does not have explains nothing, and cannot be pasted into its filter."""
    listed = subprocess.run([tool("tshark"), "-G", "fields"], capture_output=True, text=True, check=True).stdout
    names = {line.split("\t")[2] for line in listed.splitlines() if line[:2] in ("F\t", "P\t")}
    ours = {name for part in FIELDS for name in load("en", part) if not name.startswith("*")}
    assert ours - names - {"tcp.flags.ns", "tcp.flags.ae"} == set()  # the same bit, before and since Wireshark 4.0


# Values.

NUMBERS = [
    *(("tls.record.content_type", number) for number in (20, 21, 22, 23, 24)),
    *((field, number) for field, table in registry.NAMES.items() for number in table),
    *((field, 0x2A2A) for field in ("tls.handshake.ciphersuite", "tls.handshake.extensions_supported_group")),
]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_registered_number_is_explained(language: Language) -> None:
    """What `capture.registry` has a name for has a sentence, and not the one for numbers that nobody knows."""
    for name, number in NUMBERS:
        here = explained(name, number.to_bytes(2, "big"), number, language).here
        other = explained(name, b"\x99\x99", 0x9999, language).here
        assert here, (name, number)
        assert re.sub(r"\d+|0x\w+", "", here) != re.sub(r"\d+|0x\w+", "", other), (name, number, here)
        assert "{" not in here, (name, number, here)
        assert here.endswith((".", ".”", "».")), here


def test_what_a_value_means() -> None:
    assert explained("tls.record.length", b"\0\x26", 38) == Explanation(
        "How many bytes of body follow this header. An eavesdropper reads it too, and can guess from it how long the "
        "message is.",
        "The body of this record is 38 bytes long.",
        "RFC 8446, section 5.1",
    )
    assert explained("tls.record.length", b"\0\x01", 1, "es").here == "El cuerpo de este registro ocupa 1 byte."
    assert explained("tls.handshake.extensions_server_name", b"localhost").here == "The client asks for “localhost”."
    assert explained("ip.src", bytes([192, 0, 2, 1])).here == "It came from 192.0.2.1."
    assert explained("ipv6.dst", bytes(15) + b"\1").here == "It goes to ::1."
    assert explained("tcp.flags", b"\x50\x12", 0x12).here.startswith("SYN and ACK")
    assert explained("tcp.flags", b"\x50\x2a", 0x2A).here == "Each of the bits is explained below."
    assert explained("x509if.oid", b"\x55\x04\x03").here.startswith("Common name")
    san = bytes.fromhex("30 14 06 03 55 1d 11 04 0d 30 0b 82 09") + b"localhost"
    assert explained("x509af.Extension_element", san).here.startswith("Subject alternative name")
    assert "AES encrypts with a key of 256 bits" in explained("tls.handshake.ciphersuite", b"\x13\x02", 0x1302).here


def test_a_number_that_wireshark_does_not_give() -> None:
    """The value is read from the bytes where it is short."""
    assert explained("tls.record.content_type", b"\x16").here.startswith("Handshake")
    assert explained("tcp.flags.syn", bytes(9)).here == ""


def test_lines_without_a_name() -> None:
    extension = b"\0\0\0\x0e" + bytes(14)
    found = explain(node("", label="Extension: server_name (len=14)"), extension, "en")
    assert found is not None
    assert found.here.startswith("server_name: the name of the server")
    assert explain(node("", label="Key Share Entry: Group: x25519, Key Exchange length: 32"), b"", "es") is not None
    assert explain(node("", label="Nobody knows"), b"", "en") is None
    assert explain(node("tls.nobody.knows"), b"", "en") is None
    assert what_is("tls.nobody.knows", "en") is None


HOSTILE = b"<script>\x1b[31m\0{number}\n&amp;" + "\u202e\u2066abc".encode() + b"\xff\xfe"


@pytest.mark.parametrize("language", LANGUAGES)
def test_captured_bytes_are_only_text(language: Language) -> None:
    here = explained("data.data", HOSTILE, None, language).here
    assert here.isprintable()
    assert r"<script>\x1b[31m\x00{number}\n&amp;\u202e\u2066abc\xff\xfe" in here


ALL_NAMES = [name for part in FIELDS for name in load("en", part)]


@given(
    st.sampled_from(ALL_NAMES),
    st.binary(max_size=80),
    st.none() | st.integers(min_value=0, max_value=1 << 64),
    st.integers(min_value=1, max_value=1 << 20),
    st.sampled_from(LANGUAGES),
)
def test_nothing_breaks_it(name: str, data: bytes, number: int | None, size: int, language: Language) -> None:
    line = node("", number, size, name[1:]) if name.startswith("*") else node(name, number, size)
    found = explain(line, data, language)
    assert found is not None
    assert (found.what + found.here + found.where).isprintable()
    assert len(found.here) < 500


# Captures.


def keys_of(capture: Path) -> Path | None:
    keys = capture.with_name(capture.name.partition(".")[0] + ".keys.txt")
    return keys if keys.exists() else None


def with_tls() -> list[Path]:
    return sorted(path for path in DATA.glob("*.pcapng") if path.name.startswith(WITH_TLS))


@pytest.fixture(scope="module")
def apart() -> list[Dissection]:
    """Every frame of every capture, taken apart without Wireshark."""
    found: list[Dissection] = []
    for capture in sorted(path for path in DATA.iterdir() if ".pcap" in path.name):
        with contextlib.suppress(TornCaptureError, NotACaptureError):  # the frames before a tear are there
            found.extend(dissect(capture, ports={}, keylog=keys_of(capture), dissector="native"))
    return found


@pytest.fixture(scope="module")
def merged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """All captures with TLS one after the other in one file, and all their keys: a tshark for each would be slow."""
    mergecap = shutil.which("mergecap")
    if mergecap is None:
        pytest.skip("mergecap is not installed")
    folder = tmp_path_factory.mktemp("merged")
    capture, keys = folder / "all.pcapng", folder / "all.keys.txt"
    rare = folder / "rare.pcap"
    made.write(rare, made.handshakes())
    subprocess.run([mergecap, "-a", "-w", str(capture), *map(str, with_tls()), str(rare)], check=True)
    keys.write_text("".join(path.read_text() for path in sorted(DATA.glob("*.keys.txt"))))
    return capture, keys


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_byte_of_records_and_handshakes_is_explained(language: Language, apart: list[Dissection]) -> None:
    """100 %: each byte of each TLS record, and of what was in it, stands in an explained field that holds no other."""
    inside = covered = 0
    for dissection in apart:
        nodes = dissection.nodes
        wanted = [bytearray(len(source.data)) for source in dissection.sources]
        have = [bytearray(len(source.data)) for source in dissection.sources]
        for index, source in enumerate(dissection.sources):
            if source.kind == "decrypted":
                wanted[index][:] = b"\1" * len(source.data)
        tls = False
        for at, line in enumerate(nodes):
            tls = line.name == "tls" if line.depth == 0 else tls
            where = slice(line.start, line.start + line.size)
            if line.name == "tls.record":
                wanted[line.source][where] = b"\1" * line.size
            leaf = at + 1 == len(nodes) or nodes[at + 1].depth <= line.depth
            # "TCP payload", or the frame itself, says nothing about TLS
            counts = leaf and (tls or dissection.sources[line.source].kind == "decrypted")
            if counts and explain(line, dissection.bytes_of(line), language) is not None:
                have[line.source][where] = b"\1" * line.size
        for want, got in zip(wanted, have, strict=True):
            missing = [at for at, (asked, given) in enumerate(zip(want, got, strict=True)) if asked and not given]
            assert missing == [], (dissection.frame, missing[:5])
            inside += sum(want)
            covered += sum(map(int.__mul__, want, got))
    assert len(apart) > 1000
    assert inside > 100_000
    assert covered == inside


def test_every_field_that_wireshark_finds_is_explained(merged: tuple[Path, Path], tool: Callable[[str], str]) -> None:
    """Every line of Wireshark's tree where there is TLS, from the frame down to the certificates."""
    tool("sharkd")
    names: Counter[str] = Counter()
    nameless = 0
    for dissection in dissect(merged[0], ports={}, keylog=merged[1], dissector="sharkd"):
        for line in dissection.nodes:
            for language in LANGUAGES:
                found = explain(line, dissection.bytes_of(line), language)
                assert found is not None, (dissection.frame, line)
                assert found.here or line.name, line  # a line without a name has nothing but this
            names[line.name] += 1
            nameless += not line.name
    assert sum(names[name] for name in names if name.startswith("tls")) > 10_000
    assert len([name for name in names if name.startswith("tls")]) > 110
    assert nameless > 500


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_line_of_every_capture_is_explained(language: Language, apart: list[Dissection]) -> None:
    """Headers of Ethernet, IP, TCP and the like too, and what is broken."""
    for dissection in apart:
        for line in dissection.nodes:
            found = explain(line, dissection.bytes_of(line), language)
            assert found is not None, (dissection.frame, line)
            assert found.here or line.name, line


def test_many_calls_take_little_time(apart: list[Dissection]) -> None:
    """20,000 frames of 60 fields are to take a few seconds: measured in the time of this process, on a part of them."""
    lines = [(line, found.bytes_of(line)) for found in apart for line in found.nodes]
    started = time.process_time()
    calls = 0
    for language in LANGUAGES:
        for line, data in lines:
            explain(line, data, language)
            calls += 1
    assert calls > 50_000
    assert (time.process_time() - started) / calls < 30e-6
