"""Three verifying clients meet a server that has a given certificate, over loopback, and say what they think of it.

Knows sockets and TLS. Must not know where the certificate comes from, nor any other module: it is also a program of its
own (`python handshake.py server.pem server.key`) that a student can run from any directory. Contract: the handshakes
are real, and each refusal is told in the words of the `ssl` module.
"""

import argparse
import contextlib
import socket
import ssl
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

_TIMEOUT = 10.0  # seconds; both ends are on this machine


@dataclass(frozen=True, slots=True)
class Answer:
    """What one client said: `refusal` is the reason the `ssl` module gives, None when it accepted."""

    client: str
    refusal: str | None


def ask_clients(certificate: Path, key: Path, *, name: str = "localhost") -> tuple[Answer, Answer, Answer]:
    """Let three clients, each trusting `certificate` as its only CA, connect to a server that shows it.

    The first takes names from subjectAltName alone (RFC 9525), as browsers do; the second lets the common
    name count when there is no subjectAltName, as Python does unless told otherwise; the third is the first with
    OpenSSL's strict checks (X509_V_FLAG_X509_STRICT in X509_VERIFY_PARAM_set_flags(3)), on by default in Python 3.13.

    Args:
        certificate: the server's certificate in PEM.
        key: its key in PEM.
        name: the name the clients expect.

    Raises:
        OSError: when a file cannot be used (`ssl.SSLError` for what is in it) or a connection fails.
    """
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, key)

    by_names = _client(certificate)
    by_common_name = _client(certificate)
    by_common_name.hostname_checks_common_name = True
    strict = _client(certificate)
    strict.verify_flags |= ssl.VERIFY_X509_STRICT
    return (
        Answer("subjectAltName only", _connect(server, by_names, name)),
        Answer("common name counts", _connect(server, by_common_name, name)),
        Answer("strict", _connect(server, strict, name)),
    )


def _client(ca: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(ca)
    context.hostname_checks_common_name = False
    return context


def _connect(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> str | None:
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        listener.settimeout(_TIMEOUT)
        serving = pool.submit(_serve_one, listener, server)
        try:
            with (
                socket.create_connection(listener.getsockname(), timeout=_TIMEOUT) as connection,
                client.wrap_socket(connection, server_hostname=name),
            ):
                refusal = None
        except ssl.SSLCertVerificationError as error:
            refusal = str(error)
        serving.result()
    return refusal


def _serve_one(listener: socket.socket, context: ssl.SSLContext) -> None:
    connection, _ = listener.accept()
    connection.settimeout(_TIMEOUT)
    # A client that refuses ends the handshake with an alert. It is the client that is asked for its reason.
    with (
        connection,
        contextlib.suppress(ssl.SSLError, ConnectionError),
        context.wrap_socket(connection, server_side=True),
    ):
        pass


def table(answers: Sequence[Answer]) -> str:
    """Set the answers out for reading, one a line."""
    width = max(len(answer.client) for answer in answers)
    return "\n".join(
        f"{answer.client:{width}}  {'accepted' if answer.refusal is None else 'refused: ' + answer.refusal}"
        for answer in answers
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Print what the three clients say; the exit status is 0 when they could be asked, whatever they answered."""
    parser = argparse.ArgumentParser(description="Show a certificate to three verifying TLS clients.")
    parser.add_argument("certificate", type=Path, help="the server's certificate, which the clients trust (PEM)")
    parser.add_argument("key", type=Path, help="its private key (PEM)")
    arguments = parser.parse_args(argv)
    try:
        answers = ask_clients(arguments.certificate, arguments.key)
    except OSError as error:
        sys.stderr.write(f"No handshake with {arguments.certificate} and {arguments.key} is possible: {error}.\n")
        return 1
    sys.stdout.write(table(answers) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
