"""The server's log: `event="joined" member=3 name="Jos\u00e9"`, one line an event.

Values are quoted as in JSON with all but ASCII escaped, so nothing that was received can act on the terminal that shows
it. What people say is in it only where the server was asked for that.
"""

import json
import logging

_log = logging.getLogger("chat.server")


def log(event: str, **fields: object) -> None:
    """Log one event, safe to show."""
    if _log.isEnabledFor(logging.INFO):
        _log.info("%s", " ".join(f"{key}={json.dumps(value)}" for key, value in {"event": event, **fields}.items()))
