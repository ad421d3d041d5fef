"""The stage: the student's programs are reached, and nothing is left when it is over."""

import sys
from pathlib import Path

import pytest

from lab.exercises.capstone.people import GoneError, notice
from lab.exercises.capstone.props import Props, props
from lab.exercises.capstone.stage import Stage
from tests.lab.exercises.capstone.variants import DRAW, write


@pytest.fixture
def shared(tmp_path: Path) -> Props:
    return props(write(tmp_path), DRAW)


@pytest.mark.parametrize("plain", [False, True])
def test_people_meet_in_the_student_s_server(shared: Props, plain: bool) -> None:
    with Stage(shared, DRAW, "meeting") as stage:
        stage.serve(plain=plain)
        first, second = (stage.come(name) for name in stage.names(2))
        first.until(notice(second.name))
        process = stage._children[0]
        assert not stage.has_ended()
    assert process.poll() is not None
    with pytest.raises(GoneError):
        first.say("nobody is there any more")


def test_the_student_s_client_is_a_terminal(shared: Props) -> None:
    with Stage(shared, DRAW, "client") as stage:
        with stage.listen() as listening:
            client = stage.client("ana01")
            server = stage.accept(listening, shared.genuine)
        assert server.next() == "ana01"
        server.say("eva > hello")
        assert client.terminal.next() == "eva > hello"
        client.terminal.say("hello, eva")
        assert server.next() == "hello, eva"
        assert client.complaint() == ""
        server.close()
        assert client.ended() == 1
        assert client.complaint() != ""


def test_a_program_that_ends_is_not_waited_for(shared: Props) -> None:
    (shared.folder / "server.py").write_text("raise SystemExit")
    with Stage(shared, DRAW, "ended") as stage:
        stage.serve()
        with pytest.raises(GoneError):
            stage.come("ana01")
        assert stage.has_ended()


@pytest.mark.skipif(sys.prefix == sys.base_prefix, reason="the lab is in no environment of its own")
def test_the_lab_is_not_there_to_be_imported(shared: Props) -> None:
    (shared.folder / "server.py").write_text("import lab.exercises.capstone.trial")
    with Stage(shared, DRAW, "import") as stage:
        stage.serve()
        assert stage._children[0].wait(20) != 0


def test_each_try_draws_its_own(shared: Props) -> None:
    with Stage(shared, DRAW, "one") as one, Stage(shared, DRAW, "two") as two, Stage(shared, DRAW, "one") as again:
        assert one.names(5) == again.names(5) != two.names(5)
        assert one.word("x") == again.word("x") != two.word("x")
        assert one.names(5)[:3] == one.names(3)


def test_what_is_sent_at_once_comes_at_once(shared: Props) -> None:
    with Stage(shared, DRAW, "at once") as stage:
        stage.serve()
        first, second = (stage.come(name) for name in stage.names(2))
        with stage.at_once():
            first.say("!users")
            with pytest.raises(TimeoutError):
                first.until(notice(first.name, second.name), 0.1)
        first.until(notice(first.name, second.name))
