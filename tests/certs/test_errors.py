import os
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from certs.contexts import client_context, server_context
from certs.errors import CertsError
from certs.openssl_course import run_course
from certs.store import open_store


def _damaged_store(directory: Path) -> None:
    open_store(directory)
    (directory / "server.pem").write_text("torn")
    open_store(directory)


def _file_in_the_way(directory: Path) -> None:
    (directory / "server.csr").write_text("mine")
    run_course(directory)


FAILURES: dict[str, Callable[[Path], object]] = {
    "damaged": _damaged_store,
    "in the way": _file_in_the_way,
    "no file": lambda directory: client_context(directory / "ca.pem"),
    "no directory": lambda directory: server_context(directory / "x" / "s.pem", directory / "x" / "s.key"),
    "old version": lambda directory: client_context(directory / "ca.pem", version=ssl.TLSVersion.TLSv1_1),
    "pass phrase": lambda directory: run_course(directory, passphrase="abc"),
    "a device": lambda _: open_store(Path(os.devnull)),
}


@pytest.mark.parametrize("name", FAILURES)
def test_every_failure_is_one_sentence_that_says_what_to_do(name: str, tmp_path: Path) -> None:
    with pytest.raises(CertsError) as caught:
        FAILURES[name](tmp_path)
    text = str(caught.value)
    assert text.endswith(".")
    assert ": " in text  # what happened: what to do
    assert text.isprintable()
    assert ". " not in text.replace("...", "")
