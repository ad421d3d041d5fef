"""Who speaks in an exercise, and what they say: drawn, so that no two students have the same. Pure."""

import tomllib
from pathlib import Path

from lab.exercises.draw import Draw
from lab.scenario import Join, Say, Step

_CAST = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))


def nicknames(draw: Draw, count: int) -> tuple[str, ...]:
    """Return so many nicknames: a name and two digits, "marta07"; no two with the same name."""
    names = draw.sample("names", _CAST["names"], count)
    return tuple(f"{name}{draw.number(f'digits of {name}', 0, 99):02}" for name in names)


def secret(draw: Draw, label: str) -> str:
    """Return a secret that can be said aloud: "otter-cobalt-4071". There are about 10^8 of them."""
    first, second = draw.sample(label, _CAST["words"], 2)
    return f"{first}-{second}-{draw.number(f'{label} number', 0, 9999):04}"


def sentence(draw: Draw, label: str) -> str:
    """Return a sentence, English or Spanish, that gives `secret` of the same label away."""
    template: str = draw.choice(f"{label} sentence", _CAST["sentences"])
    return template.format(secret(draw, label))


def conversation(draw: Draw, people: int = 3, messages: int = 9) -> tuple[Step, ...]:
    """Return a conversation: all come, then each says about as much as the others, in an order that is drawn."""
    names = nicknames(draw, people)
    turns = draw.shuffled("turns", [names[turn % people] for turn in range(messages)])
    said = [Say(who, sentence(draw, f"message {at}")) for at, who in enumerate(turns)]
    return (*(Join(who) for who in names), *said)


def marks_of_host(draw: Draw) -> tuple[bytes, ...]:
    """Return what names a student where `host` is seen: in every ClientHello (SNI), and in the server's certificate."""
    return (host(draw).encode(),)


def host(draw: Draw, label: str = "host") -> str:
    """Return a server's name, which no DNS knows (.test, RFC 6761, section 6.2): "otter-cobalt-4071.test"."""
    return f"{secret(draw, label)}.test"
