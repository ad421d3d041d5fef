import os
import socket
import ssl
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from certs.authority import Identity, create_authority, issue_server
from certs.clients import holder, issue_client
from certs.contexts import client_context, explain, server_context, unverified_client_context
from certs.errors import CertsError

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Files:
    ca: Path
    certificate: Path
    key: Path


def make_files(
    directory: Path,
    *,
    names: tuple[str, ...] = ("localhost",),
    ca_days: tuple[int, int] = (-9, 9),
    days: tuple[int, int] = (-1, 1),
) -> Files:
    """Certificates valid between two days, counted from now."""
    authority = create_authority(not_before=NOW + ca_days[0] * DAY, not_after=NOW + ca_days[1] * DAY)
    server = issue_server(authority, names=names, not_before=NOW + days[0] * DAY, not_after=NOW + days[1] * DAY)
    files = Files(directory / "ca.pem", directory / "server.pem", directory / "server.key")
    files.ca.write_bytes(authority.certificate_pem)
    files.certificate.write_bytes(server.certificate_pem)
    files.key.write_bytes(server.key_pem)
    return files


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return make_files(tmp_path)


@dataclass(frozen=True, slots=True)
class Meeting:
    """What became of one connection: the version both speak, or the error on each side."""

    version: str | None
    client_error: OSError | None
    server_error: OSError | None


def meet(server: ssl.SSLContext | None, client: ssl.SSLContext | None, name: str = "localhost") -> Meeting:
    """Connect the two over a real loopback socket, send a message each way; a side without context sends plain text."""

    def serve() -> OSError | None:
        with ExitStack() as stack:
            connection = stack.enter_context(listener.accept()[0])
            connection.settimeout(20)
            try:
                if server is not None:
                    connection = stack.enter_context(server.wrap_socket(connection, server_side=True))
                connection.recv(4096)
                connection.sendall(b"hello back, in plain text\n")
            except OSError as error:
                return error
            return None

    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool, ExitStack() as stack:
        listener.settimeout(20)
        serving = pool.submit(serve)
        connection = stack.enter_context(socket.create_connection(listener.getsockname(), timeout=20))
        version, client_error = None, None
        try:
            if client is not None:
                tls = stack.enter_context(client.wrap_socket(connection, server_hostname=name))
                version, connection = tls.version(), tls
            connection.sendall(b"hello\n")
            assert connection.recv(4096)
        except OSError as error:
            client_error = error
        connection.close()
        return Meeting(version, client_error, serving.result(timeout=30))


@pytest.mark.parametrize(("version", "spoken"), [(None, "TLSv1.3"), (V13, "TLSv1.3"), (V12, "TLSv1.2")])
@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1"])
def test_verified_handshake(files: Files, version: ssl.TLSVersion | None, spoken: str, name: str) -> None:
    server = server_context(files.certificate, files.key, version=version)
    assert meet(server, client_context(files.ca), name) == Meeting(spoken, None, None)


@pytest.mark.parametrize(("version", "spoken"), [(V13, "TLSv1.3"), (V12, "TLSv1.2")])
def test_a_client_can_ask_for_one_version(files: Files, version: ssl.TLSVersion, spoken: str) -> None:
    server = server_context(files.certificate, files.key)
    assert meet(server, client_context(files.ca, version=version)) == Meeting(spoken, None, None)


def test_what_a_client_checks(files: Files) -> None:
    context = client_context(files.ca)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert not context.hostname_checks_common_name
    assert context.verify_flags & ssl.VERIFY_X509_STRICT
    assert len(context.get_ca_certs()) == 1  # the system's own CAs are not trusted
    contexts = context, server_context(files.certificate, files.key), unverified_client_context()
    assert {each.minimum_version for each in contexts} == {V12}


def test_versions_that_differ(files: Files) -> None:
    server = server_context(files.certificate, files.key, version=V12)
    result = meet(server, client_context(files.ca, version=V13))
    assert result.client_error is not None
    assert result.server_error is not None
    assert explain(result.client_error).startswith("The other side does not speak this TLS version")
    assert explain(result.server_error).startswith("The other side speaks only a TLS version")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.MINIMUM_SUPPORTED])
