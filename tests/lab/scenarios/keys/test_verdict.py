"""The verdict on a real run, and on the same run with something wrong in it."""

from dataclasses import replace

import pytest

from capture.sources.source import Counters
from lab.scenarios.keys.matrix import KINDS, Cell, Matrix, Means, Row
from lab.scenarios.keys.verdict import QUESTIONS, agrees, is_read, judge, textbook
from lab.verdict import Expected
from tests.lab.scenarios.keys.conftest import Ran


def with_cell(matrix: Matrix, number: int, means: Means, cell: Cell) -> Matrix:
    rows = list(matrix.rows)
    rows[number] = replace(rows[number], cells={**rows[number].cells, means: cell})
    return replace(matrix, rows=tuple(rows))


def with_row(matrix: Matrix, number: int, row: Row) -> Matrix:
    return replace(matrix, rows=(*matrix.rows[:number], row, *matrix.rows[number + 1 :]))


def test_the_textbook() -> None:
    table = [[textbook(kind, means) for means in Means] for kind in KINDS]
    assert table == [[False, True, True], [False, False, True], [False, False, True], [False, False, True]]


def test_every_claim_ends_in_frames(ran: Ran) -> None:
    judgement = judge(ran.matrix)
    assert judgement.ok
    assert len(judgement.claims) == 12
    assert all(claim.spans for claim in judgement.claims)
    assert judgement.claims[1].what == "TLS 1.2, RSA, opened with the server's private key"
    assert (judgement.claims[1].textbook, judgement.claims[1].measured) == (
        "every message is read",
        "12 of 12 messages read",
    )
    assert judgement.claims[4].measured.startswith("0 of 12 messages read. Nothing was encrypted to the server's key")
    assert [session["read"] for session in judgement.details["sessions"]] == [
        {str(means): row.cells[means].verdict.read for means in Means} for row in ran.matrix.rows
    ]


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("means", Means)
def test_each_cell_turned_round_is_noticed(ran: Ran, number: int, means: Means) -> None:
    """An open cell in place of a closed one, and the other way round."""
    row = ran.matrix.rows[number]
    other = row.cells[Means.NOTHING if is_read(row.cells[means]) else Means.KEY_LOG]
    matrix = with_cell(ran.matrix, number, means, other)
    assert not agrees(matrix.rows[number], means)
    judgement = judge(matrix)
    assert not judgement.ok
    assert [claim.ok for claim in judgement.claims].count(False) == 1
    if means is not Means.NOTHING:
        before = judge(ran.matrix).answers
        changed = {key for key, answer in judgement.answers.items() if answer != before[key]}
        question = "stolen" if means is Means.STOLEN_KEY else "keylog"
        assert changed == ({question, "cipher"} if number >= 2 else {question})


def test_a_message_less_is_noticed(ran: Ran) -> None:
    cell = ran.matrix.rows[0].cells[Means.STOLEN_KEY]
    lost = replace(cell.verdict.findings[3], heard=None)
    found = replace(
        cell.verdict,
        findings=(*cell.verdict.findings[:3], lost, *cell.verdict.findings[4:]),
        problems=("1 of 12 messages were not read: number 4.",),
    )
    assert found.expected is Expected.READABLE
    judgement = judge(with_cell(ran.matrix, 0, Means.STOLEN_KEY, replace(cell, verdict=found)))
    assert not judgement.ok
    assert judgement.claims[1].measured == "11 of 12 messages read. 1 of 12 messages were not read: number 4"
    assert judgement.answers["stolen"] == "none of them"


def test_what_is_not_a_matter_of_cells(ran: Ran) -> None:
    row = ran.matrix.rows[1]
    assert judge(with_row(ran.matrix, 1, replace(row, problems=("3 bytes are not in the capture.",)))).problems == (
        "TLS 1.2, ECDHE: 3 bytes are not in the capture.",
    )
    assert judge(with_row(ran.matrix, 1, replace(row, suites=("TLS_A", "TLS_B")))).problems == (
        "TLS 1.2, ECDHE: the capture says TLS_A, TLS_B where TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 was asked for.",
    )
    assert not judge(replace(ran.matrix, counters=Counters(10, 1))).ok


def test_the_options_name_the_sets(ran: Ran) -> None:
    closed = ran.matrix.rows[1].cells[Means.NOTHING]
    matrix = ran.matrix
    seen = []
    for number in range(4):
        matrix = with_cell(matrix, number, Means.KEY_LOG, closed)
        seen.append(judge(matrix).answers["keylog"])
    assert seen[-1] == "none of them"
    assert seen[0] == "another selection"
    assert set(seen) <= set(QUESTIONS[1].options)
