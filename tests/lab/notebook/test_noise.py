"""The recorded run attacked again: what comes out must be what its verdict says, which other code has written."""

import base64
from collections.abc import Iterable
from dataclasses import replace

import pytest

from capture.randomness import examine
from lab.errors import LabError
from lab.notebook.live import Run
from lab.notebook.noise import beginnings, fakes, looks, sealed_lines, secrets, the_secret
from lab.scenarios.fakes.attacks import Sealed
from lab.scenarios.fakes.result import BASE64, LISTENED, RELAYED, TLS, Fakes
from tests.lab.notebook.recorded import recorded


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return recorded("fakes", tmp_path_factory.mktemp("fakes"))


@pytest.fixture(scope="module")
def found(noise: Run) -> Fakes:
    return fakes(noise)


def _p_value(lines: Iterable[Sealed]) -> float:
    test = examine(b"".join(line.data for line in lines))
    assert test is not None
    return test.p_value


def test_the_attacks_read_what_the_verdict_says(noise: Run, found: Fakes) -> None:
    told = {chat["name"]: chat for chat in noise.verdict["chats"]}
    assert {row.name: row.read for row in found.rows} == {name: chat["read"] for name, chat in told.items()}
    assert {row.name: row.port for row in found.rows} == {name: chat["port"] for name, chat in told.items()}


def test_sealed_lines_are_those_that_the_verdict_tested(noise: Run, found: Fakes) -> None:
    lines = sealed_lines(noise, found)
    for chat in noise.verdict["chats"]:
        assert _p_value(lines[chat["name"]]) == pytest.approx(chat["p_of_all"])


def test_a_run_without_the_relays_far_half_is_refused(noise: Run) -> None:
    told = noise.verdict["chats"]
    with pytest.raises(LabError, match="run it again"):
        fakes(replace(noise, verdict={**noise.verdict, "chats": told[1:]}))


def test_tables_say_of_each_chat_how_it_looks_and_what_is_read(found: Fakes) -> None:
    assert [name for name, *_ in looks(found)] == [row.name for row in found.rows]
    told = {name: (every, read) for name, _, every, read in looks(found)}
    assert told[BASE64] == ("no", "24 of 24")
    assert told[RELAYED] == ("yes", "24 of 24")
    assert told[TLS] == ("yes", "0 of 24")
    assert all(row.line.data.startswith(data) for row, (_, data, _) in zip(found.rows, beginnings(found), strict=True))


def test_the_secret_is_what_was_said(noise: Run, found: Fakes) -> None:
    said = next(message["text"] for message in noise.sent[TLS] if "PIN is" in message["text"])
    message = the_secret(found, BASE64)
    assert message is not None
    assert base64.b64decode(message.sealed.data).decode() == message.text == said
    read = {name: (data, where, words) for name, _, data, where, words in secrets(found)}
    assert read[RELAYED][2] == f"alice: {said}"
    assert read[RELAYED][1].startswith("frame ")
    assert the_secret(found, LISTENED) is None
    assert read[LISTENED] == (b"", "", "nothing")