def test_other_versions_are_refused(files: Files, version: ssl.TLSVersion) -> None:
    with pytest.raises(CertsError, match=r"choose TLS 1\.2 or TLS 1\.3"):
        client_context(files.ca, version=version)
    with pytest.raises(CertsError, match=r"choose TLS 1\.2 or TLS 1\.3"):
        server_context(files.certificate, files.key, version=version)


@pytest.mark.parametrize("version", [V12, V13])
@pytest.mark.parametrize(
    ("case", "at_client"),
    [
        ("expired", "has expired"),
        ("future", "is not valid yet"),
        ("other name", "is for another name"),
        ("other address", "is for another address"),
        ("other ca", "comes from a CA that this client does not know"),
        ("ca expired", "has expired"),
    ],
)
def test_bad_certificates_are_refused_and_explained(
    tmp_path: Path, version: ssl.TLSVersion, case: str, at_client: str
) -> None:
    match case:
        case "expired":
            files = make_files(tmp_path, days=(-3, -1))
        case "future":
            files = make_files(tmp_path, days=(1, 3))
        case "ca expired":
            files = make_files(tmp_path, ca_days=(-9, -1))
        case "other name":
            files = make_files(tmp_path, names=("chat.test",))
        case _:
            files = make_files(tmp_path)
    ca = files.ca
    if case == "other ca":
        (tmp_path / "other").mkdir()
        ca = make_files(tmp_path / "other").ca
    name = "127.0.0.2" if case == "other address" else "localhost"
    result = meet(server_context(files.certificate, files.key, version=version), client_context(ca), name)
    assert isinstance(result.client_error, ssl.SSLCertVerificationError)
    assert at_client in explain(result.client_error)
    assert result.server_error is not None
    assert explain(result.server_error).startswith("The other side refused our certificate")
    # The client that verifies nothing does not mind, which is what it costs.
    careless = meet(server_context(files.certificate, files.key, version=version), unverified_client_context(), name)
    assert careless.client_error is None


def test_self_signed_certificates_are_explained(tmp_path: Path, files: Files) -> None:
    own, key = tmp_path / "own.pem", tmp_path / "own.key"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", str(key), "-out", str(own)),
        ],
        capture_output=True,
        timeout=30,
        check=True,
    )
    alone = meet(server_context(own, key), client_context(files.ca)).client_error
    assert alone is not None
    assert "signed by itself" in explain(alone)
    # A server that sends its chain up to a CA that the client does not have.
    (tmp_path / "other").mkdir()
    other = make_files(tmp_path / "other")
    other.certificate.write_bytes(other.certificate.read_bytes() + other.ca.read_bytes())
    chain = meet(server_context(other.certificate, other.key), client_context(files.ca)).client_error
    assert chain is not None
    assert "leads to a CA that this client does not trust" in explain(chain)


def test_a_version_1_certificate_is_no_ca(tmp_path: Path) -> None:
    """The course's own commands, whose certificate is trusted as if it were a CA."""
    for command in (
        "openssl req -new -newkey rsa:2048 -nodes -keyout k.key -subj /CN=localhost -out k.csr",
        "openssl x509 -req -in k.csr -signkey k.key -out k.pem",
    ):
        subprocess.run(command.split(), cwd=tmp_path, capture_output=True, timeout=60, check=True)
    result = meet(server_context(tmp_path / "k.pem", tmp_path / "k.key"), client_context(tmp_path / "k.pem"))
    assert isinstance(result.client_error, ssl.SSLCertVerificationError)
    if result.client_error.verify_code == 62:  # openssl 3.2 and later write version 3 here
        pytest.skip("this openssl makes a certificate that only lacks the name")
    assert "not one of a CA" in explain(result.client_error)


def test_plain_text_on_either_side_is_explained(files: Files) -> None:
    to_plain = meet(None, client_context(files.ca)).client_error
    assert to_plain is not None
    assert explain(to_plain).startswith("The other side does not speak TLS:")
    from_plain = meet(server_context(files.certificate, files.key), None).server_error
    assert from_plain is not None
    assert explain(from_plain).startswith("The other side does not speak TLS:")


