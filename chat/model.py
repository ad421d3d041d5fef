"""What any face of the chat shows and does: the window and the terminal draw this, and add nothing of their own.

Knows: the protocol, the server's notices, the words of both languages. Must not know: tkinter, prompt_toolkit, sockets,
asyncio, threads. Contract: whoever owns it calls it from one thread only; nothing here waits; every text that was
received went through `visible` before it is in an `Entry`, in `users` or in what is worded here.

A sentence is kept as its template and fields, so that switching the language words the whole transcript anew.
"""

import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from itertools import takewhile
from typing import Final

from chat import eavesdropper, notices, protocol
from chat.eavesdropper import Row, Sent
from chat.errors import ChatError
from chat.escape import visible
from chat.history import History
from chat.lines import MAX_LINE
from chat.names import name_key
from chat.notices import Notice
from chat.rooms import FIRST_ROOM
from chat.security import READABLE, Lock, Security, read_certificate
from chat.words import Words, language_after, mark, recognise

# Words for this side alone, which never reach the server; the faces have keys for them too.
LANGUAGE_COMMANDS: Final = ("!language", "!idioma")
EAVESDROPPER_COMMANDS: Final = ("!eavesdropper", "!espia")
LOCK_COMMANDS: Final = ("!lock", "!candado")
LOCAL_COMMANDS: Final = (*LANGUAGE_COMMANDS, *EAVESDROPPER_COMMANDS, *LOCK_COMMANDS)
LOCAL_HELP: Final = mark(
    "here alone: !language switches between English and Spanish, !lock says who can read this, !eavesdropper shows "
    "what passes on the wire"
)

LOST: Final = mark("The connection is lost. What you typed is kept: connect again when you like.")
NOT_INSIDE: Final = mark("You are not connected: nothing was sent.")
BACK_IN_FIRST_ROOM: Final = mark("you are in the first room again: !join {room} goes back to where you were")
UNKNOWN: Final = "{what}"  # a sentence that no template fits

KEPT: Final = 5000  # entries of the transcript, and people in the list: more is nobody's conversation


class Stage(Enum):
    """Where the person is."""

    SETTING_UP = auto()
    CONNECTING = auto()
    INSIDE = auto()
    LOST = auto()
    LEFT = auto()


