"""The client of openssl, `openssl s_client`, against servers of the lab: found, run, and not waited for long.

Knows the program and the options that say where to (openssl-s_client(1)). Must not know what it is asked for. Contract:
it connects to 127.0.0.1 alone, and has ended when a function returns.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from capture.tools import find

_TIMEOUT = 20.0  # seconds; it takes milliseconds, and this is for machines that swap


@dataclass(frozen=True, slots=True)
class Ran:
    """What a program has left that ended by itself: its exit status, and what it wrote, as text."""

    status: int
    out: str
    err: str


async def find_openssl() -> str | None:
    """Return the path of openssl, None where there is none, or one of another make with other options (LibreSSL)."""
    program = find("openssl")
    ran = await _run(program, ["version"]) if program is not None else None
    return program if ran is not None and ran.out.startswith("OpenSSL ") else None


def arguments(port: int, options: Sequence[str]) -> list[str]:
    """Return what stands behind `openssl`: the client asks whoever listens on `port` for localhost."""
    return ["s_client", "-connect", f"127.0.0.1:{port}", "-servername", "localhost", *options]


async def s_client(program: str, port: int, options: Sequence[str], words: bytes = b"") -> Ran | None:
    """Run it against whoever listens on `port`; return what it left, None where it did not end in time.

    Args:
        program: the path of openssl.
        port: on loopback.
        options: beyond those that say where to.
        words: what it sends, before it ends.
    """
    return await _run(program, arguments(port, options), words)


async def _run(program: str, options: Sequence[str], words: bytes = b"") -> Ran | None:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(program, *options, stdin=pipe, stdout=pipe, stderr=pipe)
    try:
        async with asyncio.timeout(_TIMEOUT):
            out, err = await process.communicate(words)
    except TimeoutError:
        return None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    assert process.returncode is not None
    return Ran(process.returncode, *(text.decode("utf-8", "backslashreplace") for text in (out, err)))