def test_no_cipher_in_common(files: Files) -> None:
    server = server_context(files.certificate, files.key, version=V12)
    server.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
    client = client_context(files.ca, version=V12)
    client.set_ciphers("ECDHE-ECDSA-AES256-GCM-SHA384")
    result = meet(server, client)
    for error in (result.client_error, result.server_error):
        assert error is not None
        assert explain(error).startswith("The two sides have no cipher in common")


def test_connections_that_never_reach_tls_are_explained(files: Files) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        with socket.create_connection(address, timeout=20) as raw:
            listener.accept()[0].close()
            with pytest.raises((ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionError)) as closed:
                client_context(files.ca).wrap_socket(raw, server_hostname="localhost")
        with socket.create_connection(address, timeout=20) as raw:
            raw.settimeout(0.01)
            with pytest.raises(TimeoutError) as silent:
                client_context(files.ca).wrap_socket(raw, server_hostname="localhost")
    with pytest.raises(ConnectionRefusedError) as refused:
        socket.create_connection(address, timeout=20)
    with pytest.raises(socket.gaierror) as unknown:
        socket.getaddrinfo("no such name", 1)
    with pytest.raises(FileNotFoundError) as other:
        (files.ca.parent / "gone").read_bytes()
    assert "closed the connection" in explain(closed.value)
    assert "did not answer in time" in explain(silent.value)
    assert "Nothing listens" in explain(refused.value)
    assert "not known" in explain(unknown.value)
    assert "No such file" in explain(other.value)


def test_an_unknown_refusal_keeps_the_words_of_openssl(files: Files) -> None:
    client = client_context(files.ca)
    client.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    error = meet(server_context(files.certificate, files.key), client).client_error
    assert error is not None
    assert "unable to get certificate CRL" in explain(error)


def test_the_key_log_is_private_and_grows(tmp_path: Path, files: Files) -> None:
    log = tmp_path / "tls.keylog"
    before = os.umask(0)
    try:
        server = server_context(files.certificate, files.key, keylog=log)
    finally:
        os.umask(before)
    assert log.stat().st_mode & 0o777 == 0o600
    assert meet(server, client_context(files.ca)).version == "TLSv1.3"
    first = log.read_text()
    assert "SERVER_TRAFFIC_SECRET_0 " in first
    log.chmod(0o644)
    again = server_context(files.certificate, files.key, keylog=log)
    assert meet(again, client_context(files.ca, version=V12)).version == "TLSv1.2"
    assert log.read_text().startswith(first)
    assert "CLIENT_RANDOM " in log.read_text()[len(first) :]
    assert log.stat().st_mode & 0o777 == 0o600


def test_a_key_log_that_cannot_be_kept(tmp_path: Path, files: Files) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for place in (tmp_path, pipe, tmp_path / "no" / "log"):
        with pytest.raises(CertsError, match="key log"):
            server_context(files.certificate, files.key, keylog=place)
    with pytest.raises(CertsError, match="is not a file"):
        server_context(files.certificate, files.key, keylog=Path(os.devnull))