class Kind(Enum):
    """What an entry of the transcript is."""

    SAID = auto()  # by somebody else, to all
    PRIVATE = auto()  # by somebody else, to this person
    OWN = auto()  # by this person; `to` says to whom, empty for all
    EARLIER = auto()  # said before this person came
    NOTICE = auto()  # by the server
    CLIENT = auto()  # by this program
    ERROR = auto()  # by this program: what did not work


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the transcript.

    Attributes:
        number: counts up by one, so that a face sees what is new to it and what has gone.
        kind: what it is.
        at: when it came.
        name: who said it, empty for sentences.
        to: for whom alone it was said, empty for all.
        text: what was said; empty where `notice` has it.
        notice: the sentence, to be worded with `Model.text`.
    """

    number: int
    kind: Kind
    at: datetime
    name: str = ""
    to: str = ""
    text: str = ""
    notice: Notice | None = None


@dataclass(frozen=True, slots=True)
class Login:
    """As whom, where, and how to connect; `lock` is what the person wants, `Model.security` what they got."""

    name: str
    host: str
    port: int
    lock: Lock


@dataclass(frozen=True, slots=True)
class Detail:
    """One line of what is known about the connection."""

    label: str
    value: str


def _now() -> datetime:
    return datetime.now().astimezone()


class Model:
    """One person's side of the chat.

    Args:
        words: the language to begin with.
        clock: what time it is.
        kept: how many entries the transcript keeps.

    Attributes:
        stage: where the person is.
        login: what was connected to, or is being; None before the first time.
        again: whether the connection that is being made goes on with a conversation that was cut off.
        problem: why the last try to connect failed, None otherwise. Word it with `words.notice`.
        failure: the same as it was raised, for whoever can tell more of its cause.
        name: the person's name as the server has it.
        room: where they are.
        security: who can read the connection that there is.
        entries: the transcript.
        draft: what is in the input line. Faces keep it up to date and show it when it changed.
        eavesdropping: whether to show what passes on the wire.
        detailed: whether to show who can read the connection.
        looking: whether the person sees the transcript now.
        unread: how many words came since they looked away.
        marker: the number of the entry above which the unread line stands, None where there is no line.
        edition: changes when everything shown must be drawn anew: another language, another conversation.
    """

    def __init__(self, words: Words, *, clock: Callable[[], datetime] = _now, kept: int = KEPT) -> None:
        self.words = words
        self._clock = clock
        self.stage = Stage.SETTING_UP
        self.login: Login | None = None
        self.problem: Notice | None = None
        self.failure: ChatError | str | None = None
        self.name = ""
        self.room = FIRST_ROOM
        self.security: Security = READABLE
        self.entries: deque[Entry] = deque(maxlen=kept)
        self._users: dict[str, None] = {}
        self._number = 0
        self.history = History()
        self.draft = ""
        self.sent_last: Sent | None = None
        self.eavesdropping = False
        self.detailed = False
        self.looking = True
        self.unread = 0
        self.marker: int | None = None
        self.edition = 0
        self.again = False

    # --- the connection, as the session reports it ---

    def connecting(self, login: Login) -> None:
        """Say that a connection is being made."""
        self.again = self.stage is Stage.LOST or (self.stage is Stage.CONNECTING and self.again)
        self.login, self.problem, self.failure = login, None, None
        self.stage = Stage.CONNECTING

    def entered(self, name: str, welcome: str, security: Security) -> None:
        """Say that the server has let the person in, with its first line."""
        if not self.again:  # another conversation; one that was only cut off goes on
            self.entries.clear()
            self.sent_last, self.marker, self.unread, self.room = None, None, 0, FIRST_ROOM
            self.edition += 1
        self.stage, self.name, self.security = Stage.INSIDE, visible(name), security
        back = self.room
        self.room = FIRST_ROOM
        self.received(welcome)
        if back != FIRST_ROOM:
            self._add(Kind.CLIENT, notice=Notice(BACK_IN_FIRST_ROOM, {"room": back}))

    def refused(self, error: ChatError | str) -> None:
        """Say that there was no getting in, and why."""
        self.problem, self.failure = _noticed(str(error)), error
        if self.again:
            self.stage = Stage.LOST
            self._add(Kind.ERROR, notice=self.problem)
        else:
            self.stage = Stage.SETTING_UP

    def given_up(self) -> None:
        """Say that the person does not want to wait any longer for a connection."""
        if self.stage is Stage.CONNECTING:
            self.problem = None
            self.stage = Stage.LOST if self.again else Stage.SETTING_UP

    def received_all(self, lines: Iterable[str]) -> None:
        """Take several lines from the server."""
        for line in lines:
            self.received(line)

    def received(self, line: str) -> None:
        """Take a line from the server."""
        if (told := protocol.parse_told(line)) is not None:
            self._add(Kind.PRIVATE, name=told[0], to=told[1], text=_shown(told[2]))
        elif (said := protocol.parse_said(line)) is not None:
            self._add(Kind.SAID, name=said[0], text=_shown(said[1]))
        elif (notice := notices.recognise_line(line)) is not None:
            self._heed(notice)
        else:
            own = notices.text_of(line)
            self._add(Kind.NOTICE, text=_shown(line if own is None else own))

    def _heed(self, notice: Notice) -> None:
        fields = notice.fields
        if notice.template == notices.EARLIER:
            self._add(Kind.EARLIER, name=visible(fields["name"]), text=visible(fields["text"]))
            return
        if notice.template in (notices.WELCOME, notices.MOVED, notices.HERE):
            self._users = dict.fromkeys(map(visible, protocol.names_in(notice)[:KEPT]))
        if notice.template == notices.MOVED:
            self.room = visible(fields["room"])
        elif notice.template == notices.CAME and len(self._users) < KEPT:
            self._users[visible(fields["name"])] = None
        elif notice.template == notices.LEFT:
            self._users.pop(visible(fields["name"]), None)
        self._add(Kind.NOTICE, notice=notice)
        if notice.template == notices.HELP[-1]:
            self._add(Kind.CLIENT, notice=Notice(LOCAL_HELP, {}))

    def sent(self, text: str, wire: bytes) -> None:
        """Say that a line went onto the wire, and as which bytes."""
        self.marker = None  # whoever answers has read
        match protocol.parse(text.encode()):
            case protocol.Say(words):
                self._add(Kind.OWN, name=self.name, text=visible(words))
            case protocol.Tell(name, words):
                self._add(Kind.OWN, name=self.name, to=visible(name), text=visible(words))
            case _:  # a key may have sent it, and it is not what anybody wants to see on the wire
                return
        self.sent_last = Sent(text, wire, self.security.lock)

    def unsent(self, text: str) -> None:
        """Put words that did not leave back into the input line, before what was typed since."""
        self.draft = f"{text} {self.draft}".rstrip() if self.draft else text

    def lost(self, error: ChatError | str) -> None:
        """Say that the connection has ended without the person wanting it."""
        self._users.clear()
        self.stage, self.problem = Stage.LOST, _noticed(str(error))
        self._add(Kind.ERROR, notice=self.problem)
        self._add(Kind.CLIENT, notice=Notice(LOST, {}))

    def left(self) -> None:
        """Say that the person has left."""
        self._users.clear()
        self.stage, self.problem, self.detailed, self.again = Stage.LEFT, None, False, False

    # --- what the person does ---

    def submit(self) -> str | None:
        """Take what is in the input line; return what is to be sent, None where there is nothing to send.

        A command of this side is carried out. What the server would refuse stays in the input line, and the transcript
        says why.
        """
        text = self.draft
        command = text.strip().casefold()
        if not command:
            self.draft = ""
            return None
        local = command in LOCAL_COMMANDS
        if local:
            self._carry_out(command)
        elif self.stage is not Stage.INSIDE:
            self._add(Kind.ERROR, notice=Notice(NOT_INSIDE, {}))
            return None
        else:
            try:
                protocol.encode_typed(text)
            except ChatError as error:
                self._add(Kind.ERROR, notice=_noticed(str(error)))
                return None
        self.history.add(text)
        self.draft = ""
        return None if local else text

    def _carry_out(self, command: str) -> None:
        if command in LANGUAGE_COMMANDS:
            self.switch_language()
        elif command in EAVESDROPPER_COMMANDS:
            self.switch_eavesdropper()
        else:
            self.switch_details()

    def switch_eavesdropper(self) -> None:
        """Show what passes on the wire, in place of the details, or do so no longer."""
        self.eavesdropping, self.detailed = not self.eavesdropping, False

    def switch_details(self) -> None:
        """Show who can read the connection, in place of what passes on the wire, or do so no longer."""
        self.detailed = not self.detailed
        if self.detailed:
            self.eavesdropping = False

    def up(self) -> None:
        """Put the line typed before into the input line."""
        self.draft = self.history.up(self.draft)

    def down(self) -> None:
        """Put the line typed after it into the input line, at last what was being written."""
        self.draft = self.history.down(self.draft)

    def switch_language(self) -> None:
        """Switch the language of everything."""
        self.words = Words(language_after(self.words.language))
        self.edition += 1

    def look(self) -> None:
        """Say that the person sees the transcript: the unread line stays, so that they find where they were."""
        self.looking, self.unread = True, 0

    def look_away(self) -> None:
        """Say that the person does not see the transcript any more: all that is there they have seen."""
        if self.looking:
            self.looking, self.marker = False, None

    def complain(self, error: ChatError | str) -> None:
        """Tell the person what did not work."""
        self._add(Kind.ERROR, notice=_noticed(str(error)))

    # --- what there is to show ---

    @property
    def users(self) -> tuple[str, ...]:
        """Who is in the room, in the order in which they came."""
        return tuple(self._users)

    def after(self, number: int) -> list[Entry]:
        """Return the entries that came after one, without walking through all of them."""
        return [*takewhile(lambda entry: entry.number > number, reversed(self.entries))][::-1]

    def who(self, entry: Entry) -> str:
        """Return who says an entry, and to whom if it is one person, in the person's language."""
        say = self.words.say
        if entry.kind is Kind.EARLIER:
            return say("{name}, earlier", name=entry.name)
        if not entry.to:
            return entry.name
        if entry.kind is Kind.OWN:
            return say("{name}, to {to} alone", name=entry.name, to=entry.to)
        return say("{name}, to you alone", name=entry.name)

    def text(self, entry: Entry) -> str:
        """Return the words of an entry in the person's language."""
        return entry.text if entry.notice is None else self.words.notice(entry.notice)

    def lock(self) -> str:
        """Return the words for who can read the connection."""
        return self.words.say(self.security.lock.value)

    def overheard(self) -> tuple[Row, ...]:
        """Return what an eavesdropper sees of what was sent last."""
        return eavesdropper.rows(self.sent_last, self.words)

    def details(self) -> tuple[Detail, ...]:
        """Return what is known about who can read the connection, and the certificate's details."""
        return tuple(self._details())

    def _details(self) -> Iterator[Detail]:
        say, security = self.words.say, self.security
        yield Detail(say("Who can read this"), say(_MEANING[security.lock]))
        if security.lock is Lock.READABLE:
            yield Detail(say("Certificate"), say("none: nobody has shown who they are"))
            return
        yield Detail(say("Encryption"), f"{security.version}, {security.cipher}")
        certificate = read_certificate(security.certificate) if security.certificate else None
        if certificate is None:
            yield Detail(say("Certificate"), say("it cannot be read"))
            return
        yield Detail(say("Issued to"), visible(certificate.subject) or "-")
        yield Detail(say("Issued by"), visible(certificate.issuer) or "-")
        yield Detail(say("Valid for"), visible(", ".join(certificate.names)) or "-")
        yield Detail(say("Valid from"), certificate.not_before)
        yield Detail(say("Valid until"), certificate.not_after)
        yield Detail(say("SHA-256 fingerprint"), certificate.fingerprint)

    def _add(self, kind: Kind, *, name: str = "", to: str = "", text: str = "", notice: Notice | None = None) -> None:
        self._number += 1
        self.entries.append(Entry(self._number, kind, self._clock(), name, to, text, notice))
        if not self.looking and kind in _WORTH_COMING_BACK:
            self.unread += 1
            if self.marker is None:
                self.marker = self._number


_WORTH_COMING_BACK = (Kind.SAID, Kind.PRIVATE, Kind.ERROR)
_MEANING: Final = {
    Lock.VERIFIED: mark("Only the server and the people in the room. A CA you trust says that it is this server."),
    Lock.UNVERIFIED: mark(
        "Whoever is at the other end, and nobody checked who that is. Somebody in between could read and change it all."
    ),
    Lock.READABLE: mark("Everybody on the way. They could change it, too, and nobody would notice."),
}


def _shown(text: str) -> str:
    """Return a text made visible, and cut where no person could have typed so much (see `chat.lines.MAX_LINE`)."""
    return visible(text) if len(text) <= MAX_LINE else visible(text[:MAX_LINE]) + " …"


def _noticed(sentence: str) -> Notice:
    return recognise(sentence) or Notice(UNKNOWN, {"what": sentence})


def hue(name: str, hues: int) -> int:
    """Return which of `hues` colours belongs to a name, the same on every screen and in every run."""
    return zlib.crc32(name_key(name).encode()) % hues
