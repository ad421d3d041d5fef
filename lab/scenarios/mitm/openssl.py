"""The same question to somebody else: what `openssl s_client` says of each certificate, and the lines to ask it again.

Knows the options that choose what is verified (openssl-verification-options(1)) and what the program prints. Knows
nothing of the chat or the capture.
"""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from lab.scenarios.mitm.cast import Cast, Shown
from lab.scenarios.s_client import arguments, s_client

_ANSWER = re.compile(r"^\s*Verify return code: (\d+) \((.*)\)\s*$", re.MULTILINE)
_PORT = 4433  # what openssl's own examples use


@dataclass(frozen=True, slots=True)
class Opinion:
    """What openssl says of a certificate.

    Attributes:
        code: its verify return code, 0 where it is content.
        words: the same in its words.
        connected: whether the handshake came to its end.
    """

    code: int
    words: str
    connected: bool


def strict(cast: Cast) -> list[str]:
    """Return the options that make s_client the strict client."""
    checks = ["-x509_strict", "-verify_hostname", "localhost", "-crl_check", "-CRL", str(cast.crl)]
    # without the last one it would say what is wrong and go on
    return ["-CAfile", str(cast.ca), *checks, "-verify_return_error"]


def lines_to_copy(cast: Cast, shown: Shown) -> tuple[str, str]:
    """Return two lines: a server that shows the certificate, until Ctrl-C, and the strict client that looks at it."""
    serve = ["s_server", "-accept", f"127.0.0.1:{_PORT}", "-cert", str(cast.shown[shown])]
    return shlex.join(["openssl", *serve]), shlex.join(["openssl", *arguments(_PORT, strict(cast))]) + " </dev/null"


async def ask(program: str, port: int, options: Sequence[str]) -> Opinion | None:
    """Return what s_client says of whoever listens on `port`; None where it says nothing in time.

    Args:
        program: the path of openssl.
        port: on loopback.
        options: what it is to check.
    """
    ran = await s_client(program, port, options)
    found = _ANSWER.search(ran.out) if ran is not None else None
    return Opinion(int(found[1]), found[2], ran.status == 0) if ran is not None and found is not None else None
