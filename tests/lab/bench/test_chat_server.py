import asyncio
import ssl
from pathlib import Path

import pytest

from certs.contexts import client_context
from certs.store import open_store
from lab.bench import chat_server
from lab.bench.chat_load import DIALECTS, TURN, load
from lab.bench.programs import python, running

pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.mark.parametrize("loop", ["fastest", "asyncio"])
@pytest.mark.parametrize("tls", [False, True])
def test_it_delivers_everything(loop: str, tls: bool, tmp_path: Path) -> None:
    store = open_store(tmp_path / "certs")
    files = [str(store.server_certificate), str(store.server_key)] if tls else []
    context = client_context(store.ca_certificate, version=ssl.TLSVersion.TLSv1_3) if tls else None
    with running("the server", python("-m", "lab.bench.chat_server", loop, *files)) as server:
        run = load(int(server.line()), DIALECTS["chat"], 5, 2000, context)
    assert run.deliveries == 2000


def test_it_takes_in_more_than_a_class_from_one_address() -> None:
    with running("the server", python("-m", "lab.bench.chat_server", "fastest")) as server:
        assert load(int(server.line()), DIALECTS["chat"], 120, 119 * TURN).deliveries == 119 * TURN


def test_asyncio_s_own_loop_is_what_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []

    async def look(context: ssl.SSLContext | None) -> None:
        found.append((type(asyncio.get_running_loop()).__module__.partition(".")[0], context))

    monkeypatch.setattr(chat_server, "serve", look)
    chat_server.main(["asyncio"])
    chat_server.main(["fastest"])
    assert found == [("asyncio", None), ("uvloop", None)]
