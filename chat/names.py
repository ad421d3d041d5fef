"""Who may be called what: the names of people and of rooms.

Knows Unicode. Must not know who is here. Contract: pure functions; a name that `nickname` returns holds no space, and
so no line of the server's can be taken for something that its bearer said.
"""

import unicodedata

from chat import notices
from chat.confusables import PROTOTYPES
from chat.errors import NicknameError
from chat.escape import visible

MAX_NICKNAME = 20
# Whoever bears one of these could speak for the server, for everybody, or for the reader. As `name_key` has them.
RESERVED = frozenset(
    {"server", "servidor", "system", "sistema", "admin", "administrator", "administrador", "root"}
    | {"moderator", "moderador", "teacher", "profesor", "profesora", "everybody", "everyone", "all", "todos"}
    | {"nobody", "nadie", "you", "me"}
)


def nickname(text: str) -> str:
    """Return the name in `text`, spaces around it removed, in Unicode's NFC.

    Raises:
        NicknameError: it is not 1 to 20 letters, digits, `_`, `-` or `.` with one letter or digit among them, it mixes
            Latin, Greek and Cyrillic, whose letters look alike, or it is reserved.
    """
    name = text.strip(" \t")
    if len(name) <= 4 * MAX_NICKNAME:  # no character is composed of more; ordering marks takes quadratic time
        name = unicodedata.normalize("NFC", name)
    if not 1 <= len(name) <= MAX_NICKNAME:
        raise NicknameError(notices.sentence(notices.NAME_LENGTH, limit=MAX_NICKNAME))
    # Marks are the vowels of Hindi or Thai; those drawn as nothing do not survive visible().
    allowed = all(char in "_-." or unicodedata.category(char)[0] in "LM" or char.isdecimal() for char in name)
    if not allowed or visible(name) != name or unicodedata.category(name[0])[0] == "M":
        raise NicknameError(notices.NAME_CHARACTERS)
    if not any(char.isalnum() for char in name):
        raise NicknameError(notices.NAME_WITHOUT_LETTER)
    if len({"LATIN", "GREEK", "CYRILLIC"} & {unicodedata.name(char, "").partition(" ")[0] for char in name}) > 1:
        raise NicknameError(notices.NAME_MIXES)
    if not _RESERVED_KEYS.isdisjoint(name_keys(name)):
        raise NicknameError(notices.sentence(notices.NAME_RESERVED, name=name))
    return name


def name_key(name: str) -> str:
    """Return what two names share when they are the same word: NFKC with case folded away."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def skeleton(name: str) -> str:
    """Return what two names share when they look alike: a skeleton in the sense of UTS #39, section 4."""
    # decomposed, so that a letter with an accent shows what it looks like without it
    return unicodedata.normalize("NFKD", name).translate(PROTOTYPES)


def name_keys(name: str) -> frozenset[str]:
    """Return all that a name is known by. Two names that share one of these would be taken for each other."""
    return frozenset({name_key(name), skeleton(name), skeleton(name_key(name)).casefold()})


# In capitals a word has other doubles: ADMlN is none of admin.
_RESERVED_KEYS = frozenset().union(
    *(name_keys(form) for word in RESERVED for form in (word, word.capitalize(), word.upper()))
)
