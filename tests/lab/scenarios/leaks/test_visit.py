import asyncio
import os
import ssl
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from certs.contexts import client_context, server_context
from certs.store import Store, open_store
from lab.errors import LabError
from lab.record import loopback_server
from lab.scenarios.leaks.visit import visit, visit_by_openssl


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "certs")


def against(
    store: Store, version: ssl.TLSVersion, visiting: Callable[[int], Coroutine[Any, Any, Any]], **no: bool
) -> Any:
    context = server_context(store.server_certificate, store.server_key, version=version)
    if no:  # no ticket, and nothing kept to resume with: (RFC 5246, section 7.4.1.3) an empty session id says so
        context.options |= ssl.OP_NO_TICKET
        context.num_tickets = 0

    async def main() -> Any:
        async with loopback_server(context) as server:
            return await visiting(server.address[1])

    return asyncio.run(main())


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_session_is_brought_back_as_often_as_wanted(store: Store, version: ssl.TLSVersion) -> None:
    async def visiting(port: int) -> ssl.SSLSession:
        context = client_context(store.ca_certificate, version=version)
        session = await visit(port, context)
        await visit(port, context, session)
        await visit(port, context, session)
        return session

    assert against(store, version, visiting).has_ticket


def test_a_server_that_resumes_nothing_is_named(store: Store) -> None:
    async def visiting(port: int) -> None:
        context = client_context(store.ca_certificate, version=ssl.TLSVersion.TLSv1_3)
        await visit(port, context, await visit(port, context))

    with pytest.raises(LabError, match="does not resume sessions"):
        against(store, ssl.TLSVersion.TLSv1_3, visiting, tickets=False)


def test_a_server_that_is_not_there_is_named(store: Store) -> None:
    with pytest.raises(LabError, match=r"The visit to the chat on port 1 failed: .*refused"):
        asyncio.run(visit(1, client_context(store.ca_certificate)))


def test_openssl_comes_and_goes(store: Store, tool: Callable[[str], str]) -> None:
    openssl = tool("openssl")
    against(store, ssl.TLSVersion.TLSv1_3, lambda port: visit_by_openssl(port, openssl, store.ca_certificate))


def test_openssl_that_does_not_get_in_is_named(store: Store, tool: Callable[[str], str]) -> None:
    openssl = tool("openssl")
    with pytest.raises(LabError, match="did not get into the chat: "):
        asyncio.run(visit_by_openssl(1, openssl, store.ca_certificate))


def test_a_program_that_is_none_is_named(store: Store, tmp_path: Path) -> None:
    wrong = tmp_path / "openssl"
    wrong.write_text("#!/bin/sh\ncat > /dev/null\n")
    wrong.chmod(0o700)
    with pytest.raises(LabError, match="did not get into the chat: it said nothing"):
        asyncio.run(visit_by_openssl(1, str(wrong), store.ca_certificate))
    assert os.access(wrong, os.X_OK)
