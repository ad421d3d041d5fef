"""Fakes: five chats that look encrypted, each read from the capture by the standard attack on it; and TLS beside them.

The lab's own plaintext chat runs through tunnels that seal each line badly (`tunnel`, `codecs`); the wire between the
two ends is captured. This file runs it; `reading` attacks it, `judge` judges, `page` prints. The keys of the ends are
made here and go nowhere else. They come from `secrets`, not from the seed, as keys must: with the same seed the same is
said, under other keys.
"""

import contextlib
import secrets
import ssl
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from capture.readers import read_segments
from capture.sources.source import Counters
from capture.streams import reassemble
from certs.contexts import client_context, server_context
from certs.store import open_store
from chat.errors import ChatError
from chat.lines import MAX_LINE
from chat.protocol import QUIT_COMMANDS, USERS_COMMANDS
from lab.capturing import captured
from lab.folder import RunFolder
from lab.play import play, side_by_side
from lab.record import connector, loopback_server
from lab.scenario import Join, Leave, ListUsers, Paste, Say, Sent, Step
from lab.scenarios.codecs import BLOCK, AesCtrReused, AesEcb, Base64, RepeatingXor
from lab.scenarios.fakes.judge import QUESTIONS, judge
from lab.scenarios.fakes.page import show
from lab.scenarios.fakes.reading import Evidence, examine
from lab.scenarios.fakes.result import ATTACKERS_KEY, BASE64, CTR, ECB, LISTENED, RELAYED, TLS, XOR, Fakes
from lab.scenarios.fakes.rsa_exchange import accepting, new_key, offering, public_bytes, swapping
from lab.scenarios.fakes.talk import ERIN, conversation, dictation
from lab.scenarios.relay import relay
from lab.scenarios.running import run_in_time
from lab.scenarios.shape import Scenario, Setting
from lab.scenarios.tunnel import Agree, MakeCodec, built_in, far_end, near_end

_XOR_KEYS = range(11, 17)  # bytes of the repeating key, any of these


@dataclass(frozen=True, slots=True)
class Ends:
    """What the ends of the tunnels have built in.

    Attributes:
        tunnels: how the near end and the far end of each come to their codecs.
        careful: how a near end does that knows the far end's RSA key.
    """

    tunnels: Mapping[str, tuple[Agree, Agree]]
    careful: Agree


def make_ends() -> Ends:
    """Draw fresh keys."""
    repeating = secrets.token_bytes(secrets.choice(_XOR_KEYS))
    ecb, ctr, nonce = (secrets.token_bytes(BLOCK) for _ in range(3))
    key = new_key()
    codecs: dict[str, MakeCodec] = {
        BASE64: Base64,
        XOR: lambda: RepeatingXor(repeating),
        ECB: lambda: AesEcb(ecb),
        CTR: lambda: AesCtrReused(ctr, nonce),
    }
    tunnels = {name: (built_in(make), built_in(make)) for name, make in codecs.items()}
    for name in (RELAYED, LISTENED):
        tunnels[name] = (accepting(), offering(key))
    return Ends(tunnels, accepting(public_bytes(key)))


def run(setting: Setting, ends: Ends | None = None) -> Fakes:
    """Run all chats side by side while they are captured, and attack each from the capture.

    Args:
        setting: as for every scenario.
        ends: what the ends have built in, if not fresh keys.

    Raises:
        LabError, CaptureError, CertsError, ChatError: as their texts say; what was captured stays in the folder.
    """
    folder, attackers, dictated = setting.folder, new_key(), dictation(MAX_LINE)
    _write(folder, attackers)
    recording = run_in_time(_record(setting, ends or make_ends(), attackers, dictated))
    folder.write(folder.transcript, {name: [asdict(said) for said in sent] for name, sent in recording.sent.items()})
    streams = reassemble(read_segments(folder.capture, setting.reader))
    evidence = Evidence(streams, recording.ports, recording.far, typed(dictated), attackers)
    return examine(evidence, recording.sent, recording.counters, folder)


