"""The hidden conversation: who could speak and what could be said is public, what is said is drawn.

Pure. Whoever attacks knows this file, as one knows a chat and the words of a trade; not the seed. Contract: the same
seed draws the same conversation.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from lab.scenario import Join, Pause, Say, Step

COUNT = 200  # messages
# of different lengths, so that a length names them
NAMES = ("ana", "bruno", "candela", "maximilian")
# Some share a length with others: a length then leaves a choice.
PHRASES = (
    "ok",
    "Yes.",
    "No.",
    "Why?",
    "Maybe",
    "Never",
    "¡Olé!",
    "Come here",
    "Good luck",
    "I am late",
    "Thank you!",
    "Call me up",
    "I love you 🙂",
    "Not today, no",
    "See you at six",
    "Are you alone?",
    "Bring the money",
    "Where is my car?",
    "Delete this, please",
    "Who else knows of it?",
    "The door is not locked",
    "I have told the police",
    "My mother is in hospital",
    "Nobody must hear of this",
    "El examen es mañana a las 9",
    "I have found another job too",
    "She wants a divorce, and the dog",
    "Sell everything before Thursday",
    "The test was positive. Now what?",
    "Wait for me behind the old station",
    "I cannot talk, my boss looks at me",
    "We meet in the library, second floor",
    "Do not open the letter that came today",
    "The password is on the note under the desk",
    "Your secret is safe with me, as it always was",
    "I do not think that we should go on like this",
    "They fired half of the people on my floor today",
    "The doctor says it is nothing, and yet I wonder",
    "Transfer it to the other account and tell no one why",
    "I saw you two yesterday in the café beside the cathedral",
    "If anybody asks, we were at the cinema until after midnight",
    "The train leaves at seven; take nothing that you cannot carry",
    "Tell them that I am ill, and that I shall not come before Monday",
    "He has signed, so the house is ours from the first of the next month",
    "Somebody has been in my room: the drawer was open and the papers are gone",
    "Meet the journalist at noon, give her the folder, and walk away without a word",
    "I have thought about your offer for a week now, and the answer is still the same: no",
    "When all this is over we shall take the boat, go down the coast and not come back until May",
)
# Seconds, the median: people take some hundred times as long.
ANSWER, OPENING = 0.006, 0.030
_SPREAD = 0.25  # of the logarithm of a pause: human times are spread log-normally


@dataclass(frozen=True, slots=True)
class Line:
    """A message of the conversation.

    Attributes:
        speaker: who says it, as a place in `NAMES`: they come in that order.
        phrase: what is said.
        answers: whether it answers whoever spoke last; else it opens a new subject.
        pause: how long the speaker thinks before, in seconds.
    """

    speaker: int
    phrase: str
    answers: bool
    pause: float


def draw(seed: int) -> tuple[Line, ...]:
    """Return the conversation that belongs to a seed: half of it answers, half of it opens a new subject.

    Every phrase is equally likely, and everybody is to speak; but nobody answers themselves.
    """
    rng = random.Random(seed)  # noqa: S311  (to be drawn again, not to be kept secret)
    kinds = [True] * (COUNT // 2) + [False] * (COUNT - COUNT // 2)
    rng.shuffle(kinds)
    first = kinds.index(False)  # there is nothing to answer yet
    kinds[0], kinds[first] = kinds[first], kinds[0]
    lines: list[Line] = []
    for answers in kinds:
        others = [place for place in range(len(NAMES)) if not answers or place != lines[-1].speaker]
        pause = rng.lognormvariate(math.log(ANSWER if answers else OPENING), _SPREAD)
        lines.append(Line(rng.choice(others), rng.choice(PHRASES), answers, pause))
    return tuple(lines)


def steps(lines: Sequence[Line]) -> tuple[Step, ...]:
    """Return what is to be played: everybody comes, then each line after its pause."""
    joins = [Join(name) for name in NAMES]
    return (*joins, *(step for line in lines for step in (Pause(line.pause), Say(NAMES[line.speaker], line.phrase))))
