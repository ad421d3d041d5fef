"""A client for the terminal, over ssh as well; without a terminal, plain lines in and out.

Knows: which face fits what standard input and output are. Must not know: how any of them works. Contract: `run` returns
an exit status: 0 when the person left, 1 when there was no getting in or the connection was lost and not made again.
Whatever was received is shown through `visible`.
"""

import os
import ssl
import sys
from collections.abc import Callable, Mapping

from chat import piped
from chat.errors import ChatError
from chat.model import Login, Model
from chat.security import Lock
from chat.terminal_lines import Lines
from chat.terminal_screen import Screen
from chat.visit import Visit
from chat.words import Words


async def run(
    login: Login,
    contexts: Mapping[Lock, ssl.SSLContext] | None = None,
    *,
    words: Words | None = None,
    explain: Callable[[ChatError], str] = str,
) -> int:
    """Chat until the person leaves; return the exit status.

    With a terminal on both standard input and output there is an input line, keys, and a lost connection can be made
    again; Ctrl-D, Ctrl-C and `!quit` leave. Otherwise each line of standard input is sent, each line received is
    written to standard output, and the end of input leaves. Why there is no chat goes to standard error.

    Args:
        login: where to connect, and how; an empty name is asked for (without a terminal it is the first line).
        contexts: the client's side of TLS for each way of connecting that is encrypted.
        words: the language to begin with; English when `None`. Scripts always read English.
        explain: words what ended the chat, in English; whoever made the TLS context can say more of a certificate than
            the error.
    """
    contexts = contexts or {}
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        context = None if login.lock is Lock.READABLE else contexts[login.lock]
        try:
            return await piped.run(login.host, login.port, login.name, context)
        except ChatError as error:
            piped.complain(explain(error))
            return 1
    visit = Visit(Model(words or Words()), contexts, login)
    status = await _face(visit).run()
    if visit.failure is not None:
        piped.complain(_why(visit.failure, visit.model.words, explain))
    elif not status:
        piped.write(visit.model.words.say("You have left."))
    return status


def _face(visit: Visit) -> Screen | Lines:
    dumb = os.environ.get("TERM", "").lower() in ("", "dumb", "unknown")
    return Lines(visit) if dumb else Screen(visit)


def _why(error: ChatError | str, words: Words, explain: Callable[[ChatError], str]) -> str:
    if words.language == "en" and isinstance(error, ChatError):
        return explain(error)
    return words.sentence(str(error))
