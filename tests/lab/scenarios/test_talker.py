import asyncio
import os
import signal
import ssl
from dataclasses import replace
from pathlib import Path

import pytest

from capture.decrypt import open_connection
from capture.hello import server_hello
from capture.keylog import read_keylog
from capture.readers import ReaderName, read_segments
from capture.rights import Choice, Way
from capture.streams import reassemble
from capture.tls import read_records
from certs.store import open_store
from lab.capturing import captured
from lab.errors import LabError
from lab.scenario import Join, Say
from lab.scenarios import talker as lab_talker
from lab.scenarios.talker import Job, talker

STEPS = (Join("anna"), Join("bob"), Say("anna", "hello"), Say("bob", "¿qué tal?"))


def job(folder: Path, **options: str) -> Job:
    store = open_store(folder / "certs")
    return Job(
        store.server_certificate,
        store.server_key,
        store.ca_certificate,
        folder / "tls.keylog",
        ssl.TLSVersion.TLSv1_3,
        options,
    )


@pytest.mark.parametrize(
    ("options", "suite", "multiple"),
    [
        ({}, "TLS_AES_256_GCM_SHA384", 1),
        ({"Ciphersuites": "TLS_CHACHA20_POLY1305_SHA256", "RecordPadding": "512"}, "TLS_CHACHA20_POLY1305_SHA256", 512),
    ],
)
def test_openssl_is_told(
    here: Choice, tmp_path: Path, best_reader: ReaderName, options: dict[str, str], suite: str, multiple: int
) -> None:
    async def main() -> None:
        async with talker(job(tmp_path, **options), tmp_path) as child:
            choice = Choice(Way.TAP, "") if here.way is Way.TAP else here
            async with captured(tmp_path / "c.pcapng", choice, [child.port]) as wire:
                sent = await child.talk(wire.ports[child.port], STEPS)
        assert [(message.who, message.text, message.heard_by) for message in sent] == [
            ("anna", "hello", ("bob",)),
            ("bob", "¿qué tal?", ("anna",)),
        ]

    asyncio.run(main())
    assert not (tmp_path / "openssl.cnf").exists()
    streams = reassemble(read_segments(tmp_path / "c.pcapng", best_reader))
    client, server = read_records(streams[0]), read_records(streams[1])
    answer = server_hello(server)
    assert answer is not None
    assert answer.suite_name == suite
    opened, _ = open_connection(client, server, read_keylog(tmp_path / "tls.keylog"))
    # RFC 8446, section 5.4; the tag is 16 bytes, and OpenSSL pads the inner plaintext with its type
    words = [item for item in opened if item.content_type == 23]
    assert words
    assert {(len(item.record.fragment) - 16) % multiple for item in words} == {0}


def test_what_fails_there_is_said_here(tmp_path: Path) -> None:
    async def main() -> None:
        wrong = job(tmp_path)
        wrong.key.write_text("nothing")
        async with talker(wrong, tmp_path):
            pytest.fail("it has started")

    with pytest.raises(LabError, match="not a certificate and its own key"):
        asyncio.run(main())


def test_a_child_that_stumbles_leaves_the_terminal_alone(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    async def main() -> None:
        async with talker(replace(job(tmp_path), keylog=tmp_path), tmp_path):
            pytest.fail("it has started")

    with pytest.raises(LabError, match=r"^[A-Z][^\n]*\.$"):
        asyncio.run(main())
    assert capfd.readouterr().err == ""


def test_a_child_that_does_not_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab_talker, "_PATIENCE", 0.2)

    async def main() -> int | None:
        async with talker(job(tmp_path), tmp_path) as child:
            os.kill(child._process.pid, signal.SIGSTOP)
        return child._process.returncode

    assert asyncio.run(main()) == -signal.SIGKILL


def test_a_child_that_dies_is_noticed(tmp_path: Path) -> None:
    async def main() -> None:
        async with talker(job(tmp_path), tmp_path) as child:
            child._process.kill()
            await child.talk(child.port, STEPS)

    with pytest.raises(LabError, match="ended too early"):
        asyncio.run(main())
    assert not (tmp_path / "openssl.cnf").exists()
