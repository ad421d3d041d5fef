import pytest

from chat import protocol
from chat.lines import MAX_LINE
from chat.names import nickname
from lab.scenario import Join, Leave, ListUsers, Say, Step
from lab.scenarios.codecs import BLOCK
from lab.scenarios.fakes.talk import NAMES, PHRASES, PINS, conversation, dictation


def texts(steps: tuple[Step, ...]) -> list[str]:
    return [step.text for step in steps if isinstance(step, Say)]


def test_the_same_seed_says_the_same() -> None:
    assert conversation(5) == conversation(5)
    assert len({tuple(texts(conversation(seed))) for seed in range(50)}) == 50
    assert 20 <= len(texts(conversation(5))) <= 30


def test_everybody_is_there_who_speaks() -> None:
    here = set()
    for step in conversation(1):
        match step:
            case Join(who):
                here.add(who)
            case Say(who, _):
                assert who in here
    assert here == {"alice", "bob", "carol", "dave"}


@pytest.mark.parametrize("seed", range(20))
def test_the_attackers_list_covers_it_block_by_block(seed: int) -> None:
    def blocks(line: str) -> set[bytes]:
        data = line.encode() + bytes([BLOCK - len(line.encode()) % BLOCK]) * (BLOCK - len(line.encode()) % BLOCK)
        return {data[at : at + BLOCK] for at in range(0, len(data), BLOCK)}

    known = {block for line in texts(dictation(MAX_LINE)) for block in blocks(line)}
    for line in [*texts(conversation(seed)), *(step.who for step in conversation(seed) if isinstance(step, Join))]:
        assert blocks(line) <= known


def test_all_of_it_can_be_said() -> None:
    steps = dictation(MAX_LINE)
    for line in (*texts(steps), *PHRASES):
        protocol.encode_typed(line)
    for name in NAMES:
        assert nickname(name) == name
    assert [type(step) for step in (steps[0], steps[1], steps[-1])] == [Join, ListUsers, Leave]
    pins = "".join(texts(steps))
    assert all(f" the PIN is {pin:04}" in pins for pin in range(0, PINS, 37))
