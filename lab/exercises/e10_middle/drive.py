"""Lets a careless and a careful client come to a student's middle.py: `python -m lab.exercises.e10_middle.drive`.

Runs in a process of its own, which may be shut off from everything: server, clients and middle.py live in it and in its
children, on loopback. It takes a job in JSON on its standard input and tells what became of it in JSON on its output.
The folder that it is started in holds middle.py and what that needs. Must not know what is right.
"""

import asyncio
import contextlib
import json
import ssl
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from pathlib import Path

from certs.contexts import client_context, server_context, unverified_client_context
from chat.client import Client
from chat.errors import ChatError
from chat.limits import Limits
from chat.server import Server
from lab import sandbox

_READY = b"ready\n"
_PATIENCE = 6.0  # seconds for each thing that takes milliseconds; for machines that swap
_END = 2.0  # likewise, for middle.py to end
# On a busy machine both are longer: so many times what middle.py has taken to start, up to so many seconds.
_STARTS, _LONGEST = 20, 15.0
_TOLD = 2000  # bytes of what middle.py writes on its standard error, from the end
_VERSION = ssl.TLSVersion.TLSv1_2  # in which certificates and refusals can be seen without a key


@dataclass(frozen=True, slots=True)
class Job:
    """What is to happen.

    Attributes:
        server: the port that the server listens on.
        middle: the one that middle.py is to listen on.
        to_server: the one that middle.py is told to connect to: the server's, or one that leads to it.
        to_middle: the one that the clients connect to, likewise.
        host: the name that the clients ask for.
        careless: nickname of the client that verifies nothing.
        careful: of the one that verifies.
        words: what the careless one says, a line each.
        certificate: the server's, in PEM.
        key: its key.
        ca: what the careful client trusts.
    """

    server: int
    middle: int
    to_server: int
    to_middle: int
    host: str
    careless: str
    careful: str
    words: tuple[str, ...]
    certificate: str
    key: str
    ca: str


@dataclass(frozen=True, slots=True)
class Told:
    """What became of it.

    Attributes:
        ready: whether middle.py said that it listens.
        careless: why the careless client could not say all of its words; "" where it could.
        careful: why the careful client could not come in; "" where it could.
        ended: whether middle.py ended when it was to.
        complaint: the end of what it wrote on its standard error.
        keys: the key log of server and careless client.
    """

    ready: bool
    careless: str
    careful: str
    ended: bool
    complaint: str
    keys: str


async def drive(job: Job, private: Path) -> Told:
    """Run it; `private` is an empty folder that middle.py has no business in."""
    files = {name: private / name for name in ("certificate", "key", "ca")}
    for name, path in files.items():
        path.touch(0o600)
        path.write_text(getattr(job, name), "ascii")
    log, complaints = private / "keylog", private / "complaints"
    log.touch(0o600)
    serving = server_context(files["certificate"], files["key"], keylog=log, version=_VERSION)
    trusting, verifying = unverified_client_context(), client_context(files["ca"], version=_VERSION)
    trusting.maximum_version = _VERSION
    trusting.keylog_filename = str(log)
    careless = careful = "It did not come to that."
    async with Server(hosts=("127.0.0.1",), port=job.server, context=serving, limits=Limits(rate=0, history=0)):
        with complaints.open("wb") as errors:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "middle.py", str(job.middle), str(job.to_server), job.host),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
            )
        begin = time.monotonic()
        async with _listening(process) as ready:
            slow = min(_STARTS * (time.monotonic() - begin), _LONGEST) if ready else 0.0
            if ready:
                patience = max(_PATIENCE, slow)
                careless = await _visit(job, job.careless, trusting, job.words, patience)
                careful = await _visit(job, job.careful, verifying, (), patience)
        ended = await _end(process, max(_END, slow))
    said = complaints.read_bytes()[-_TOLD:].decode(errors="replace")
    return Told(ready, careless, careful, ended, said, log.read_text("ascii"))


@contextlib.asynccontextmanager
async def _listening(process: asyncio.subprocess.Process) -> AsyncIterator[bool]:
    """Wait until middle.py says that it listens, or has ended; throw away what else it says, in the block."""
    assert process.stdout is not None
    try:
        async with asyncio.timeout(_PATIENCE):
            ready = await process.stdout.readline() == _READY
    except (TimeoutError, ValueError):  # a line without end is none
        ready = False
    emptying = asyncio.create_task(_empty(process.stdout))
    try:
        yield ready
    finally:
        emptying.cancel()
        await asyncio.gather(emptying, return_exceptions=True)


async def _empty(stream: asyncio.StreamReader) -> None:
    while await stream.read(1 << 16):
        pass


async def _visit(job: Job, name: str, context: ssl.SSLContext, words: tuple[str, ...], patience: float) -> str:
    """Come in, say the words and leave in so many seconds; return why that did not work, "" where it did."""
    try:
        async with asyncio.timeout(patience):
            async with await Client.connect(
                "127.0.0.1", job.to_middle, name, context=context, server_hostname=job.host
            ) as client:
                for text in words:
                    await client.send(text)
    except TimeoutError:
        return "It waited in vain."
    except (ChatError, OSError) as error:
        return str(error)
    return ""


async def _end(process: asyncio.subprocess.Process, patience: float) -> bool:
    """End middle.py; return whether it did so by itself in so many seconds after its input ended."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        async with asyncio.timeout(patience):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        return False
    return True


def main() -> int:
    """Do the job that stands on the standard input; what is to be heard of it can be heard in the middle alone."""
    sandbox.close_to_others()
    given = json.load(sys.stdin)
    with tempfile.TemporaryDirectory() as private:
        told = asyncio.run(drive(Job(**{**given, "words": tuple(given["words"])}), Path(private)))
    sys.stdout.write(json.dumps(asdict(told)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
