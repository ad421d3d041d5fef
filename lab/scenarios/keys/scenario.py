"""Key x session matrix: one conversation in four sessions, each opened with nothing, the stolen key and the key log.

Runs the four chats under one RSA certificate while they are captured, and reads the capture. `matrix` opens it,
`verdict` compares with the textbook, `page` prints. The lesson is forward secrecy: a key that only signs opens nothing.
"""

import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa

from capture.keylog import read_keylog
from capture.readers import read_segments
from capture.sources.source import Counters
from capture.streams import on_port, reassemble
from certs.authority import create_authority, issue_server
from certs.contexts import client_context, server_context
from lab.capturing import captured
from lab.errors import LabError
from lab.folder import RunFolder
from lab.play import play, side_by_side
from lab.record import connector, loopback_server
from lab.scenario import Sent
from lab.scenarios.keys.matrix import KINDS, RSA, Files, Kind, Matrix, Row, examine
from lab.scenarios.keys.page import show
from lab.scenarios.keys.recording import recorded
from lab.scenarios.keys.verdict import QUESTIONS, judge
from lab.scenarios.running import run_in_time
from lab.scenarios.shape import Scenario, Setting
from lab.scenarios.talker import Job, talker

CA, CERTIFICATE, KEY = "ca.pem", "server.pem", "stolen-key.pem"
_VALID = timedelta(days=1)  # the certificates are for one run; before and after it, as clocks differ
_CHACHA20 = "TLS_CHACHA20_POLY1305_SHA256"  # the suite of TLS 1.3 that Python's ssl cannot be told to choose

Talk = Callable[[int], Coroutine[Any, Any, tuple[Sent, ...]]]


def run(setting: Setting, kinds: Sequence[Kind] = KINDS) -> Matrix:
    """Run the sessions and open them in every way there is.

    Args:
        setting: as for every scenario.
        kinds: the sessions; the first one is replaced by its recording where this OpenSSL will not do its suite.

    Raises:
        LabError, CaptureError, CertsError, ChatError: as their texts say; what was captured stays in the folder.
    """
    folder = setting.folder
    key = make_certificates(folder)
    refused = refusal(folder.path, kinds[0])
    live = kinds if refused is None else kinds[1:]
    for kind in live:
        if (why := refusal(folder.path, kind)) is not None:
            msg = f"The session {kind.name} cannot be run: {why}."
            raise LabError(msg)
    sent, ports, counters = run_in_time(record(setting, live))
    rows: list[Row] = []
    if refused is not None:
        shipped = recorded(folder)
        theirs = reassemble(read_segments(shipped.files.capture, setting.reader))
        secrets = read_keylog(shipped.files.keylog)
        rows.append(examine(RSA, shipped.files, shipped.sent, theirs, shipped.key, secrets, recorded=refused))
    streams = reassemble(read_segments(folder.capture, setting.reader))
    files, keylog = Files(folder.capture, folder.path / KEY, folder.keylog), read_keylog(folder.keylog)
    for kind in live:
        rows.append(examine(kind, files, sent[kind], on_port(streams, ports[kind]), key, keylog))
    folder.write(folder.transcript, {row.kind.name: [asdict(message) for message in row.sent] for row in rows})
    return Matrix(tuple(rows), counters)


def make_certificates(folder: RunFolder) -> rsa.RSAPrivateKey:
    """Make a CA and the server's certificate with an RSA key, all files of them but the CA's key; return the key.

    Raises:
        LabError: a file cannot be written.
    """
    now = datetime.now(UTC)
    authority = create_authority(not_before=now - _VALID, not_after=now + _VALID)
    key = rsa.generate_private_key(65537, 2048)
    server = issue_server(authority, not_before=now - _VALID, not_after=now + _VALID, key=key)
    for name, data in ((CA, authority.certificate_pem), (CERTIFICATE, server.certificate_pem), (KEY, server.key_pem)):
        folder.write_private(name, data)
    return key


def refusal(folder: Path, kind: Kind) -> str | None:
    """Return why this OpenSSL will not shake hands as `kind` says, None where it will. Nothing passes over a network.

    Raises:
        CertsError: the certificates are not in the folder.
    """
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        server_tls, client_tls = _contexts(folder, kind, keylog=None)
        ends = [
            client_tls.wrap_bio(to_client, to_server, server_hostname="localhost"),
            server_tls.wrap_bio(to_server, to_client, server_side=True),
        ]
        while ends:
            for end in tuple(ends):
                with contextlib.suppress(ssl.SSLWantReadError):
                    end.do_handshake()
                    ends.remove(end)
    except ssl.SSLError as error:
        # not `reason`: what set_ciphers raises has none
        return f"{ssl.OPENSSL_VERSION} does not do {kind.cipher} here ({str(error.args[-1]).removesuffix('.')})"
    return None


def _contexts(folder: Path, kind: Kind, *, keylog: Path | None) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return the server's side and the clients'."""
    server = server_context(folder / CERTIFICATE, folder / KEY, keylog=keylog, version=kind.version)
    client = client_context(folder / CA, version=kind.version)
    if kind.version is ssl.TLSVersion.TLSv1_2:
        for context in (server, client):
            context.set_ciphers(kind.cipher)
    return server, client


async def record(
    setting: Setting, kinds: Sequence[Kind]
) -> tuple[dict[Kind, tuple[Sent, ...]], dict[Kind, int], Counters]:
    """Run a session of each kind, side by side, while they are captured.

    Returns:
        What was sent in each, the port of each as the capture shows it, and what the capture counted.

    Raises:
        LabError, CaptureError, CertsError, ChatError: as their texts say.
    """
    async with contextlib.AsyncExitStack() as stack:
        served = {kind: await stack.enter_async_context(_serving(setting, kind)) for kind in kinds}
        async with captured(setting.folder.capture, setting.choice, [port for port, _ in served.values()]) as wire:
            ports = {kind: wire.ports[port] for kind, (port, _) in served.items()}
            sent = await side_by_side({kind: talk(ports[kind]) for kind, (_, talk) in served.items()})
    return sent, ports, wire.counters


@contextlib.asynccontextmanager
async def _serving(setting: Setting, kind: Kind) -> AsyncIterator[tuple[int, Talk]]:
    """Run the server of a session; yield its port, and what plays the conversation with clients on a port."""
    folder = setting.folder
    if kind.cipher == _CHACHA20:
        job = Job(
            certificate=folder.path / CERTIFICATE,
            key=folder.path / KEY,
            ca=folder.path / CA,
            keylog=folder.keylog,
            version=kind.version,
            options={"Ciphersuites": kind.cipher},
        )
        async with talker(job, folder.path) as child:
            yield child.port, lambda port: child.talk(port, setting.steps)
        return
    server_tls, client_tls = _contexts(folder.path, kind, keylog=folder.keylog)
    async with loopback_server(server_tls) as server:
        yield server.address[1], lambda port: play(setting.steps, connector(port, client_tls))


SCENARIO: Scenario[Matrix] = Scenario(
    name="keys",
    title="Who can read it later: four sessions, each opened in three ways",
    setting=(
        "One conversation is held four times, over four kinds of TLS, and somebody captures it all. All four servers "
        "show the same certificate and have the same private key. Later the capture is opened three times: with "
        "nothing; with the server's private key, stolen after the conversation has ended; with the key log, a file in "
        "which the server has noted the secrets of each connection."
    ),
    questions=QUESTIONS,
    run=run,
    judge=judge,
    show=show,
    own_words=True,
)
