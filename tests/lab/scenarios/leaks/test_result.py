from lab.scenarios.leaks.result import BUCKETS, CONSTANT, NONE, PADDINGS, attack, blind
from lab.scenarios.leaks.talk import NAMES, PHRASES
from tests.lab.scenarios.leaks.leaking import fragment, result, tapped_in


def test_each_chat_is_attacked_by_what_is_heard_of_it() -> None:
    made = result()
    attacked = made.attacked
    assert tuple(attacked) == PADDINGS
    said = {line.phrase for line in made.truth}
    for padding, chat in attacked.items():
        assert set(chat.lengths) == {fragment(phrase, padding.block) for phrase in said}
        assert sum(chat.lengths.values()) == len(made.truth) == len(chat.guesses)
        assert chat.scores.speaker.right == len(made.truth)
    assert attacked[NONE].names == NAMES
    assert attacked[NONE].scores.message.right > 100 > attacked[BUCKETS].scores.message.right
    assert len(attacked[CONSTANT].lengths) == 1
    assert attack(made.truth, tapped_in(made)) == attacked


def test_blind_guesses_are_scored_by_the_same_truth() -> None:
    scores = blind(result().truth)
    assert scores.message.chance == 1 / len(PHRASES)
    assert not scores.message.above_chance
    assert not scores.speaker.above_chance
    assert not scores.answer.above_chance
