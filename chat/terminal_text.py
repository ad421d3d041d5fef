"""What a terminal shows of the model: each line as styled parts, broken at the terminal's width.

Knows: the model, how many columns a character takes. Must not know: where it is drawn, keys. Contract: colours and dim
letters only repeat what words say too; a line that goes on in the next row never begins there at the left edge, so that
nobody can write what looks like a line of somebody else.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from prompt_toolkit.utils import get_cwidth

from chat import eavesdropper
from chat.model import Entry, Kind, Model, Stage, hue
from chat.visit import Visit
from chat.words import LANGUAGES, language_after, mark

Part = tuple[str, str]  # a style and a text
Line = list[Part]

# The 8 colours of every terminal, less black and white, one of which is the background.
COLOURS: Final = ("ansired", "ansigreen", "ansiyellow", "ansiblue", "ansimagenta", "ansicyan")
STYLES: Final = {
    "time": "dim",
    "label": "dim",
    "notice": "italic",
    "client": "italic",
    "error": "bold",
    "earlier": "dim",
    "private": "underline",
    "exposed": "bold",
    "prompt": "bold",
    "verified": "bold ansigreen",
    "unverified": "bold ansiyellow",
    "readable": "bold ansired",
    "lost": "bold reverse",
    "key": "bold",
    **{f"name{number}": f"bold {colour}" for number, colour in enumerate(COLOURS)},
}

INDENT: Final = 6  # columns: below the words, beside the time
SIGN: Final = " > "
_LABEL: Final = "class:label"
# Server, this program, this program about what did not work. No name is made of these.
_SIGNS: Final = {Kind.NOTICE: "* ", Kind.CLIENT: "- ", Kind.ERROR: "! "}
_IN_THIS_LANGUAGE: Final = mark("from here on in English")
_HELP: Final = mark("say your name to come in; !language switches between English and Spanish, !quit leaves")
_HELP_LOST: Final = mark("Enter connects again; !language switches between English and Spanish, !quit leaves")
_NOT_WATCHED: Final = mark("what passes on the wire is shown no longer")


class News:
    """What a face has not shown yet.

    A terminal keeps what it has printed: another language words what comes from then on, and no more. Nor is there an
    unread line as in the window, for a terminal does not say whether anybody looks at it.

    Args:
        visit: what is shown of.
    """

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._last = 0
        self._language = visit.model.words.language
        self._watching = False
        self._overheard: eavesdropper.Sent | None = None
        self._help = 0

    def take(self) -> Iterator[tuple[Line, Entry | None]]:
        """Return the new lines, each with its entry where it is one of the transcript."""
        model = self._visit.model
        if self._language != model.words.language:
            self._language = model.words.language
            yield _aside(model.words.say(_IN_THIS_LANGUAGE)), None
        for new in model.after(self._last):
            self._last = new.number
            yield entry(new, model), new
        if self._help != self._visit.help:
            self._help = self._visit.help
            about = _HELP_LOST if model.stage is Stage.LOST else _HELP
            yield _aside(model.words.say(about)), None
        for line in (*self._wire(model), *self._lock(model)):
            yield line, None

    def _wire(self, model: Model) -> Iterable[Line]:
        began = model.eavesdropping and not self._watching
        ended = self._watching and not model.eavesdropping
        self._watching = model.eavesdropping
        sent, self._overheard = self._overheard, model.sent_last
        if ended:
            return [_aside(model.words.say(_NOT_WATCHED))]
        if not self._watching or (not began and sent is model.sent_last):
            return []
        return rows((row.label, row.value, row.exposed) for row in model.overheard())

    def _lock(self, model: Model) -> Iterable[Line]:
        if not model.detailed:
            return []
        model.detailed = False  # printed is printed: asked again, it is printed again
        if model.stage is not Stage.INSIDE:
            return []
        return rows((detail.label, detail.value, False) for detail in model.details())


def entry(shown: Entry, model: Model) -> Line:
    """Return an entry of the transcript as it is shown."""
    who, text = model.who(shown), model.text(shown)
    time = ("class:time", f"{shown.at:%H:%M} ")
    match shown.kind:
        case Kind.NOTICE | Kind.CLIENT | Kind.ERROR:
            return [time, _sentence(shown.kind, text)]
        case Kind.EARLIER:
            return [time, ("class:earlier", who + SIGN + text)]
    private = " class:private" if shown.to else ""
    return [time, (f"class:name{hue(shown.name, len(COLOURS))}{private}", who), ("", SIGN + text)]


def _sentence(kind: Kind, text: str) -> Part:
    return f"class:{kind.name.lower()}", _SIGNS[kind] + text


def _aside(text: str) -> Line:
    """Return what the terminal says by itself, which is no part of the conversation and has no time."""
    return [("", " " * INDENT), _sentence(Kind.CLIENT, text)]


def rows(labelled: Iterable[tuple[str, str, bool]]) -> list[Line]:
    """Return labels and values in two columns, below the words."""
    listed = list(labelled)
    wide = max(get_cwidth(label) for label, _, _ in listed)
    return [
        [
            (_LABEL, " " * INDENT + label + " " * (wide - get_cwidth(label) + 2)),
            ("class:exposed" if exposed else "", value),
        ]
        for label, value, exposed in listed
    ]


def status(visit: Visit) -> list[Part]:
    """Return how things stand: who can read this, who one is, where, and how many are there."""
    model, say = visit.model, visit.model.words.say
    if visit.coming:
        return [("", say("Connecting …")), ("", visit.where)]
    if model.stage is not Stage.INSIDE:
        return [("class:lost", say("not connected")), ("", model.name or visit.where)]
    return [
        (f"class:{model.security.lock.name.lower()}", model.lock()),
        ("", model.name),
        ("", say("In {room}: {count}", room=model.room, count=len(model.users))),
    ]


def prompt(visit: Visit) -> str:
    """Return what stands before the input line."""
    if visit.asking:
        return visit.model.words.say("Your name") + ": "
    return visit.model.name + SIGN if visit.model.name else ""


def packed(items: Iterable[Line], between: str, width: int) -> list[Line]:
    """Return items set side by side in as many rows as they need; only one that is too wide alone is wider."""
    lines: list[Line] = []
    used = 0
    for item in items:
        wide = sum(get_cwidth(text) for _, text in item)
        if lines and used + len(between) + wide <= width:
            lines[-1] += [("", between), *item]
            used += len(between) + wide
        else:
            lines.append(list(item))
            used = wide
    return lines


def wrapped(line: Line, width: int) -> Line:
    """Return a line broken between words where it is too wide, and never in the middle of a byte in hex."""
    chars = [(style, char) for style, text in line for char in text.replace("\t", "    ")]
    label = get_cwidth(line[0][1]) if line[0][0] == _LABEL else 0
    indent = label if 0 < label <= width // 2 else min(INDENT, width // 4)
    out: list[Part] = []
    start, room = 0, width
    while (end := _fitting(chars, start, room)) < len(chars):
        end, following = _break(chars, start, end)
        out += [*chars[start:end], ("", "\n" + " " * indent)]
        start, room = following, width - indent
    return _joined([*out, *chars[start:]])


def _fitting(chars: list[Part], start: int, room: int) -> int:
    for at in range(start, len(chars)):
        room -= get_cwidth(chars[at][1])
        if room < 0:
            return max(at, start + 1)
    return len(chars)


def _break(chars: list[Part], start: int, end: int) -> tuple[int, int]:
    """Return where a row ends that has no room beyond `end`, and where the next one begins."""
    row = "".join(char for _, char in chars[start : end + 1])
    half = len(row) // 2  # a row broken before it is half full is no better to read
    if (space := row.rfind(" ")) > half:
        return start + space, start + space + 1
    if (colon := row.rfind(":", 0, len(row) - 1)) > half:
        return start + colon + 1, start + colon + 1
    return end, end


def _joined(parts: Iterable[Part]) -> Line:
    line: Line = []
    for style, text in parts:
        if line and line[-1][0] == style:
            line[-1] = (style, line[-1][1] + text)
        else:
            line.append((style, text))
    return line


def words_of(line: Line) -> str:
    """Return a line without its styles."""
    return "".join(text for _, text in line)


def keys(visit: Visit) -> list[Line]:
    """Return the keys that there is a use for now, and what they do."""
    say, model = visit.model.words.say, visit.model
    language = ("F4", LANGUAGES[language_after(model.words.language)])
    if visit.asking:
        return _keys(language, ("^D", say("leave")))
    if visit.coming:
        return _keys(("^C", say("give up")))
    if model.stage is Stage.LOST:
        return _keys(("Enter", say("connect again")), language, ("^D", say("leave")))
    return _keys(
        ("F1", say("help")),
        ("F2", say("users")),
        ("F3", say("wire")),
        language,
        ("F5", say("lock")),
        ("^D", say("leave")),
    )


def _keys(*keys: tuple[str, str]) -> list[Line]:
    return [[("class:key", key), ("", " " + does)] for key, does in keys]
