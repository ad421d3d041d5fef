"""`server` and `client` as processes, against each other and against the course's own tools."""

import os
import re
import signal
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from certs.authority import Identity, create_authority, issue_server
from tests.lab.demo.conftest import Done, Lab

_PORTS = re.compile(r"nc 127\.0\.0\.1 (\d+)\nTLS:.*-connect localhost:(\d+)\n")


@dataclass(frozen=True, slots=True)
class Running:
    """A running server."""

    lab: Lab
    process: subprocess.Popen[bytes]
    plain: int
    tls: int

    def client(self, *arguments: str, data: bytes) -> Done:
        return self.lab.run("client", f"--certs={self.lab.certs}", *arguments, data=data)

    def stop(self, number: signal.Signals) -> Done:
        self.process.send_signal(number)
        return self.lab.end(self.process)


def lines_until(process: subprocess.Popen[bytes], wanted: str) -> str:
    """Read standard output until a line has come that holds `wanted`."""
    assert process.stdout is not None
    read = ""
    while wanted not in read:
        line = process.stdout.readline()
        assert line, read
        read += line.decode()
    return read


@pytest.fixture
def server(lab: Lab) -> Running:
    process = lab.start("server", "--plain-port=0", "--tls-port=0", f"--certs={lab.certs}")
    ports = _PORTS.search(lines_until(process, "Ctrl-C stops both"))
    assert ports is not None
    return Running(lab, process, int(ports[1]), int(ports[2]))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_server_stops_and_tells_its_clients(server: Running, number: signal.Signals) -> None:
    person = socket.create_connection(("127.0.0.1", server.plain), timeout=30)
    with person, person.makefile("r", encoding="utf-8") as said:
        person.sendall(b"ann\n")
        assert "welcome, ann" in said.readline()
        server.process.send_signal(number)
        assert said.read() == "* the server is closing\n"
    done = server.lab.end(server.process)
    assert done.status == 0
    assert 'event="closed"' in done.err
    assert "Traceback" not in done.err
    for port in (server.plain, server.tls):
        socket.create_server(("127.0.0.1", port)).close()


def test_certificates_are_reloaded_and_nobody_is_dropped(server: Running) -> None:
    listening = server.lab.start(
        "client", "bob", "--tls", f"--port={server.tls}", f"--certs={server.lab.certs}", stdin=subprocess.PIPE
    )
    lines_until(listening, "welcome, bob")
    before = serial(server.tls)
    assert before == x509.load_pem_x509_certificate((server.lab.certs / "server.pem").read_bytes()).serial_number
    (server.lab.certs / "server.pem").unlink()  # its key alone is no certificate: one is made
    server.process.send_signal(signal.SIGUSR1)
    until(server.process, "certificates reloaded")
    assert serial(server.tls) != before
    done = server.client("ann", "--tls", f"--port={server.tls}", data=b"still here?\n")
    assert (done.status, done.err) == (0, "")
    assert "ann > still here?" in lines_until(listening, "ann has left")
    (server.lab.certs / "ca.pem").write_text("damaged\n")
    server.process.send_signal(signal.SIGUSR1)
    assert "ca.pem" in until(server.process, "certificates not reloaded")
    listening.kill()
    server.lab.end(listening)
    assert server.stop(signal.SIGTERM).status == 0


