"""The key x session matrix against the textbook: claims, and answers to what was to be predicted. Pure."""

from lab.scenarios.keys.matrix import KINDS, Cell, Kind, Matrix, Means, Row
from lab.scenarios.shape import Claim, Judgement, Question
from lab.verdict import Expected

_OTHER = "another selection"
_SETS = {
    frozenset[str](): "none of them",
    frozenset({KINDS[0].name}): "only TLS 1.2 with RSA",
    frozenset({KINDS[0].name, KINDS[1].name}): "both of TLS 1.2",
    frozenset(kind.name for kind in KINDS): "all four",
}
_SAME, _CHACHA, _AES = "no, the same keys open both", "yes, ChaCha20 is safer", "yes, AES is safer"
QUESTIONS = (
    Question(
        "stolen",
        "The server's private key is stolen a year later. Which of the captured sessions can be read now?",
        (*_SETS.values(), _OTHER),
    ),
    Question(
        "keylog",
        "Not the private key but the key log is found, the file with each connection's secrets. Which can be read?",
        (*_SETS.values(), _OTHER),
    ),
    Question("cipher", "Does it matter here which cipher TLS 1.3 uses?", (_SAME, _CHACHA, _AES)),
)


def judge(matrix: Matrix) -> Judgement:
    """Compare what was read with the textbook."""
    claims = tuple(_claim(row, means) for row in matrix.rows for means in Means)
    problems = [f"{_title(row)}: {problem}" for row in matrix.rows for problem in row.problems]
    problems += [
        f"{_title(row)}: the capture says {', '.join(row.suites)} where {row.kind.suite} was asked for."
        for row in matrix.rows
        if row.suites != (row.kind.suite,)
    ]
    return Judgement(
        claims=claims,
        answers={
            "stolen": _readable(matrix, Means.STOLEN_KEY),
            "keylog": _readable(matrix, Means.KEY_LOG),
            "cipher": _compared(matrix),
        },
        counters=matrix.counters,
        problems=tuple(problems),
        details={"sessions": [_details(row) for row in matrix.rows]},
    )


def textbook(kind: Kind, means: Means) -> bool:
    """Return whether the messages can be read, as the textbook has it."""
    return {Means.NOTHING: False, Means.STOLEN_KEY: not kind.forward_secret, Means.KEY_LOG: True}[means]


def _claim(row: Row, means: Means) -> Claim:
    cell, readable = row.cells[means], textbook(row.kind, means)
    found = cell.verdict
    measured = f"{found.read} of {len(found.findings)} messages read"
    return Claim(
        what=f"{_title(row)}, opened with {means}",
        textbook="every message is read" if readable else "no message is read",
        measured=" ".join([f"{measured}.", *found.problems, *cell.reasons]).removesuffix("."),
        ok=agrees(row, means),
        spans=cell.spans,
    )


def agrees(row: Row, means: Means) -> bool:
    """Return whether a cell came out as the textbook has it."""
    found = row.cells[means].verdict
    return found.ok and (found.expected is Expected.READABLE) is textbook(row.kind, means)


def _title(row: Row) -> str:
    return f"{row.kind.name} (a recording: frames of {row.files.capture.name})" if row.recorded else row.kind.name


def is_read(cell: Cell) -> bool:
    """Return whether every message was read, and nothing else."""
    return cell.verdict.expected is Expected.READABLE and cell.verdict.ok


def _readable(matrix: Matrix, means: Means) -> str:
    names = frozenset(row.kind.name for row in matrix.rows if is_read(row.cells[means]))
    return _SETS.get(names, _OTHER)


def _compared(matrix: Matrix) -> str:
    """Return which cipher of TLS 1.3 withstood more ways of opening."""
    aes, chacha = (sum(is_read(cell) for cell in row.cells.values()) for row in matrix.rows[-2:])
    return _SAME if aes == chacha else _CHACHA if aes > chacha else _AES


def _details(row: Row) -> dict[str, object]:
    return {
        "name": row.kind.name,
        "file": row.files.capture.name,
        "recorded": row.recorded,
        "port": row.port,
        "cipher_suites": list(row.suites),
        "key_exchange": [str(exchange) for exchange in row.exchanges],
        "messages": len(row.sent),
        "read": {str(means): cell.verdict.read for means, cell in row.cells.items()},
    }
