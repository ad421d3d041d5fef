"""The words that a person reads, in English or Spanish, and the two put together with what was received.

Knows: gettext, the catalogues in `chat/locale`, the templates of the server's notices and of the client's failures.
Must not know: who shows the words. Contract: English is what the code says, so it needs no catalogue; whatever was
received and stands in a field went through `visible`; a sentence that no template fits stays in English.

To add a sentence: write it in the code as `say("...")` or `mark("...")`, add its translation to
`chat/locale/es/LC_MESSAGES/chat.po`, and run `pybabel compile -d chat/locale -D chat`.
"""

import gettext
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from chat import failures, notices
from chat.escape import visible
from chat.notices import Notice

LANGUAGES: Final = {"en": "English", "es": "Español"}  # each by its own name, as a person looks for it
_LOCALE = Path(__file__).parent / "locale"
# What stands in these may be a sentence itself; a sentence in a sentence in a sentence is somebody playing.
_NESTED = frozenset({"why", "reason"})
_DEPTH = 3


def mark(template: str) -> str:
    """Return the template as it is: here only so that whoever collects what is to be translated finds it."""
    return template


class Words:
    """What to say, in one language.

    Args:
        language: a key of `LANGUAGES`.
    """

    def __init__(self, language: str = "en") -> None:
        self.language = language
        self._catalogue: gettext.NullTranslations = gettext.NullTranslations()
        if language != "en":
            self._catalogue = gettext.translation("chat", _LOCALE, [language])

    def say(self, template: str, /, **fields: object) -> str:
        """Return a template in this language with its fields, which are ours, filled in."""
        said = self._catalogue.gettext(template) if template else ""  # of an empty text gettext returns its header
        return said.format_map(fields) if fields else said

    def command(self, pair: tuple[str, str]) -> str:
        """Return the one of two commands, English and Spanish, that is in this language."""
        return dict(zip(LANGUAGES, pair, strict=True))[self.language]

    def notice(self, notice: Notice) -> str:
        """Return a recognised sentence in this language. Its fields were received and are made visible."""
        return self._notice(notice, _DEPTH)

    def sentence(self, english: str) -> str:
        """Return a sentence of the server or of the client in this language, if it is known, else as it is."""
        return self._sentence(english, _DEPTH)

    def _notice(self, notice: Notice, depth: int) -> str:
        fields = {
            field: self._sentence(value, depth - 1) if field in _NESTED else visible(value)
            for field, value in notice.fields.items()
        }
        return self.say(notice.template, **fields)

    def _sentence(self, english: str, depth: int) -> str:
        notice = recognise(english) if depth else None
        return visible(english) if notice is None else self._notice(notice, depth)


def recognise(english: str) -> Notice | None:
    """Return the template and fields of a sentence of the server or of the client, None for one that is not known."""
    return notices.recognise(english) or failures.recognise(english)


def preferred(environment: Mapping[str, str] = os.environ) -> str:
    """Return the language that the environment asks for (locale(7)), English where it is none of ours."""
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := environment.get(variable):
            language = value[:2].lower()
            return language if language in LANGUAGES and not value[2:3].isalnum() else "en"
    return "en"


def language_after(language: str) -> str:
    """Return the language that the switch goes to."""
    codes = list(LANGUAGES)
    return codes[(codes.index(language) + 1) % len(codes)]
