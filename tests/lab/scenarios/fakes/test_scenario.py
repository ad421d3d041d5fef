import json
import os
import secrets
import stat
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES128
from cryptography.hazmat.primitives.ciphers.modes import CTR as COUNTER

from lab.errors import LabError
from lab.scenario import Join, Leave, ListUsers, Paste, Say
from lab.scenarios.codecs import BLOCK, Framed, RepeatingXor, framed
from lab.scenarios.fakes.judge import judge
from lab.scenarios.fakes.result import ATTACKERS_KEY, CTR, ECB, LISTENED, RELAYED, TLS, XOR, Fakes
from lab.scenarios.fakes.rsa_exchange import accepting, new_key, offering
from lab.scenarios.fakes.scenario import SCENARIO, make_ends, run, typed
from lab.scenarios.fakes.talk import conversation
from lab.scenarios.tunnel import built_in
from tests.lab.scenarios.conftest import MakeSetting
from tests.lab.scenarios.fakes.sealed import said


class FreshCtr:
    """AES-CTR as it should be: a nonce of its own for each line, sent along."""

    key = secrets.token_bytes(BLOCK)

    def __init__(self) -> None:
        self._arrived = Framed()

    def _sealed(self, nonce: bytes, line: bytes) -> bytes:
        return Cipher(AES128(self.key), COUNTER(nonce)).encryptor().update(line)

    def seal(self, line: bytes) -> bytes:
        nonce = os.urandom(BLOCK)
        return framed(nonce + self._sealed(nonce, line))

    def open(self, data: bytes) -> list[bytes]:
        return [self._sealed(line[:BLOCK], line[BLOCK:]) for line in self._arrived.feed(data)]


def test_all_is_read_that_should_be(faked: Fakes) -> None:
    judgement = judge(faked)
    assert judgement.ok, [claim for claim in judgement.claims if not claim.ok]
    assert len(judgement.claims) == 12
    assert [chat["read"] for chat in judgement.details["chats"]] == [24, 24, 24, 24, 24, 0, 0]
    for row in faked.rows:
        truth = said(conversation(7))
        assert [(message.who, message.text) for message in row.sent] == truth
        read = [(message.who, message.text) for message in row.messages]
        assert read == ([] if row.name in {LISTENED, TLS} else truth)
    assert [message.text for message in faked.row(XOR).messages if not message.text.isascii()]


def test_the_attackers_key_is_for_its_owner_and_no_other_key_is_kept(faked: Fakes) -> None:
    assert faked.key.name == ATTACKERS_KEY
    assert stat.S_IMODE(faked.key.stat().st_mode) == 0o600
    folder = faked.capture.parent
    sent = json.loads((folder / "transcript.json").read_text())
    assert {len(messages) for messages in sent.values()} == {24}
    files = {path.name for path in folder.rglob("*")}
    assert files == {ATTACKERS_KEY, "capture.pcapng", "transcript.json"}


def test_what_is_mended_is_not_read(make_setting: MakeSetting) -> None:
    ends, pad, key = make_ends(), secrets.token_bytes(1 << 16), new_key()
    mended = {
        XOR: built_in(lambda: RepeatingXor(pad)),
        CTR: built_in(FreshCtr),
    }
    tunnels = {**ends.tunnels, **{name: (agree, agree) for name, agree in mended.items()}}
    tunnels[ECB] = accepting(), offering(key)  # a key for each connection, and AES-GCM
    fakes = run(make_setting("fakes"), replace(ends, tunnels=tunnels))
    assert {row.name: row.read for row in fakes.rows if not row.whole} == dict.fromkeys(
        (XOR, ECB, CTR, LISTENED, TLS), 0
    )
    assert not judge(fakes).ok


def test_a_near_end_that_takes_any_key_turns_the_verdict(make_setting: MakeSetting) -> None:
    judgement = judge(run(make_setting("fakes"), replace(make_ends(), careful=accepting())))
    assert not judgement.ok
    (wrong,) = [claim for claim in judgement.claims if not claim.ok]
    assert wrong.what == f"{RELAYED}, at a near end that knows the right key"
    assert wrong.measured != "it sent 0 bytes"


def test_what_a_step_types() -> None:
    steps = (Join("anna"), ListUsers("anna"), Say("anna", "¿Qué?"), Paste("anna", ("one", "two")), Leave("anna"))
    assert typed(steps) == (
        b"anna",
        b"!users",
        "¿Qué?".encode(),
        b"one",
        b"two",
        b"!quit",
    )


def test_a_folder_that_is_full_is_said(make_setting: MakeSetting) -> None:
    setting = make_setting("fakes")
    (setting.folder.path / ATTACKERS_KEY).mkdir()
    with pytest.raises(LabError, match=f"{ATTACKERS_KEY} cannot be written"):
        run(setting)


def test_it_takes_no_words_from_outside() -> None:
    assert not SCENARIO.own_words
