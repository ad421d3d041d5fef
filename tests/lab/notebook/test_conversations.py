import json
import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from capture.errors import KeyLogError
from capture.keylog import read_keylog
from capture.readers import read_segments
from capture.streams import reassemble
from lab.notebook.conversations import Conversation, conversations, secrets_of_thief
from lab.notebook.live import Run
from tests.lab.notebook.recorded import recorded

DATA = Path(__file__).parents[2] / "data"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return recorded("keys", tmp_path_factory.mktemp("keys"))


def private(chat: Conversation) -> rsa.RSAPrivateKey:
    key = load_pem_private_key(chat.key.read_bytes(), password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def test_four_conversations_share_a_capture_and_no_connection(keys: Run) -> None:
    chats = conversations(keys)
    assert [chat.name for chat in chats] == ["TLS 1.2, RSA", "TLS 1.2, ECDHE", "TLS 1.3, AES", "TLS 1.3, ChaCha20"]
    assert {chat.capture for chat in chats} == {keys.capture}
    assert {chat.keylog for chat in chats} == {keys.keylog}
    connections = [{stream.connection for stream in chat.streams} for chat in chats]
    assert all(connections)
    assert len(set.union(*connections)) == sum(map(len, connections))
    for chat in chats:
        assert chat.sent == len(keys.sent[chat.name])
        assert {chat.port} == {stream.destination.port for stream in chat.streams if stream.from_client}


def test_the_thief_has_what_openssl_logged_of_rsa_and_nothing_of_the_others(keys: Run) -> None:
    with_rsa, *others = conversations(keys)
    found = secrets_of_thief(with_rsa.streams, private(with_rsa))
    assert len(found) == len(with_rsa.streams) // 2
    assert found.items() <= read_keylog(with_rsa.keylog).items()
    for chat in others:
        assert secrets_of_thief(chat.streams, private(chat)) == {}


def test_another_servers_key_is_told_apart(keys: Run) -> None:
    with pytest.raises(KeyLogError, match="not the one"):
        secrets_of_thief(conversations(keys)[0].streams, rsa.generate_private_key(65537, 2048))


def test_a_recording_has_files_of_its_own(tmp_path: Path) -> None:
    """Where OpenSSL does no RSA key exchange any more, the scenario puts these beside its own."""
    for ours, theirs in (
        ("recording.pcapng", "pcapng"),
        ("recording-key.pem", "key.pem"),
        ("recording.keylog", "keys.txt"),
    ):
        shutil.copy(DATA / f"keys-rsa.{theirs}", tmp_path / ours)
    port = reassemble(read_segments(tmp_path / "recording.pcapng", "native"))[0].destination.port
    sent = len(json.loads((DATA / "keys-rsa.sent.json").read_text("ascii")))
    told = {"name": "TLS 1.2, RSA", "file": "recording.pcapng", "recorded": "it does not", "port": port}
    verdict = {"sessions": [told | {"cipher_suites": ["TLS_RSA_WITH_AES_128_GCM_SHA256"], "messages": sent}]}
    (chat,) = conversations(Run("", tmp_path, verdict, live=True, made=""))
    assert chat.streams
    found = secrets_of_thief(chat.streams, private(chat))
    assert found
    assert found.items() <= read_keylog(chat.keylog).items()