def test_the_variable_for_key_logs_is_not_looked_at(
    tmp_path: Path, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "from-environment"
    monkeypatch.setenv("SSLKEYLOGFILE", str(log))
    server = server_context(files.certificate, files.key)
    for client in (client_context(files.ca), unverified_client_context()):
        assert meet(server, client).version == "TLSv1.3"
    assert not log.exists()


def test_files_that_cannot_be_used_are_named(tmp_path: Path, files: Files) -> None:
    (tmp_path / "other").mkdir()
    other = make_files(tmp_path / "other")
    empty = tmp_path / "empty"
    empty.touch()
    gone = tmp_path / "gone"
    with pytest.raises(CertsError, match=r"server\.pem and .*other/server\.key are not a certificate and its own key"):
        server_context(files.certificate, other.key)
    with pytest.raises(CertsError, match="empty"):
        server_context(empty, files.key)
    with pytest.raises(CertsError, match=r"gone cannot be read \(No such file"):
        server_context(files.certificate, gone)
    with pytest.raises(CertsError, match=r"gone cannot be read \(No such file"):
        client_context(gone)
    with pytest.raises(CertsError, match="holds no certificate"):
        client_context(empty)
    with pytest.raises(CertsError, match=r"cannot be read \(Is a directory"):
        client_context(tmp_path)


def test_a_key_under_a_pass_phrase_is_refused_without_asking(tmp_path: Path, files: Files) -> None:
    locked = tmp_path / "locked.key"
    command = ["openssl", "pkey", "-in", str(files.key), "-aes256", "-passout", "pass:secret", "-out", str(locked)]
    subprocess.run(command, capture_output=True, timeout=30, check=True)
    with pytest.raises(CertsError, match="under a pass phrase"):
        server_context(files.certificate, locked)


# --- servers that ask for the certificates of clients


@dataclass(frozen=True, slots=True)
class House:
    """A server's files, and those of clients by what is the matter with them."""

    server: Files
    clients: dict[str, tuple[Path, Path]]


@pytest.fixture
def house(tmp_path: Path) -> House:
    ca, other = (create_authority(not_before=NOW - DAY, not_after=NOW + DAY) for _ in range(2))
    server = issue_server(ca, not_before=NOW - DAY, not_after=NOW + DAY)

    def save(name: str, identity: Identity) -> tuple[Path, Path]:
        (tmp_path / f"{name}.pem").write_bytes(identity.certificate_pem)
        (tmp_path / f"{name}.key").write_bytes(identity.key_pem)
        return tmp_path / f"{name}.pem", tmp_path / f"{name}.key"

    files = Files(save("ca", ca)[0], *save("server", server))
    issued = {
        "alice": issue_client(ca, "alice", not_before=NOW - DAY, not_after=NOW + DAY),
        "stranger": issue_client(other, "alice", not_before=NOW - DAY, not_after=NOW + DAY),
        "expired": issue_client(ca, "alice", not_before=NOW - DAY, not_after=NOW - DAY / 2),
        "future": issue_client(ca, "alice", not_before=NOW + DAY / 2, not_after=NOW + DAY),
        "a server's": server,
    }
    return House(files, {name: save(name, identity) for name, identity in issued.items()})


def shake(server: ssl.SSLContext, client: ssl.SSLContext) -> Meeting:
    """Let the two shake hands without sockets, each reading all that the other sends, then the server say hello.

    Over a socket a server that refuses a client of TLS 1.3 and is gone at once may take its alert with it.
    """
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = {
        "client": client.wrap_bio(down, up, server_hostname="localhost"),
        "server": server.wrap_bio(up, down, server_side=True),
    }
    errors: dict[str, OSError] = {}
    for _ in range(5):
        for side, end in ends.items():
            try:
                if side not in errors:
                    end.do_handshake()
                    end.write(b"hello") if side == "server" else end.read()
            except ssl.SSLWantReadError:
                pass
            except OSError as error:
                errors[side] = error
    return Meeting(ends["client"].version(), errors.get("client"), errors.get("server"))


@pytest.mark.parametrize("version", [V12, V13])
@pytest.mark.parametrize(
    ("shown", "at_client", "at_server"),
    [
        ("alice", "", ""),
        ("stranger", "because it does not trust its CA", "unable to get local issuer certificate"),
        ("expired", "because it is not valid now", "certificate has expired"),
        ("future", "check which name is in it", "certificate is not yet valid"),
        ("a server's", "because it is for something else", "unsuitable certificate purpose"),
        ("nothing", "a certificate", "The client has shown no certificate"),
    ],
)
def test_who_is_let_in_by_certificate(
    house: House, version: ssl.TLSVersion, shown: str, at_client: str, at_server: str
) -> None:
    files = house.server
    server = server_context(files.certificate, files.key, version=version, client_ca=files.ca)
    result = shake(server, client_context(files.ca, own=house.clients.get(shown)))
    if shown == "alice":
        assert (result.client_error, result.server_error) == (None, None)
        # and who verifies nobody shows it all the same
        assert shake(server, unverified_client_context(own=house.clients[shown])).client_error is None
        return
    assert isinstance(result.client_error, ssl.SSLError)
    assert isinstance(result.server_error, ssl.SSLError)
    assert at_client in explain(result.client_error)
    if isinstance(result.server_error, ssl.SSLCertVerificationError):
        assert result.server_error.verify_message == at_server
    else:
        assert explain(result.server_error).startswith(at_server)
    # a server that asks nobody lets them all in
    lax = server_context(files.certificate, files.key, version=version)
    assert shake(lax, client_context(files.ca, own=house.clients.get(shown))).client_error is None


def test_a_missing_certificate_is_said_to_be_missing(house: House) -> None:
    files = house.server
    for version, said in (
        (V13, "The server lets in only who shows a certificate, and this client has shown none"),
        (V12, "The two sides have no cipher in common, or the server wants a certificate and this client has shown"),
    ):
        server = server_context(files.certificate, files.key, version=version, client_ca=files.ca)
        error = shake(server, client_context(files.ca)).client_error
        assert error is not None
        assert explain(error).startswith(said)


def test_what_a_server_that_asks_checks(house: House) -> None:
    files = house.server
    context = server_context(files.certificate, files.key, client_ca=files.ca)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.verify_flags & ssl.VERIFY_X509_STRICT
    assert len(context.get_ca_certs()) == 1
    assert server_context(files.certificate, files.key).verify_mode is ssl.CERT_NONE
    with pytest.raises(CertsError, match="holds no certificate"):
        server_context(files.certificate, files.key, client_ca=files.key)
    with pytest.raises(CertsError, match=r"are not a certificate and its own key"):
        client_context(files.ca, own=(house.clients["alice"][0], files.key))


@pytest.mark.parametrize("version", [V12, V13])
def test_who_comes_back_is_still_known(house: House, version: ssl.TLSVersion) -> None:
    """By a session of before, without showing the certificate again; a server with a new context asks for it again."""
    files = house.server

    def serve(context: ssl.SSLContext) -> tuple[bool, str | None]:
        with listener.accept()[0] as accepted, context.wrap_socket(accepted, server_side=True) as connection:
            connection.recv(100)
            connection.sendall(b"hello\n")
            return bool(connection.session_reused), holder(connection.getpeercert(binary_form=True) or b"")

    def come(context: ssl.SSLContext, server: ssl.SSLContext, session: ssl.SSLSession | None) -> ssl.SSLSession | None:
        with (
            ThreadPoolExecutor(1) as pool,
            socket.create_connection(listener.getsockname(), timeout=20) as raw,
        ):
            serving = pool.submit(serve, server)
            with context.wrap_socket(raw, server_hostname="localhost", session=session) as connection:
                connection.sendall(b"hello\n")
                assert connection.recv(100)  # in TLS 1.3 the ticket comes before it
                came.append(serving.result(timeout=20))
                return connection.session

    came: list[tuple[bool, str | None]] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = client_context(files.ca, version=version, own=house.clients["alice"])
        server, later = (server_context(files.certificate, files.key, client_ca=files.ca) for _ in range(2))
        session = come(client, server, None)
        come(client, server, session)
        come(client, later, session)
    assert came == [(False, "alice"), (True, "alice"), (False, "alice")]


def test_a_client_can_write_the_keys(tmp_path: Path, house: House) -> None:
    """Of a handshake that the server refuses, too, all of them: it hears of that when it has finished."""
    files, log = house.server, tmp_path / "tls.keylog"
    server = server_context(files.certificate, files.key, version=V13, client_ca=files.ca)
    assert shake(server, client_context(files.ca, keylog=log)).client_error is not None
    assert log.stat().st_mode & 0o777 == 0o600
    labels = {line.split()[0] for line in log.read_text().splitlines() if not line.startswith("#")}
    assert labels >= {f"{side}_{what}" for side in ("CLIENT", "SERVER") for what in ("TRAFFIC_SECRET_0",)}
