"""The decryption of records step by step, each with its numbers, for the terminal. Reads values and prints.

Nothing is computed here: what is shown is what the records were opened with. Whatever was captured passes through
`visible` first and is never read as markup.
"""

import itertools
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from capture.opened import Opened
from capture.schedule import TAG, Expanded, KeyBlock, TrafficKeys, TrafficSecret
from capture.tls import CONTENT_TYPES, HEADER
from lab.decrypting import redo
from lab.decrypting.page import inside, keys_name, say_whose, show_head
from lab.decrypting.reading import Connection, Decrypted, Row
from lab.presentation import facts, rule, shorten, show_lines, spans_text

_SHOWN = 2048  # characters of hex of one value; --json has all of it
_RANDOM = 32  # bytes of the random in a hello

_Rows = list[tuple[str, str | Text]]


def show_steps(console: Console, found: Decrypted, connections: Sequence[Connection], *, whole: bool) -> None:
    """Print every step of the decryption, with its numbers.

    Args:
        console: where to.
        found: what the connections belong to.
        connections: whose steps; only those of their rows.
        whole: print of each record the whole way, from the secret in the key log on, and the lines to do it again.
    """
    for connection in connections:
        show_head(console, connection)
        shown: set[int] = set()
        for row in connection.rows:
            item = row.opened
            if item is not None and id(item.keys) not in shown:
                shown.add(id(item.keys))
                _show_keys(console, item.keys, "client" if row.from_client else "server", whole=whole)
            _show_record(console, row)
            if item is not None and whole:
                _show_again(console, item)
    console.print()
    if not whole:
        console.print(Text("--record N prints one record, with the lines that do each of its steps again.", "dim"))
    console.print(Text("Secrets and keys are shown because you gave them: whoever has them reads all of this.", "dim"))
    say_whose(console, found)


def _noted(value: str, note: str) -> Text:
    return Text.assemble(value, "\n", (note, "dim"))


def _hex(data: bytes) -> str:
    return shorten(data.hex(), _SHOWN) if data else "nothing"


def _show_keys(console: Console, keys: TrafficKeys, side: str, *, whole: bool) -> None:
    console.print(rule(f"From the secret to the key and the IV of the {side}: {keys_name(keys)}"))
    if isinstance(keys.secret, KeyBlock):
        rows = _block_rows(keys.secret, keys, side)
        lines = [("the key block", redo.key_block(keys.secret, keys.suite))]
    else:
        chain = _chain(keys.secret, whole=whole)
        rows = _secret_rows(chain, keys)
        lines = [
            (f"the secret after key update {after.generation}", redo.expand(before.secret, after.update, keys.suite))
            for before, after in itertools.pairwise(chain)
            if after.update is not None
        ]
        lines += [(f"the {made.label}", redo.expand(keys.secret.secret, made, keys.suite)) for made in keys.expanded]
    console.print(facts(rows, indent=1))
    if whole:
        show_lines(console, "The same with openssl, which prints colons in between", lines)


def _block_rows(made: KeyBlock, keys: TrafficKeys, side: str) -> _Rows:
    at = len(made.seed) - 2 * _RANDOM
    label, server, client = made.seed[:at].decode(), made.seed[at : at + _RANDOM], made.seed[at + _RANDOM :]
    prf = f"PRF(master secret, seed) with {_hash(keys)} (RFC 5246, sections 5 and 6.3)"
    rows: _Rows = [
        ("master secret", _noted(made.master_secret.hex(), f"{made.label} in the key log")),
        (
            "seed",
            _noted(
                made.seed.hex(),
                f"“{label}”, then the server's random {server[:4].hex()}…, then the client's {client[:4].hex()}…",
            ),
        ),
        ("key block", _noted(made.block.hex(), f"{len(made.block)} bytes of {prf}")),
    ]
    for part in made.parts:
        used = ", used here" if part.name.startswith(side) else ""
        rows.append((part.name, _noted(part.value.hex(), f"bytes {part.start}-{part.end - 1} of the key block{used}")))
    return rows


def _chain(secret: TrafficSecret, *, whole: bool) -> list[TrafficSecret]:
    """Return the secrets that lead to one: from that of the key log on, or only the one before."""
    chain = [secret]
    while chain[-1].previous is not None and (whole or len(chain) == 1):
        chain.append(chain[-1].previous)
    return chain[::-1]


