"""What the textbook says of a chat that asks its clients for certificates, against what was captured. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from capture.sources.source import Counters
from chat import notices
from lab.scenario import Sent
from lab.scenarios.mutual.cast import ALICE, BOB, GUEST, MALLORY, STRANGER, THIEF
from lab.scenarios.mutual.seen import Seen
from lab.scenarios.shape import Claim, Judgement, Question
from lab.verdict import Verdict

# The alerts: RFC 8446, sections 4.4.2.4, 4.4.3 and 6.2; RFC 5246, sections 7.2.2 and 7.4.6, which has none of its own
# for a certificate that is missing.
ALERTS: Mapping[str, Mapping[str, str]] = {
    STRANGER: {"TLS 1.2": "unknown_ca", "TLS 1.3": "unknown_ca"},
    GUEST: {"TLS 1.2": "handshake_failure", "TLS 1.3": "certificate_required"},
    THIEF: {"TLS 1.2": "decrypt_error", "TLS 1.3": "decrypt_error"},
}
_HANDSHAKE, _CHAT, _NO_ONE = "the TLS handshake", "the chat", "nobody"

QUESTIONS = (
    Question("sees_12", "Can an eavesdropper see who logs in, in TLS 1.2?", ("yes, by name", "no")),
    Question("sees_13", "And in TLS 1.3?", ("yes, by name", "no")),
    Question(
        "mallory",
        "Mallory has a good certificate, for mallory. She says she is alice. Who stops her?",
        (_HANDSHAKE, _CHAT, _NO_ONE),
    ),
    Question("thief", "A thief has a copy of alice's certificate, but not of her key. Is she let in?", ("yes", "no")),
)


@dataclass(frozen=True, slots=True)
class Chat:
    """What was captured of the chat of one TLS version.

    Attributes:
        version: "TLS 1.2" or "TLS 1.3".
        port: the server's.
        seen: everybody's connection, in the order in which they came.
        sent: what alice and bob said to each other.
        verdict: what of it was read with the key log.
        told: what the programs of those who were not let in told them, by `Person.who`.
    """

    version: str
    port: int
    seen: tuple[Seen, ...]
    sent: tuple[Sent, ...]
    verdict: Verdict
    told: Mapping[str, str]

    def of(self, who: str) -> Seen:
        """Return somebody's connection."""
        return next(seen for seen in self.seen if seen.person.who == who)


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured.

    Attributes:
        chats: the chat of each TLS version.
        counters: what the capture counted.
        capture: the capture file.
        keylog: the key log of all connections.
    """

    chats: tuple[Chat, ...]
    counters: Counters
    capture: Path
    keylog: Path


def judge(result: Result) -> Judgement:
    """Compare what was captured with the textbook."""
    chats = result.chats
    claims = [claim for chat in chats for claim in _claims(chat)]
    problems = [problem for chat in chats for seen in chat.seen for problem in seen.problems]
    problems += [f"{chat.version}: {problem}" for chat in chats for problem in chat.verdict.problems]
    mallory = {_stopped(chat.of(MALLORY)) for chat in chats}
    sees = {chat.version: "yes, by name" if _names(chat) else "no" for chat in chats}
    answers = {
        "sees_12": sees["TLS 1.2"],
        "sees_13": sees["TLS 1.3"],
        # where the versions differ, the one that stops her latest
        "mallory": next(who for who in (_NO_ONE, _CHAT, _HANDSHAKE) if who in mallory),
        "thief": "yes" if any(chat.of(THIEF).let_in for chat in chats) else "no",
    }
    told = {chat.version: dict(chat.told) for chat in chats}
    return Judgement(tuple(claims), answers, result.counters, tuple(problems), {"told": told})


def outcome(seen: Seen) -> str:
    """Return what became of somebody, in words."""
    if seen.let_in:
        return f"let in as {seen.person.says}"
    if seen.refused_by_chat is not None:
        return f"refused by the chat: {seen.refused_by_chat}"
    if seen.alert is not None and seen.refused_in_handshake:
        return f"refused in the handshake: {seen.alert.name}, {'encrypted' if seen.alert.encrypted else 'in the clear'}"
    return f"told: {seen.answer.text}" if seen.answer is not None else "nothing that can be read"


def _claims(chat: Chat) -> list[Claim]:
    def came(who: str, textbook: str) -> Claim:
        seen = chat.of(who)
        spans = seen.answer.spans if seen.answer else seen.alert.spans if seen.alert else ()
        return Claim(f"{who}, {chat.version}", textbook, outcome(seen), outcome(seen) == textbook, spans)

    def refused(who: str) -> Claim:
        # a server sends its alert in TLS 1.3 under keys that it has had since its own first flight
        how = "encrypted" if chat.version == "TLS 1.3" else "in the clear"
        return came(who, f"refused in the handshake: {ALERTS[who][chat.version]}, {how}")

    why = notices.sentence(notices.OTHER_NAME, name="mallory")
    return [
        came(ALICE, "let in as alice"),
        came(BOB, "let in as bob"),
        _talk(chat),
        came(MALLORY, f"refused by the chat: {why}"),
        refused(STRANGER),
        refused(GUEST),
        refused(THIEF),
        _stolen(chat),
        _clear(chat),
        _opened(chat),
    ]


def _talk(chat: Chat) -> Claim:
    read = [finding.heard for finding in chat.verdict.findings if finding.heard is not None]
    spans = tuple(span for heard in read for span in heard.spans)
    total = len(chat.sent)
    what = f"alice and bob talk, {chat.version}"
    textbook, measured = (f"{n} of {total} messages read with the key log" for n in (total, len(read)))
    return Claim(what, textbook, measured, bool(total) and chat.verdict.ok, spans)


def _stolen(chat: Chat) -> Claim:
    """Claim that what the thief showed was the real one: it was not her certificate that she was refused for."""
    hers, alices = chat.of(THIEF).with_keys, chat.of(ALICE).with_keys
    same = hers is not None and alices is not None and hers.certificate == alices.certificate
    return Claim(
        f"the thief's certificate, {chat.version}",
        "alice's, byte for byte",
        "alice's, byte for byte" if same else "another one, or none",
        same,
        hers.spans if hers is not None else (),
    )


def _names(chat: Chat) -> list[Seen]:
    """Return the connections in which a certificate was shown whose name anybody can read."""
    return [seen for seen in chat.seen if seen.in_clear is not None and seen.in_clear.name]


def _clear(chat: Chat) -> Claim:
    """Claim where certificates of clients can be read without keys: by parsing, and by searching for their bytes."""
    showed = [seen for seen in chat.seen if seen.with_keys is not None]
    readable = [seen for seen in showed if seen in _names(chat) and seen.found]
    total = sum(seen.person.certificate is not None for seen in chat.seen)
    expected = f"{total} of {total}, with the name" if chat.version == "TLS 1.2" else "nowhere"
    measured = f"{len(readable)} of {total}, with the name"
    if len(showed) == total and not any(seen.found or seen.in_clear for seen in showed):
        measured = "nowhere"
    spans = tuple(span for seen in readable if seen.in_clear for span in seen.in_clear.name_spans)
    return Claim(f"clients' certificates without keys, {chat.version}", expected, measured, measured == expected, spans)


def _opened(chat: Chat) -> Claim:
    showed = [seen for seen in chat.seen if seen.person.certificate is not None]
    read = [
        seen.with_keys for seen in showed if seen.with_keys and seen.with_keys.certificate == seen.person.certificate
    ]
    expected, measured = (f"{n} of {len(showed)}" for n in (len(showed), len(read)))
    spans = tuple(span for opened in read for span in opened.name_spans)
    what = f"clients' certificates with the key log, {chat.version}"
    return Claim(what, expected, measured, measured == expected, spans)


def _stopped(seen: Seen) -> str:
    """Return who kept somebody out."""
    if seen.let_in:
        return _NO_ONE
    return _HANDSHAKE if seen.refused_in_handshake else _CHAT
