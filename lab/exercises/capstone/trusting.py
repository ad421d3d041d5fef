"""Tries of TLS: whom the client trusts, and whom the server's handshake waits for.

A function for each weakness, as in `lab.exercises.capstone.talking`.
"""

import ssl

from lab.exercises.capstone.people import GoneError
from lab.exercises.capstone.stage import Stage
from lab.exercises.capstone.talking import WeaknessError


def verification(stage: Stage) -> None:
    """The client meets its server, a stranger, and somebody with a genuine certificate for another name."""
    if not _trusts(stage, stage.props.genuine):
        raise WeaknessError("refuses_genuine")
    if _trusts(stage, stage.props.stranger):
        raise WeaknessError("stranger")
    if _trusts(stage, stage.props.elsewhere):
        raise WeaknessError("another_name")


def _trusts(stage: Stage, context: ssl.SSLContext) -> bool:
    """Return whether the client says a word to a server with this certificate."""
    name = stage.names(1)[0]
    with stage.listen() as listening:
        client = stage.client(name)
        try:
            server = stage.accept(listening, context)
            server.next()
            trusted = True
        except GoneError:
            trusted = False
    stage.dismiss(client)
    return trusted


def handshake(stage: Stage) -> None:
    """Somebody connects and says nothing, somebody speaks no TLS; can others come in meanwhile?"""
    stage.serve()
    names = stage.names(3)
    stage.come(names[0])
    silent = stage.connect()
    try:
        stage.come(names[1])
    except (TimeoutError, GoneError) as error:
        raise WeaknessError("silent") from error
    with stage.connect() as garbage:
        garbage.sendall(f"{stage.word('garbage')}\n".encode())
        try:
            stage.come(names[2])
        except (TimeoutError, GoneError) as error:
            raise WeaknessError("no_tls") from error
    silent.close()
