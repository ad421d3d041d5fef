"""The judgement, pure: right answers hold, and each wrong one turns the claim that it belongs to."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from capture.sources.source import Counters
from lab.scenarios.shape import Judgement
from lab.scenarios.tamper.changes import Tampering, Transport
from lab.scenarios.tamper.difference import Difference, Kind
from lab.scenarios.tamper.judge import Outcome, Result, flipped, judge, outcome, passage, reading, refused
from lab.scenarios.tamper.read import Cell

KINDS = {
    Tampering.NONE: Kind.SAME,
    Tampering.FLIP: Kind.CHANGED,
    Tampering.REPLAY: Kind.DOUBLED,
    Tampering.DROP: Kind.MISSING,
    Tampering.SWAP: Kind.SWAPPED,
    Tampering.CUT: Kind.ENDED,
}


def turned(result: Result, cell: Cell) -> Judgement:
    """The judgement with one cell in the place of what was measured."""
    cells = tuple(
        cell if (was.transport, was.tampering) == (cell.transport, cell.tampering) else was for was in result.cells
    )
    return judge(replace(result, cells=cells))


def wrong(judgement: Judgement) -> set[str]:
    assert not judgement.ok
    return {claim.what for claim in judgement.claims if not claim.ok}


def test_what_the_cells_say(tampered: Result) -> None:
    target = tampered.target
    for cell in tampered.cells:
        case = (cell.transport, cell.tampering)
        kind = Difference(KINDS[cell.tampering], 0 if cell.tampering is Tampering.NONE else target.at)
        assert passage(cell) == kind, case
        if not cell.transport.is_tls or cell.tampering is Tampering.NONE:
            assert reading(cell, target) == kind, case
            assert refused(cell) is None
        if cell.tampering is Tampering.FLIP:
            assert flipped(cell, target.at) == (target.flip,)


def test_words_delivered_over_tls(tampered: Result) -> None:
    plain = tampered.cell(Transport.PLAIN, Tampering.FLIP)
    for transport in (Transport.TLS_1_2, Transport.TLS_1_3):
        cell = tampered.cell(transport, Tampering.FLIP)
        assert wrong(turned(tampered, replace(cell, read=plain.read))) == {
            f"{transport}, one bit flipped: what is read"
        }
    # and nobody says anything
    silent = replace(cell, read=plain.read, alerts=())
    judgement = turned(tampered, silent)
    assert wrong(judgement) == {"TLS 1.3, one bit flipped: what is read", "TLS 1.3, one bit flipped: who notices"}
    assert judgement.answers["tls"] == Outcome.UNNOTICED
    assert outcome(silent, tampered.target) is Outcome.UNNOTICED


def test_words_after_the_refused_record(tampered: Result) -> None:
    cell = tampered.cell(Transport.TLS_1_3, Tampering.DROP)
    more = tampered.cell(Transport.TLS_1_3, Tampering.NONE).read[tampered.target.at + 1 :]
    assert wrong(turned(tampered, replace(cell, read=cell.read + more))) == {"TLS 1.3, left out: what is read"}


@pytest.mark.parametrize("transport", [Transport.PLAIN, Transport.XOR])
def test_somebody_notices_without_tls(tampered: Result, transport: Transport) -> None:
    cell = replace(tampered.cell(transport, Tampering.FLIP), complaints=("* That line is not UTF-8.",))
    assert wrong(turned(tampered, cell)) == {f"{transport}, one bit flipped: who notices"}


def _another_alert(cell: Cell) -> Cell:
    return replace(cell, alerts=tuple(replace(alert, name="decrypt_error") for alert in cell.alerts))


def _from_the_client(cell: Cell) -> Cell:
    return replace(cell, alerts=tuple(replace(alert, from_client=True) for alert in cell.alerts))


def _goes_on(cell: Cell) -> Cell:
    return replace(cell, end=None)


def _ended_before(cell: Cell) -> Cell:
    assert cell.end is not None
    return replace(cell, end=replace(cell.end, span=cell.arrived[0].spans[0]))


def _all_open(cell: Cell) -> Cell:
    return replace(cell, arrived=tuple(replace(unit, words=b"x") for unit in cell.arrived))


@pytest.mark.parametrize("change", [_another_alert, _from_the_client, _goes_on, _ended_before, _all_open])
def test_another_end_than_the_textbooks(tampered: Result, change: Callable[[Cell], Cell]) -> None:
    cell = tampered.cell(Transport.TLS_1_2, Tampering.SWAP)
    assert wrong(turned(tampered, change(cell))) == {"TLS 1.2, swapped with next: who notices"}


def test_two_bits(tampered: Result) -> None:
    cell = tampered.cell(Transport.XOR, Tampering.FLIP)
    at = tampered.target.at
    unit = cell.arrived[at]
    more = replace(unit, data=unit.data[:-1] + bytes([unit.data[-1] ^ 1]))
    changed = replace(cell, arrived=(*cell.arrived[:at], more, *cell.arrived[at + 1 :]))
    assert wrong(turned(tampered, changed)) == {"XOR, one bit flipped: on the way"}


def test_other_words_than_those_given(tampered: Result) -> None:
    other = replace(tampered.target, words=("what?", *tampered.target.words[1:]))
    judgement = judge(replace(tampered, target=other))
    assert {f"{transport}, left alone: on the way" for transport in Transport} <= wrong(judgement)


def test_a_goodbye_after_a_cut(tampered: Result) -> None:
    cell = tampered.cell(Transport.TLS_1_3, Tampering.CUT)
    whole = tampered.cell(Transport.TLS_1_3, Tampering.NONE)
    assert wrong(turned(tampered, replace(cell, alerts=whole.alerts))) == {"TLS 1.3, chat cut short: who notices"}


def test_an_alert_after_a_cut(tampered: Result) -> None:
    cell = tampered.cell(Transport.TLS_1_3, Tampering.CUT)
    alerts = tampered.cell(Transport.TLS_1_3, Tampering.FLIP).alerts
    judgement = turned(tampered, replace(cell, alerts=alerts))
    assert "TLS 1.3, chat cut short: who notices" in wrong(judgement)
    assert judgement.answers["cut"] == "yes, bad_record_mac"


def test_a_cut_with_another_end(tampered: Result) -> None:
    cell, whole = (tampered.cell(Transport.TLS_1_3, tampering) for tampering in (Tampering.CUT, Tampering.NONE))
    warned = tuple(replace(alert, description=90) for alert in whole.alerts)
    for changes, answer in (
        ({"alerts": whole.alerts}, "something else"),
        ({"alerts_sent": ()}, "something else"),
        ({"alerts": warned}, "no: the only sign is a goodbye that is missing"),
    ):
        assert turned(tampered, replace(cell, **changes)).answers["cut"] == answer


def test_a_missing_record_that_nobody_misses(tampered: Result) -> None:
    cell = tampered.cell(Transport.TLS_1_3, Tampering.DROP)
    judgement = turned(tampered, replace(cell, alerts=()))
    assert judgement.answers["drop"] == "all but the words left out"


def test_packets_lost(tampered: Result) -> None:
    assert not judge(replace(tampered, counters=Counters(10, 1))).ok


def test_every_claim_says_where(tampered: Result) -> None:
    for claim in judge(tampered).claims:
        # that nobody notices stands nowhere
        assert claim.spans or claim.measured == "nobody notices", claim


def test_an_empty_cell_is_no_crash(tampered: Result) -> None:
    for was in tampered.cells:
        bare = replace(was, sent=(), arrived=(), read=(), alerts=(), alerts_sent=(), complaints=(), end=None)
        assert f"{was.transport}, {was.tampering}: what is read" in wrong(turned(tampered, bare))