def typed(steps: Sequence[Step]) -> tuple[bytes, ...]:
    """Return the lines that one person sends who does all these steps."""
    lines = []
    for step in steps:
        match step:
            case Join(who):
                lines.append(who)
            case Say(_, text):
                lines.append(text)
            case Paste(_, texts):
                lines += texts
            case ListUsers():
                lines.append(USERS_COMMANDS[0])
            case Leave():
                lines.append(QUIT_COMMANDS[0])
    return tuple(line.encode() for line in lines)


def _write(folder: RunFolder, key: rsa.RSAPrivateKey) -> None:
    """Write the attacker's key, for whoever wants to do the attack again with openssl."""
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    folder.write_private(ATTACKERS_KEY, pem)


@dataclass(frozen=True, slots=True)
class _Recording:
    """What was sent in each chat, the port of each in the capture and of the relay's far half, and the counters."""

    sent: Mapping[str, tuple[Sent, ...]]
    ports: Mapping[str, int]
    far: int
    counters: Counters


async def _record(setting: Setting, ends: Ends, attackers: rsa.RSAPrivateKey, dictated: Sequence[Step]) -> _Recording:
    with tempfile.TemporaryDirectory(dir=setting.folder.path) as certificates:  # its keys are of no use after the run
        store = open_store(Path(certificates))
        server_tls = server_context(store.server_certificate, store.server_key)
        client_tls = client_context(store.ca_certificate)
    steps = conversation(setting.seed)
    async with contextlib.AsyncExitStack() as stack:

        async def serve(context: ssl.SSLContext | None = None) -> int:
            return (await stack.enter_async_context(loopback_server(context))).address[1]

        wires = {
            name: await stack.enter_async_context(far_end(await serve(), far))
            for name, (_, far) in ends.tunnels.items()
        }
        shown: Mapping[int, int] = {}
        beyond = wires[RELAYED]
        # where a tap comes before the far end, it has a port only once it runs
        wires[RELAYED] = await stack.enter_async_context(relay(lambda: shown.get(beyond), swapping(attackers)))
        wires[TLS] = await serve(server_tls)
        async with captured(setting.folder.capture, setting.choice, [*wires.values(), beyond]) as wire:
            shown = wire.ports
            ports = {name: shown[port] for name, port in wires.items()}

            async def talk(name: str) -> tuple[Sent, ...]:
                if name == TLS:
                    return await play(steps, connector(ports[TLS], client_tls))
                async with near_end(ports[name], ends.tunnels[name][0]) as port:
                    sent = await play(steps, connector(port, None))
                    if name == ECB:
                        await play(dictated, connector(port, None))
                if name == RELAYED:
                    async with near_end(ports[name], ends.careful) as port:
                        await _come_and_go(port)
                return sent

            sent = await side_by_side({name: talk(name) for name in ports})
    return _Recording(sent, ports, shown[beyond], wire.counters)


async def _come_and_go(port: int) -> None:
    """Enter the chat and leave it, or be refused: the capture shows which."""
    with contextlib.suppress(ChatError):
        client = await connector(port, None)(ERIN)
        await client.leave()


SCENARIO: Scenario[Fakes] = Scenario(
    name="fakes",
    title="Fakes: five chats that look encrypted",
    setting=(
        "Plaintext chats run through tunnels that seal each line on the way, in five ways: with base64, with a "
        "repeating XOR key, with AES-ECB, with AES-CTR that starts each line with the same nonce, and with AES-GCM, "
        "its keys sent under an RSA public key. The fifth runs twice: undisturbed, and with an attacker on the way. "
        "One more chat runs over TLS. All say the same, and to the eye each is noise. Then each is attacked: with the "
        "captured bytes and what anybody may know; never with a key of the two ends."
    ),
    questions=QUESTIONS,
    run=run,
    judge=judge,
    show=show,
    keylog=False,
)
