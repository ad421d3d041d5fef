"""The errors of the chat.

Knows nothing of sockets or files. Contract: the text of each is one plain sentence that says what happened and what to
do; where another exception caused it, that one is its `__cause__`.
"""


class ChatError(Exception):
    """Anything the chat can fail with: an address that cannot be used, a server that cannot be reached."""


class NicknameError(ChatError):
    """A name that nobody may have, or that somebody in the room has already."""


class ProtocolError(ChatError):
    """A line that the protocol does not allow."""


class ConnectionLost(ChatError):  # noqa: N818 - it names what happened; nobody made a mistake
    """The other side is gone, politely or not."""
