"""The same question to somebody else: what `openssl s_client` says of each certificate, and the lines to ask it again.

Knows the program's options (openssl-s_client(1), openssl-verification-options(1)) and what it prints. Knows nothing of
the chat or the capture.
"""

import asyncio
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from capture.tools import find
from lab.scenarios.mitm.cast import Cast, Shown

_TIMEOUT = 20.0  # seconds; it takes milliseconds, and this is for machines that swap
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
    return shlex.join(["openssl", *serve]), shlex.join(["openssl", *_client(_PORT, strict(cast))]) + " </dev/null"


def _client(port: int, options: Sequence[str]) -> list[str]:
    return ["s_client", "-connect", f"127.0.0.1:{port}", "-servername", "localhost", *options]


async def find_openssl() -> str | None:
    """Return the path of openssl, None where there is none, or one of another make with other options (LibreSSL)."""
    program = find("openssl")
    out = await _run(program, "version") if program is not None else None
    return program if out is not None and out[0].startswith("OpenSSL ") else None


async def ask(program: str, port: int, options: Sequence[str]) -> Opinion | None:
    """Return what s_client says of whoever listens on `port`; None where it says nothing in time.

    Args:
        program: the path of openssl.
        port: on loopback.
        options: what it is to check.
    """
    done = await _run(program, *_client(port, options))
    found = _ANSWER.search(done[0]) if done is not None else None
    return Opinion(int(found[1]), found[2], done[1] == 0) if done is not None and found is not None else None


async def _run(program: str, *arguments: str) -> tuple[str, int | None] | None:
    """Return what the program prints, and its status; None where it does not end by itself, and then it is ended."""
    process = await asyncio.create_subprocess_exec(
        program,
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,  # it has nothing to send, so it ends
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(_TIMEOUT):
            out, _ = await process.communicate()
    except TimeoutError:
        return None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return out.decode("ascii", "replace"), process.returncode