def test_a_chat_with_client_certificates(lab: Lab, tool: Callable[[str], str]) -> None:
    """From the certificate to the conversation, with openssl too; a reload goes on asking."""
    process = lab.start("server", "--plain-port=0", "--tls-port=0", f"--certs={lab.certs}", "--client-certificates")
    ports = _PORTS.search(lines_until(process, "Ctrl-C stops both"))
    assert ports is not None
    server = Running(lab, process, int(ports[1]), int(ports[2]))
    port = f"--port={server.tls}"
    for name in ("alice", "bob"):
        assert lab.run("certs", "--client", name, f"--certs={lab.certs}").status == 0
    alice, bob = (lab.certs / "clients" / f"{name}.pem" for name in ("alice", "bob"))
    command = [tool("openssl"), "s_client", "-quiet", "-verify_return_error", "-CAfile", str(lab.certs / "ca.pem")]
    shown = ["-cert", str(bob), "-key", str(bob.with_suffix(".key")), "-connect", f"localhost:{server.tls}"]
    for version in ("-tls1_2", "-tls1_3"):
        with subprocess.Popen(
            [*command, version, *shown], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as person:
            try:
                assert person.stdin is not None
                person.stdin.write(b"alice\nbob\n")
                person.stdin.flush()
                said = lines_until(person, "welcome, bob")
                assert "* name refused: Your certificate is for the name bob: come in under that one.\n" in said
                done = server.client(f"--certificate={alice}", port, data=b"is it you?\n")
                assert (done.status, done.err) == (0, "")
                assert "alice > is it you?\n" in lines_until(person, "alice has left")
            finally:
                person.kill()
    for reloaded in (False, True):
        if reloaded:
            process.send_signal(signal.SIGUSR1)
            until(process, "certificates reloaded")
        nobody = server.client("alice", "--tls", port, data=b"hi\n")
        assert (nobody.status, nobody.out) == (1, "")
        assert "The server lets in only who shows a certificate" in nobody.sentence
        assert "PEER_DID_NOT_RETURN_A_CERTIFICATE" in until(process, "handshake failed")
        other = server.client("carol", f"--certificate={alice}", port, data=b"hi\n")
        assert "Your certificate is for the name alice" in other.sentence
    # the plaintext chat asks nobody
    assert server.client("carol", f"--port={server.plain}", data=b"!users\n").status == 0
    assert server.stop(signal.SIGTERM).status == 0


def until(process: subprocess.Popen[bytes], wanted: str) -> str:
    """Read the log until a line has come that holds `wanted`; return that line."""
    assert process.stderr is not None
    while wanted not in (line := process.stderr.readline().decode()):
        assert line
    return line


def serial(port: int) -> int:
    """The serial number of the certificate that a server shows."""
    pem = ssl.get_server_certificate(("127.0.0.1", port), timeout=30)
    return x509.load_pem_x509_certificate(pem.encode()).serial_number


@pytest.mark.parametrize("tls", [False, True])
def test_client_through_a_pipe(server: Running, tls: bool) -> None:
    port = [f"--port={server.tls if tls else server.plain}", *(["--tls"] if tls else [])]
    # "localhost" may be ::1 first; the client tries both
    listening = server.lab.start("client", "bob", *port, f"--certs={server.lab.certs}", stdin=subprocess.PIPE)
    lines_until(listening, "welcome, bob")
    done = server.client("ann", *port, data="¿hola?\n!users\n!quit\n".encode())
    assert (done.status, done.err) == (0, "")
    assert "* 2 here: bob, ann\n" in done.out
    assert lines_until(listening, "ann has left") == "* ann has come in\nann > ¿hola?\n* ann has left\n"
    left = server.lab.end(listening, b"")
    assert (left.status, left.err) == (0, "")
    stopped = server.stop(signal.SIGTERM)
    assert stopped.status == 0
    assert ('event="secured"' in stopped.err) is tls
    assert "hola" not in stopped.err


def test_client_with_openssl_beside_it(server: Running, tool: Callable[[str], str]) -> None:
    command = [
        tool("openssl"),
        "s_client",
        "-quiet",
        "-verify_return_error",
        "-CAfile",
        str(server.lab.certs / "ca.pem"),
    ]
    with subprocess.Popen(
        [*command, "-connect", f"localhost:{server.tls}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as person:
        try:
            assert person.stdin is not None
            person.stdin.write(b"eve\n")
            person.stdin.flush()
            lines_until(person, "welcome, eve")
            done = server.client("ann", f"--port={server.tls}", "--tls", data=b"over TLS\n")
            assert (done.status, done.err) == (0, "")
            assert "ann > over TLS\n" in lines_until(person, "ann has left")
        finally:
            person.kill()


def test_clients_that_do_not_get_in(server: Running) -> None:
    cases = (
        (server.tls, ["ann"], "does not let you in: this port speaks TLS, not plaintext"),
        (server.plain, ["ann", "--tls"], "The other side does not speak TLS"),
        (server.plain, ["bad name!"], "A name is made of letters"),
        (server.plain, ["ann", "--host=host.invalid"], "cannot be found"),
    )
    for port, arguments, said in cases:
        done = server.client(*arguments, f"--port={port}", data=b"hi\n")
        assert (done.status, done.out) == (1, "")
        assert said in done.sentence


def test_client_without_a_server(lab: Lab) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    done = lab.run("client", "ann", "--host=127.0.0.1", f"--port={port}")
    assert (done.status, done.out) == (1, "")
    assert "Nothing listens at" in done.sentence


def test_client_whose_server_goes(server: Running) -> None:
    client = server.lab.start("client", "ann", f"--port={server.plain}", stdin=subprocess.PIPE)
    lines_until(client, "welcome, ann")
    os.kill(server.process.pid, signal.SIGKILL)
    client.wait(60)  # its input is still open
    done = server.lab.end(client)
    assert done.status == 1
    assert "The connection is gone" in done.sentence


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_client_that_is_stopped(server: Running, number: signal.Signals) -> None:
    client = server.lab.start("client", "ann", f"--port={server.plain}", stdin=subprocess.PIPE)
    lines_until(client, "welcome, ann")
    client.send_signal(number)
    done = server.lab.end(client)
    assert (done.status, done.sentence) == (130, "Stopped.")


@pytest.mark.parametrize("transport", ["plain", "tls"])
def test_server_whose_port_is_in_use(lab: Lab, transport: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ports = {"plain": 0, "tls": 0, transport: port}
        arguments = [f"--{name}-port={number}" for name, number in ports.items()]
        done = lab.run("server", *arguments, f"--certs={lab.certs}")
    assert done.status == 1
    (*log, sentence) = done.err.splitlines()
    assert sentence.startswith(f"Port {port} on 127.0.0.1 is in use")
    assert all("event=" in line for line in log)


@pytest.fixture
def expired(lab: Lab, tool: Callable[[str], str]) -> Iterator[int]:
    """A server of openssl's whose certificate, from the CA that the client trusts, expired yesterday; its port."""
    now = datetime.now(UTC)
    ca = create_authority(not_before=now - timedelta(days=9), not_after=now + timedelta(days=9))
    old = issue_server(ca, not_before=now - timedelta(days=9), not_after=now - timedelta(days=1))
    valid = issue_server(ca, not_before=now - timedelta(days=9), not_after=now + timedelta(days=9))
    lab.certs.mkdir(mode=0o700)

    def save(name: str, identity: Identity) -> Path:
        (lab.certs / f"{name}.key").touch(mode=0o600)
        (lab.certs / f"{name}.key").write_bytes(identity.key_pem)
        (lab.certs / f"{name}.pem").write_bytes(identity.certificate_pem)
        return lab.certs / name

    save("ca", ca)
    save("server", valid)  # the client finds nothing to renew
    base = save("expired", old)
    with ExitStack() as stack:
        command = [tool("openssl"), "s_server", "-accept", "127.0.0.1:0", "-cert", f"{base}.pem", "-key", f"{base}.key"]
        process = stack.enter_context(
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        )
        stack.callback(process.kill)
        accepting = re.search(r"ACCEPT 127\.0\.0\.1:(\d+)", lines_until(process, "ACCEPT"))
        assert accepting is not None
        yield int(accepting[1])


def test_client_refuses_an_expired_certificate(lab: Lab, expired: int) -> None:
    done = lab.run("client", "ann", "--tls", f"--port={expired}", f"--certs={lab.certs}", data=b"secret\n")
    assert (done.status, done.out) == (1, "")
    assert "certificate has expired" in done.sentence
