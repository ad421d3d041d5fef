import dataclasses
import inspect

import pytest

from chat import notices
from chat.limits import Limits
from chat.lines import MAX_SERVER_LINE
from chat.names import MAX_NICKNAME, nickname
from chat.protocol import encode, said

LIMITS = Limits()
LONGEST_NAME = nickname("𠀀" * MAX_NICKNAME)  # four bytes each


def test_each_is_explained() -> None:
    explained = inspect.getdoc(Limits) or ""
    for field in dataclasses.fields(Limits):
        assert f"    {field.name}: " in explained


def test_none_is_negative_and_most_are_not_zero() -> None:
    values = dataclasses.asdict(LIMITS)
    assert all(value > 0 for value in values.values())


@pytest.mark.parametrize("template", [notices.WELCOME, notices.HERE, notices.MOVED])
def test_a_client_can_read_who_is_in_a_full_room(template: str) -> None:
    names = ", ".join([LONGEST_NAME] * LIMITS.max_clients)
    line = notices.line(template, name=LONGEST_NAME, room=LONGEST_NAME, count=LIMITS.max_clients, names=names)
    assert len(encode(line)) <= MAX_SERVER_LINE


def test_a_client_can_read_which_rooms_there_are() -> None:
    rooms = ", ".join([LONGEST_NAME] * LIMITS.max_rooms)
    assert len(encode(notices.line(notices.ROOMS, rooms=rooms))) <= MAX_SERVER_LINE


def test_a_client_can_read_the_longest_line_again() -> None:
    text = "x" * LIMITS.max_line
    assert len(encode(said(LONGEST_NAME, text))) <= MAX_SERVER_LINE
    assert len(encode(notices.line(notices.EARLIER, name=LONGEST_NAME, text=text))) <= MAX_SERVER_LINE


def test_no_single_machine_fills_the_house() -> None:
    assert LIMITS.per_address <= LIMITS.max_clients / 2


def test_whoever_comes_in_can_take_in_all_that_is_earlier() -> None:
    earlier = notices.line(notices.EARLIER, name=LONGEST_NAME, text="x" * LIMITS.max_line)
    assert LIMITS.history * len(encode(earlier)) < LIMITS.max_backlog
