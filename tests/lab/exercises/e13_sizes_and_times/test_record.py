"""How much OpenSSL adds to a line."""

import ssl
from pathlib import Path

import pytest

from chat.wire import Tls
from lab.exercises import live
from lab.exercises.e13_sizes_and_times.record import ADDED, OLD_ADDED

_HEADER = 5  # bytes


@pytest.mark.parametrize(
    ("version", "suites", "added"),
    [
        (ssl.TLSVersion.TLSv1_3, "", ADDED),
        (ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES128-GCM-SHA256", OLD_ADDED),
    ],
)
def test_openssl_adds_as_much(version: ssl.TLSVersion, suites: str, added: int, tmp_path: Path) -> None:
    made = live.secure(tmp_path, "a.test", version=version, suites=suites)
    client, server = Tls(made.client, server_hostname="a.test"), Tls(made.server, server_side=True)
    data = client.start()
    while not (server.ready and client.ready):
        server.receive(data)
        client.receive(server.outgoing())
        data = client.outgoing()
    line = b"a line of the chat\n"
    assert len(client.send(line)) - _HEADER - len(line) == added
