"""What all scenarios have in common: a setting, questions to predict, claims with their evidence. Knows no scenario."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from rich.console import Console

from capture.readers import ReaderName
from capture.rights import Choice
from capture.sources.source import Counters
from capture.streams import Span
from lab.folder import RunFolder
from lab.scenario import Step

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Question:
    """Something to predict before the run.

    Attributes:
        key: its name in `Judgement.answers`.
        text: the question.
        options: what can be answered, in words.
    """

    key: str
    text: str
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Setting:
    """How a scenario is to be run.

    Attributes:
        folder: where its files go; the capture is `folder.capture`.
        choice: the way of capturing.
        reader: what reads the capture.
        steps: what is said, where the scenario takes words from outside.
        seed: what everything is drawn from that is drawn: a run with the same seed draws the same.
    """

    folder: RunFolder
    choice: Choice
    reader: ReaderName
    steps: Sequence[Step]
    seed: int


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing that a scenario claims, and what the capture says of it.

    Attributes:
        what: what it is about, in words: "TLS 1.3 with the stolen RSA key".
        textbook: what should come out.
        measured: what came out of the capture.
        ok: whether that is the same.
        spans: the frames and bytes that show it; empty only where the claim is that something is nowhere.
    """

    what: str
    textbook: str
    measured: str
    ok: bool
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a run has shown.

    Attributes:
        claims: all of them, in the order of the page.
        answers: what the run answered to each question, by `Question.key`: one of its options.
        counters: what the capture counted.
        problems: why the run as a whole is not as expected, beyond its claims.
        details: what else belongs into verdict.json: figures, by name.
    """

    claims: tuple[Claim, ...]
    answers: Mapping[str, str]
    counters: Counters
    problems: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def lost(self) -> tuple[str, ...]:
        """Why the capture is not whole; empty where it is."""
        dropped = self.counters.dropped
        return (f"The capture dropped {dropped} packet{'' if dropped == 1 else 's'}.",) if dropped else ()

    @property
    def ok(self) -> bool:
        """Whether every claim came out as the textbook has it, and the capture is whole."""
        return bool(self.claims) and not self.problems and not self.lost and all(claim.ok for claim in self.claims)


@dataclass(frozen=True, slots=True)
class Scenario(Generic[R]):
    """One scenario. `R` is what its run returns: everything measured, and nothing decided.

    Attributes:
        name: as in `make demo-NAME`.
        title: the head of its page.
        setting: what will be run, in a few sentences, before it is.
        questions: what to predict.
        run: runs it while it is captured, and reads the capture. Raises LabError, CaptureError, CertsError, ChatError.
        judge: compares what was measured with the textbook. Pure.
        show: prints what was measured.
        own_words: whether it takes a conversation from outside (`--messages`).
        keylog: whether it leaves a key log in the folder.
    """

    name: str
    title: str
    setting: str
    questions: tuple[Question, ...]
    run: Callable[[Setting], R]
    judge: Callable[[R], Judgement]
    show: Callable[[Console, R], None]
    own_words: bool = False
    keylog: bool = True
