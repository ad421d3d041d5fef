"""What exercise 13 draws, and its live run: a chat over TLS 1.3 with two silences, a sentence after the longer one."""

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path

from capture.rights import Choice
from lab.exercises import cast, live
from lab.exercises.draw import Draw
from lab.exercises.e13_sizes_and_times.record import ADDED, NEWLINE, OLD_ADDED
from lab.scenario import Join, Pause, Say, Step

PEOPLE = 3
_MESSAGES = 9
_LETTERS = "abcde"
# milliseconds: the longer silence is at least twice as long as the other, and nothing else in a run takes as long
_LONG, _SHORT = (140, 210), (50, 70)
# {} is a word that makes them as long as they have to be
_ASCII = (
    "My password is {} now.",
    "Write {} on the envelope.",
    "Escribe {} en el sobre.",
    "We meet at the place we call {}.",
    "The key is under {}, as always.",
    "If they ask, say {} and nothing else.",
    "Si no llego a tiempo, diles que fue idea de {}.",
    "Nobody will ever guess {}.",
    "They will know you when you say {}.",
    "Por favor, no digas delante de nadie la palabra {}.",
    "Remember it, the new code of the back door is {}.",
    "Apunta esto: el cajero acepta {} hasta el viernes.",
)
# with three or more letters that take two bytes in UTF-8
_ACCENTED = (
    "¿Quién ha visto {}? Yo sí, allí.",
    "Él dirá {} y tú dirás adiós.",
    "¿Aún está {} en el jardín?",
    "Después del café, la señal será {}.",
    "¡Qué fácil! La clave será {}.",
)
# those that are far shorter or longer: letters that take two bytes say nothing then
_ANY = (
    *_ASCII,
    "Aquí nadie dirá {}.",
    "Mañana verás {}.",
    "Así será: {} llegará.",
    "Escúchame: según él, la última señal será {}.",
    "¿De verdad creías que nadie adivinaría {} jamás?",
    "Después de la función, búscame detrás de {}, ¿sí?",
)
_LENGTHS = (44, 50)  # bytes of the sentence; the templates above reach seven less and eighteen more
_WORDS = range(16, 20)  # letters; nearly all that are drawn are so long


def stream(draw: Draw) -> int:
    """Return in which connection a length is asked for (`tcp.stream`)."""
    return draw.number("stream", 0, PEOPLE - 1)


def which(draw: Draw) -> int:
    """Return of which of its client's records: after the encrypted Finished and the nickname come three messages."""
    return draw.number("record", 3, 5)


def sentences(draw: Draw) -> dict[str, str]:
    """Return the five sentences of the task, by what is wrong with somebody who takes them; "" is the right one.

    Each has the length that comes out of one mistake.
    """
    length = draw.number("length", *_LENGTHS)
    return {
        "": _sentence(draw, "right", _ACCENTED, _size, length),
        "characters": _sentence(draw, "characters", _ACCENTED, len, length),
        "newline_left": _sentence(draw, "newline", _ASCII, _size, length + NEWLINE),
        "nothing_taken_off": _sentence(draw, "nothing", _ANY, _size, length + NEWLINE + ADDED),
        "old_version": _sentence(draw, "old", _ANY, _size, length + ADDED - OLD_ADDED),
    }


def letters(draw: Draw) -> dict[str, str]:
    """Return what the sentence of each letter stands for, as in `sentences`."""
    return dict(zip(_LETTERS, draw.shuffled("letters", list(sentences(draw))), strict=True))


def _size(text: str) -> int:
    return len(text.encode())


def _sentence(draw: Draw, label: str, templates: Sequence[str], measure: Callable[[str], int], length: int) -> str:
    """Return a sentence that is as long as it has to be."""
    fitting = [text for text in templates if length - measure(text.format("")) in _WORDS]
    template = draw.choice(label, fitting)
    wanted = length - measure(template.format(""))
    return template.format(
        next(word for at in itertools.count() if len(word := cast.secret(draw, f"{label} {at}")) == wanted)
    )


def conversation(draw: Draw) -> tuple[Step, ...]:
    """Return the chat. After the longer silence somebody else speaks than before it, and says the right sentence."""
    steps = list(cast.conversation(draw, PEOPLE, _MESSAGES))
    joined = [step for step in steps if isinstance(step, Join)]
    said = [step for step in steps if isinstance(step, Say)]
    # neither silence is before the first message, nor are they side by side
    long, short = draw.choice("silences", ((3, 6), (4, 7), (5, 8), (6, 3), (7, 4), (8, 5)))
    others = [step.who for step in joined if step.who != said[long - 1].who]
    after = Say(draw.choice("speaker", others), sentences(draw)[""])
    said_at: list[Step] = []
    for at, say in enumerate(said):
        if at == long:
            said_at += [Pause(draw.number("long", *_LONG) / 1000), after]
        elif at == short:
            said_at.append(Pause(draw.number("short", *_SHORT) / 1000))
        said_at.append(say)
    return (*joined, *said_at)


def record(draw: Draw, folder: Path, choice: Choice) -> None:
    """Record the chat; nobody keeps its keys."""
    live.record_over_tls(draw, folder, choice, conversation(draw))
