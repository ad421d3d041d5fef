from dataclasses import replace

from lab.scenarios.fakes.result import ATTACKS, BASE64, Fakes


def test_counts(faked: Fakes) -> None:
    row = faked.row(BASE64)
    assert (row.read, row.invented, row.whole) == (24, 0, True)
    fewer = replace(row, messages=row.messages[1:])
    assert (fewer.read, fewer.invented, fewer.whole) == (23, 0, False)
    more = replace(row, messages=(*row.messages, row.messages[0]))
    assert (more.read, more.invented) == (24, 1)
    assert replace(row, messages=(replace(row.messages[0], who="bob"), *row.messages[1:])).read == 23
    assert not replace(row, sent=(), messages=()).whole


def test_a_row_is_found_by_its_name(faked: Fakes) -> None:
    for name, attack in ATTACKS.items():
        assert (faked.row(name).name, faked.row(name).attack) == (name, attack)
