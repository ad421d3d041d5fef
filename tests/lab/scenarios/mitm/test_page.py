import io
from dataclasses import replace

from rich.console import Console

from lab.overhear import Heard
from lab.scenarios.mitm.cast import Shown, Who
from lab.scenarios.mitm.page import show
from lab.scenarios.mitm.read import Result


def page(met: Result, width: int = 100) -> str:
    out = io.StringIO()
    show(Console(file=out, width=width, color_system=None, highlight=False), met)
    return out.getvalue()


def section(text: str, title: str) -> str:
    _, _, rest = text.partition(f"\n{title} ─")
    return rest.partition("\n\n")[0]


def test_it_fits_a_projector_and_cuts_nothing_off(met: Result) -> None:
    text = page(met)
    before, _, lines = text.partition("See it yourself")
    assert max(map(len, before.splitlines())) <= 100
    assert "…" not in before
    assert str(met.capture) in lines  # lines to copy are not broken


def test_the_table_says_who_reads_what(met: Result) -> None:
    table = page(met).partition("reads: how many")[0]
    rows = table.splitlines()
    expected = {
        Who.COURSE: ["reads 0", *["reads 2"] * 7],
        Who.STRICT: ["reads 0", "issuer", "name", "dates", "dates", "issuer", "CA bit", "CRL"],
        Who.NAMELESS: ["reads 0", "issuer", "reads 2", "dates", "dates", "issuer", "CA bit", "reads 2"],
        Who.CREDULOUS: ["reads 0", "issuer", "name", "dates", "dates", "reads 2", "CA bit", "reads 2"],
        Who.PINNED: ["reads 0", *["key"] * 7],
    }
    for who, outcomes in expected.items():
        at = next(number for number, row in enumerate(rows) if row.strip().startswith(who))
        assert rows[at + 1].split() == " ".join(outcomes).split()


def test_every_certificate_has_its_details(met: Result) -> None:
    text = page(met)
    for shown in Shown:
        own = section(text, shown)
        for who in Who:
            assert who in own
        for cell in met.cells[:40]:
            if cell.visit.shown is shown and cell.alert is not None and not cell.accepted:
                assert f"{cell.alert.name} ({cell.alert.description})" in own
                assert str(cell.alert.spans[0]) in own
            for before, after in cell.changed if cell.visit.shown is shown else ():
                assert f"sent:    {before.spans[0]}" in own
                assert f"arrived: {after.spans[0]}" in own
    assert "900 euros to Mallory" in section(text, "What the relay does with a client that accepts")


def test_what_openssl_says_stands_beside_it(met: Result) -> None:
    if met.recording.opinions is not None:
        said = " ".join(section(page(met), Shown.EXPIRED).split())
        assert "openssl s_client's: 10 (certificate has expired)" in said
    without = page(replace(met, recording=replace(met.recording, opinions=None)))
    assert "s_client's" not in without
    silent = page(replace(met, recording=replace(met.recording, opinions=dict.fromkeys(Shown))))
    assert "openssl s_client's: no answer" in " ".join(silent.split())


def test_nobody_fooled_is_shown_too(met: Result) -> None:
    cells = tuple(replace(cell, read=(), got=(), alert=None) for cell in met.cells)
    text = page(replace(met, cells=cells))
    assert "What the relay does" not in text
    assert "no alert" in text


def test_words_off_the_wire_cannot_act_on_the_terminal(met: Result) -> None:
    def evil(messages: tuple[Heard, ...]) -> tuple[Heard, ...]:
        return tuple(replace(one, who=f"{one.who}\x1b[1m[red]", text=f"{one.text}\x1b[2J[bold]") for one in messages)

    cells = tuple(replace(cell, read=evil(cell.read), got=evil(cell.got)) for cell in met.cells)
    text = page(replace(met, cells=cells))
    assert "\x1b" not in text
    assert "[bold]" in text
    assert r"alice\x1b[1m[red] sends" in text