def _secret_rows(chain: Sequence[TrafficSecret], keys: TrafficKeys) -> _Rows:
    first = chain[0]
    origin = f"{first.label} in the key log"
    if first.generation:
        origin = f"{first.label} after {first.generation} key updates"
    rows: _Rows = [("secret", _noted(first.secret.hex(), origin))]
    for after in chain[1:]:
        assert after.update is not None
        rows.append((f"update {after.generation} info", _info(after.update)))
        rows.append(("new secret", _noted(after.secret.hex(), f"{_expand(after.update, keys)}, section 7.2)")))
    for made in keys.expanded:
        rows.append((f"{made.label} info", _info(made)))
        rows.append((made.label, _noted(made.output.hex(), f"{_expand(made, keys)}, section 7.3)")))
    return rows


def _expand(made: Expanded, keys: TrafficKeys) -> str:
    return f"{len(made.output)} bytes of HKDF-Expand(secret, info) with {_hash(keys)} (RFC 8446"


def _hash(keys: TrafficKeys) -> str:
    return keys.suite.hash.name.upper()


def _info(made: Expanded) -> Text:
    label = made.info[3:-1].decode()
    return _noted(
        made.info.hex(), f"length {made.info[:2].hex()}, {len(label)} bytes of label “{label}”, no context (00)"
    )


def _show_record(console: Console, row: Row) -> None:
    record, item = row.record, row.opened
    side = "client" if row.from_client else "server"
    console.print(rule(f"Record {record.index} of the {side}, {spans_text(row.spans)}"))
    kind = CONTENT_TYPES.get(record.content_type, "unknown")
    header = f"type {record.content_type} ({kind}), version {record.version:04x}, length {len(record.fragment)}"
    rows: _Rows = [("header", _noted(record.header.hex(), header))]
    if item is not None:
        rows += _opening_rows(item)
    elif row.protection == "clear":
        rows.append(("keys", "none: it is in the clear"))
    rows.append(("so it says", inside(row)))
    console.print(facts(rows, indent=1))


def _opening_rows(item: Opened) -> _Rows:
    rows: _Rows = []
    aead = item.keys.suite.aead.__name__
    if item.body:
        note = f"the first {item.body} bytes after the header, in the clear (RFC 5288, section 3)"
        rows.append(("explicit nonce", _noted(item.record.fragment[: item.body].hex(), note)))
    rows += [
        ("ciphertext", _hex(item.ciphertext)),
        ("tag", _noted(item.tag.hex(), f"the last {TAG} bytes: they fit no record that was changed")),
        ("sequence number", _noted(str(item.sequence), "records before it under these keys; both sides count them")),
        ("nonce", _noted(item.nonce.hex(), _nonce(item))),
        ("additional data", _noted(item.aad.hex(), _aad(item))),
        ("", Text(f"{aead} opens it with key, nonce and additional data; first it checks the tag:", "bold")),
    ]
    if is_tls13(item):
        inner = item.plaintext + bytes([item.content_type]) + bytes(item.padding)
        kind = CONTENT_TYPES.get(item.content_type, "unknown")
        rows += [
            (
                "opened",
                _noted(_hex(inner), "plaintext, a byte of type, zeros of padding (RFC 8446, sections 5.2 and 5.4)"),
            ),
            ("inner type", f"{item.content_type:02x}, that is {item.content_type} ({kind})"),
            ("padding", f"{item.padding} bytes"),
        ]
    rows.append(("plaintext", _hex(item.plaintext)))
    return rows


def is_tls13(item: Opened) -> bool:
    """Tell whether a record was opened by the rules of TLS 1.3: its additional data is its header and no more."""
    return len(item.aad) == HEADER


def _nonce(item: Opened) -> str:
    if item.keys.suite.explicit:
        return f"salt {item.keys.iv.hex()}, then the explicit nonce (RFC 5288, section 3)"
    number = item.sequence.to_bytes(len(item.nonce), "big").hex()
    section = "RFC 8446, section 5.3" if is_tls13(item) else "RFC 7905, section 2"
    return f"IV {item.keys.iv.hex()} XOR sequence number {number} ({section})"


def _aad(item: Opened) -> str:
    if is_tls13(item):
        return "the header (RFC 8446, section 5.2)"
    number, kind, version, length = (item.aad[start:end].hex() for start, end in ((0, 8), (8, 9), (9, 11), (11, 13)))
    return (
        f"sequence number {number}, type {kind}, version {version}, length of the plaintext {length} (RFC 5246, "
        "section 6.2.3.3)"
    )


def _show_again(console: Console, item: Opened) -> None:
    steps = [
        ("the nonce", redo.nonce(item)),
        ("what is inside; change any digit, and it raises InvalidTag", redo.decrypt(item)),
    ]
    show_lines(console, "The same with python", [(what, line) for what, line in steps if line is not None])
    if redo.decrypt(item) is None:
        console.print(Text(" The record is too long for a line; --json has all of it.", "dim"))
