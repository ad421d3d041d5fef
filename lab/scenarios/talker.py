"""A TLS chat in a process of its own, under an OpenSSL configuration of its own: `python -m lab.scenarios.talker`.

Some of what TLS can do Python's `ssl` cannot ask for: the suites of TLS 1.3 (`Ciphersuites`) and padded records
(`RecordPadding`), both of SSL_CONF_cmd(3). OpenSSL takes them from the file that OPENSSL_CONF names (config(5)),
once, when a process starts. So server and clients run in a child of the lab, which captures them as any others.

The child gets a line of JSON with the job, answers with its port, is told which port to connect to, and answers with
what was sent.
"""

import asyncio
import contextlib
import json
import os
import signal
import ssl
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from certs.contexts import client_context, explain, server_context
from certs.errors import CertsError
from chat.errors import ChatError
from lab.errors import LabError
from lab.play import play
from lab.record import connector, loopback_server
from lab.scenario import Join, Leave, ListUsers, Paste, Pause, Say, Sent, Step

_ROOT = Path(__file__).resolve().parent.parent.parent
_STEPS = {step.__name__: step for step in (Join, Say, Paste, ListUsers, Leave, Pause)}
_LINE = 1 << 24  # bytes; a conversation is a line
_PATIENCE = 10.0  # seconds, for a process to end that has nothing left to do


@dataclass(frozen=True, slots=True)
class Job:
    """What a talker is to do.

    Attributes:
        certificate: of the server.
        key: of that certificate.
        ca: what the clients trust.
        keylog: where the server writes its keys.
        version: of TLS.
        options: what OpenSSL is told, by command of SSL_CONF_cmd(3): {"RecordPadding": "256"}.
    """

    certificate: Path
    key: Path
    ca: Path
    keylog: Path
    version: ssl.TLSVersion
    options: Mapping[str, str]


class Talker:
    """A talker that runs. Made by `talker`.

    Attributes:
        port: the one that its server listens on.
    """

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.port = port
        self._process = process

    async def talk(self, port: int, steps: Sequence[Step]) -> tuple[Sent, ...]:
        """Play the steps with clients that connect to `port`, the server's own or one that leads to it; return them.

        Raises:
            LabError: it could not be done; the text says why.
        """
        await _tell(self._process, {"port": port, "steps": [[type(step).__name__, asdict(step)] for step in steps]})
        told = await _told(self._process)
        return tuple(Sent(**{**sent, "heard_by": tuple(sent["heard_by"])}) for sent in told["sent"])


@contextlib.asynccontextmanager
async def talker(job: Job, folder: Path) -> AsyncIterator[Talker]:
    """Start a talker; its server runs until the block ends. The configuration is written to `folder`.

    Raises:
        LabError: it did not start; the text says why.
    """
    conf = folder / "openssl.cnf"
    options = "".join(f"{command} = {value}\n" for command, value in job.options.items())
    conf.write_text(
        f"openssl_conf = lab\n[lab]\nssl_conf = ssl\n[ssl]\nsystem_default = tls\n[tls]\n{options}", encoding="ascii"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "lab.scenarios.talker",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        # what is wrong it says in its answer; a traceback is nothing for the terminal
        stderr=asyncio.subprocess.DEVNULL,
        limit=_LINE,
        env={**os.environ, "OPENSSL_CONF": str(conf), "PYTHONPATH": str(_ROOT)},
        # Ctrl-C is the lab's to take; it ends this one
        start_new_session=True,
    )
    try:
        files = {name: str(getattr(job, name)) for name in ("certificate", "key", "ca", "keylog")}
        await _tell(process, {**files, "version": job.version.value})
        yield Talker(process, (await _told(process))["port"])
    finally:
        assert process.stdin is not None
        process.stdin.close()  # the end of its work
        try:
            await asyncio.wait_for(process.wait(), _PATIENCE if sys.exc_info()[1] is None else 0)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        conf.unlink()


async def _tell(process: asyncio.subprocess.Process, what: Mapping[str, object]) -> None:
    assert process.stdin is not None
    with contextlib.suppress(ConnectionError):  # it has ended: `_told` says so
        process.stdin.write(json.dumps(what).encode() + b"\n")
        await process.stdin.drain()


async def _told(process: asyncio.subprocess.Process) -> dict[str, Any]:
    assert process.stdout is not None
    line = await process.stdout.readline()
    if not line.endswith(b"\n"):
        raise LabError("The process that runs the chat has ended too early: run it again.")
    told: dict[str, Any] = json.loads(line)
    if "error" in told:
        raise LabError(told["error"])
    return told


async def _serve() -> None:
    """Be the child."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=_LINE)
    pipe, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    try:
        job = json.loads(await reader.readline())
        version = ssl.TLSVersion(job["version"])
        server_tls = server_context(
            Path(job["certificate"]), Path(job["key"]), keylog=Path(job["keylog"]), version=version
        )
        client_tls = client_context(Path(job["ca"]), version=version)
        async with loopback_server(server_tls) as server:
            _say({"port": server.address[1]})
            while line := await reader.readline():
                order = json.loads(line)
                steps = tuple(_STEPS[name](**fields) for name, fields in order["steps"])
                sent = await play(steps, connector(order["port"], client_tls))
                _say({"sent": [asdict(message) for message in sent]})
    except (LabError, CertsError, ChatError, OSError, ExceptionGroup) as error:
        first = error.exceptions[0] if isinstance(error, ExceptionGroup) else error
        _say({"error": explain(first) if isinstance(first, OSError) else str(first)})
    finally:
        pipe.close()


def _say(what: Mapping[str, object]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asyncio.run(_serve())
