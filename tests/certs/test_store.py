import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from certs.authority import create_authority, issue_server
from certs.errors import CertsError
from certs.store import Store, open_client, open_store, read_holder

NOW = datetime(2030, 5, 1, 12, 0, tzinfo=UTC)
NAMES = ("ca.key", "ca.pem", "server.key", "server.pem")  # in the order they are made


def contents(directory: Path) -> dict[str, bytes]:
    return {name: (directory / name).read_bytes() for name in NAMES}


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def verifies(store: Store, at: datetime) -> bool:
    """Whether openssl accepts the certificate at a moment, strictly, and the key is its own."""
    verify = subprocess.run(
        [
            *("openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", "localhost"),
            *("-attime", str(int(at.timestamp()))),
            *("-CAfile", str(store.ca_certificate), str(store.server_certificate)),
        ],
        capture_output=True,
        timeout=30,
        check=False,
    )
    public = [
        subprocess.run(["openssl", *command], capture_output=True, timeout=30, check=True).stdout
        for command in (
            ["x509", "-noout", "-pubkey", "-in", str(store.server_certificate)],
            ["pkey", "-pubout", "-in", str(store.server_key)],
        )
    ]
    return verify.returncode == 0 and public[0] == public[1]


def end(path: Path) -> datetime:
    return x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc


def test_the_first_call_makes_everything(tmp_path: Path) -> None:
    directory = tmp_path / "deep" / "local"
    before = os.umask(0)  # the modes must not hang on the user's umask
    try:
        store = open_store(directory, now=NOW)
    finally:
        os.umask(before)
    assert mode(directory) == 0o700
    assert mode(directory / "ca.key") == mode(directory / "server.key") == 0o600
    assert {path.name for path in directory.iterdir()} == {*NAMES, ".lock"}
    assert store.renewed == "Made the CA and server certificate, valid until 2030-07-30."
    assert verifies(store, NOW)
    assert verifies(store, NOW + timedelta(days=89))
    assert not verifies(store, NOW + timedelta(days=91))


def test_the_systems_clock_is_used_by_default(tmp_path: Path) -> None:
    assert verifies(open_store(tmp_path), datetime.now(UTC))


def test_a_second_call_changes_nothing(tmp_path: Path) -> None:
    open_store(tmp_path, now=NOW)
    before = contents(tmp_path)
    store = open_store(tmp_path, now=NOW + timedelta(days=80))
    assert contents(tmp_path) == before
    assert store.renewed == "The server certificate is still valid until 2030-07-30."


@pytest.mark.parametrize(
    ("later", "why"),
    [
        (timedelta(days=200), "expired on 2030-07-30"),
        (timedelta(days=89, hours=12), "expires on 2030-07-30"),
        (timedelta(days=-30), "is valid only from 2030-05-01 11:00 UTC on"),
    ],
)
def test_a_server_certificate_out_of_time_is_renewed(tmp_path: Path, later: timedelta, why: str) -> None:
    open_store(tmp_path, now=NOW)
    before = contents(tmp_path)
    key = (tmp_path / "server.key").stat().st_ino
    store = open_store(tmp_path, now=NOW + later)
    after = contents(tmp_path)
    assert (tmp_path / "server.key").stat().st_ino == key  # the file itself was not touched
    assert why in store.renewed
    assert "server certificate" in store.renewed
    assert after["server.pem"] != before["server.pem"]
    assert after["server.key"] == before["server.key"]
    assert verifies(store, NOW + later)


def test_an_expired_authority_is_renewed_and_the_server_certificate_with_it(tmp_path: Path) -> None:
    open_store(tmp_path, now=NOW)
    before = contents(tmp_path)
    much_later = NOW + timedelta(days=3651)
    store = open_store(tmp_path, now=much_later)
    after = contents(tmp_path)
    assert store.renewed.startswith("Renewed the CA and server certificate, because the old one expired on ")
    assert after["ca.pem"] != before["ca.pem"]
    assert after["server.pem"] != before["server.pem"]
    assert verifies(store, much_later)


def test_no_server_certificate_outlives_its_authority(tmp_path: Path) -> None:
    open_store(tmp_path, now=NOW)
    store = open_store(tmp_path, now=NOW + timedelta(days=3600))
    assert end(store.server_certificate) == end(store.ca_certificate)


@pytest.mark.parametrize("made", [1, 2, 3])
def test_a_first_call_that_was_cut_short_is_completed(tmp_path: Path, made: int) -> None:
    open_store(tmp_path, now=NOW)
    before = contents(tmp_path)
    for name in NAMES[made:]:
        (tmp_path / name).unlink()
    (tmp_path / ".server.pem.new").write_bytes(b"torn")
    store = open_store(tmp_path, now=NOW)
    assert verifies(store, NOW)
    assert {path.name for path in tmp_path.iterdir()} == {*NAMES, ".lock"}
    assert {name: contents(tmp_path)[name] for name in NAMES[:made]} == {name: before[name] for name in NAMES[:made]}


def test_a_key_open_to_others_is_closed(tmp_path: Path) -> None:
    open_store(tmp_path, now=NOW)
    (tmp_path / "server.key").chmod(0o644)
    store = open_store(tmp_path, now=NOW)
    assert mode(tmp_path / "server.key") == 0o600
    assert "server.key was open to other users" in store.renewed


ENCRYPTED_KEY = ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]


DAMAGE = [
    (name, damage)
    for name in NAMES
    for damage in ("empty", "torn", "binary", "fifo", "directory", "foreign", "removed")
    if (name, damage) != ("server.pem", "removed")  # that one is simply made again
]


@pytest.mark.parametrize(("name", "damage"), DAMAGE)
def test_damage_is_told_and_nothing_is_overwritten(tmp_path: Path, name: str, damage: str) -> None:
    directory = tmp_path / "local"
    open_store(directory, now=NOW)
    path = directory / name
    whole = path.read_bytes()
    path.unlink()
    match damage:
        case "empty":
            path.touch()
        case "torn":
            path.write_bytes(whole[: len(whole) // 2])
        case "binary":
            path.write_bytes(bytes(range(256)))
        case "fifo":
            os.mkfifo(path)
        case "directory":
            path.mkdir()
        case "foreign":
            open_store(tmp_path / "other", now=NOW)
            path.write_bytes((tmp_path / "other" / name).read_bytes())
    before = {p.name: p.read_bytes() for p in directory.iterdir() if p.is_file()}
    with pytest.raises(CertsError, match=r"delete ca\.pem, ca\.key, server\.pem and server\.key there"):
        open_store(directory, now=NOW + timedelta(days=3651))
    assert {p.name: p.read_bytes() for p in directory.iterdir() if p.is_file()} == before


def test_the_advice_given_for_damage_works(tmp_path: Path) -> None:
    open_store(tmp_path, now=NOW)
    (tmp_path / "ca.pem").write_bytes(b"")
    for name in NAMES:
        (tmp_path / name).unlink()
    assert verifies(open_store(tmp_path, now=NOW), NOW)


def test_a_server_certificate_of_another_authority_is_left_alone(tmp_path: Path) -> None:
    open_store(tmp_path, now=NOW)
    other = create_authority(not_before=NOW, not_after=NOW + timedelta(days=9))
    server = issue_server(other, not_before=NOW, not_after=NOW + timedelta(days=9))
    (tmp_path / "server.pem").write_bytes(server.certificate_pem)
    (tmp_path / "server.key").write_bytes(server.key_pem)
    with pytest.raises(CertsError, match=r"server\.pem was not issued by ca\.pem"):
        open_store(tmp_path, now=NOW)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-aes256", "-pass", "pass:secret"], "not an unencrypted private key"),
        (["-pkeyopt", "ec_param_enc:named_curve"], "do not belong together"),
    ],
)
def test_a_key_of_ones_own_is_left_alone(tmp_path: Path, options: list[str], message: str) -> None:
    open_store(tmp_path, now=NOW)
    command = [*ENCRYPTED_KEY, *options, "-out", str(tmp_path / "server.key")]
    subprocess.run(command, capture_output=True, timeout=30, check=True)
    with pytest.raises(CertsError, match=message):
        open_store(tmp_path, now=NOW)


def test_a_key_of_another_kind_is_left_alone(tmp_path: Path) -> None:
    command = ["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(tmp_path / "ca.key")]
    subprocess.run(command, capture_output=True, timeout=30, check=True)
    with pytest.raises(CertsError, match="not a key that the lab made"):
        open_store(tmp_path, now=NOW)


def test_a_place_that_is_no_directory(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.touch()
    with pytest.raises(CertsError, match="choose another directory"):
        open_store(place)


def test_the_lock_is_not_followed_elsewhere(tmp_path: Path) -> None:
    (tmp_path / ".lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CertsError, match="check its owner"):
        open_store(tmp_path)
    assert not (tmp_path / "elsewhere").exists()


# A limit on the size of files makes a real write fail half-way, as a full disk does.
FULL_DISK = """
import resource, sys
from datetime import UTC, datetime
from pathlib import Path
from certs.errors import CertsError
from certs.store import open_store
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    open_store(Path(sys.argv[1]), now=datetime.fromisoformat(sys.argv[3]))
except CertsError as error:
    sys.exit(str(error))
"""


@pytest.mark.parametrize("room", [100, 300, 600])
def test_a_full_disk_leaves_the_old_files_whole(tmp_path: Path, room: int) -> None:
    open_store(tmp_path, now=NOW)
    before = contents(tmp_path)
    later = NOW + timedelta(days=100)
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path), str(room), later.isoformat()],
        capture_output=True,
        timeout=60,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "File too large" in done.stderr
    assert "free space" in done.stderr
    assert "Traceback" not in done.stderr
    assert contents(tmp_path) == before
    assert {path.name for path in tmp_path.iterdir()} == {*NAMES, ".lock"}
    assert verifies(open_store(tmp_path, now=later), later)


def test_a_disk_that_fills_up_at_the_first_call_leaves_what_the_next_completes(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path), "300", NOW.isoformat()],
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert {path.name for path in tmp_path.iterdir()} == {"ca.key", ".lock"}
    assert verifies(open_store(tmp_path, now=NOW), NOW)


# Each process says that it is ready, and all start when their common standard input is closed.
RACER = """
import hashlib, os, sys
from datetime import datetime
from pathlib import Path
from certs.store import open_store
directory, now = Path(sys.argv[1]), datetime.fromisoformat(sys.argv[2])
print("ready", flush=True)
sys.stdin.read()
store = open_store(directory, now=now)
files = store.ca_certificate, directory / "ca.key", store.server_certificate, store.server_key
print(hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest(), store.renewed)
"""


@pytest.mark.parametrize("start", ["empty", "expired"])
def test_processes_at_the_same_time_get_the_same_files(tmp_path: Path, start: str) -> None:
    if start == "expired":
        open_store(tmp_path, now=NOW)
    later = NOW + timedelta(days=4000)
    theirs, ours = os.pipe()
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, str(tmp_path), later.isoformat()],
            stdin=theirs,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    os.close(theirs)
    try:
        try:
            for process in processes:
                assert process.stdout is not None
                assert process.stdout.readline() == "ready\n"
        finally:
            os.close(ours)
        answers = [process.communicate(timeout=60)[0].split(maxsplit=1) for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    assert len({digest for digest, _ in answers}) == 1
    did = [sentence for _, sentence in answers if not sentence.startswith("The server certificate is still valid")]
    assert len(did) == 1
    assert verifies(open_store(tmp_path, now=later), later)


def test_addresses_of_a_classroom_are_added_and_stay(tmp_path: Path) -> None:
    def named() -> list[str]:
        certificate = x509.load_pem_x509_certificate((tmp_path / "server.pem").read_bytes())
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return [str(name.value) for name in names]

    key = open_store(tmp_path, now=NOW).server_key.read_bytes()
    assert named() == ["localhost", "127.0.0.1", "::1"]
    store = open_store(tmp_path, now=NOW, addresses=["192.0.2.7"])
    assert store.renewed.startswith("Renewed the server certificate, because the old one is not for 192.0.2.7; now")
    assert named() == ["localhost", "127.0.0.1", "::1", "192.0.2.7"]
    assert verifies(store, NOW)
    assert store.server_key.read_bytes() == key
    assert "still valid" in open_store(tmp_path, now=NOW).renewed
    assert "still valid" in open_store(tmp_path, now=NOW, addresses=["192.0.2.7"]).renewed
    later = NOW + timedelta(days=100)
    assert "expired" in open_store(tmp_path, now=later).renewed
    assert named() == ["localhost", "127.0.0.1", "::1", "192.0.2.7"]


# --- clients


def client_verifies(folder: Path, name: str, at: datetime) -> bool:
    """Whether openssl accepts a client's certificate at a moment, strictly, and the key is its own."""
    path = folder / "clients" / name
    verify = ["openssl", "verify", "-x509_strict", "-purpose", "sslclient", "-attime", str(int(at.timestamp()))]
    commands = (
        [*verify, "-CAfile", str(folder / "ca.pem"), f"{path}.pem"],
        ["openssl", "x509", "-noout", "-pubkey", "-in", f"{path}.pem"],
        ["openssl", "pkey", "-pubout", "-in", f"{path}.key"],
    )
    done = [subprocess.run(command, capture_output=True, timeout=30, check=False) for command in commands]
    return done[0].returncode == 0 and done[1].stdout == done[2].stdout != b""


def test_a_client_is_made_once(tmp_path: Path) -> None:
    directory = tmp_path / "local"
    before = os.umask(0)
    try:
        client = open_client(directory, "alice", now=NOW)
    finally:
        os.umask(before)
    assert client.renewed == "Made the certificate of alice, valid until 2030-10-28."
    assert (client.certificate, client.key) == (
        directory / "clients" / "alice.pem",
        directory / "clients" / "alice.key",
    )
    assert (mode(directory / "clients"), mode(client.key)) == (0o700, 0o600)
    assert client_verifies(directory, "alice", NOW)
    assert read_holder(client.certificate) == "alice"
    files = client.certificate.read_bytes(), client.key.read_bytes()
    again = open_client(directory, "alice", now=NOW + timedelta(days=100))
    assert again.renewed == "The certificate of alice is still valid until 2030-10-28."
    assert (again.certificate.read_bytes(), again.key.read_bytes()) == files
    assert contents(directory)  # the CA's and the server's are there, too


def test_a_client_is_renewed_with_its_key(tmp_path: Path) -> None:
    client = open_client(tmp_path, "a.b", now=NOW)
    key = client.key.read_bytes()
    client.key.chmod(0o640)
    later = NOW + timedelta(days=181)
    renewed = open_client(tmp_path, "a.b", now=later)
    assert renewed.renewed.startswith("Renewed the certificate of a.b, because the old one expired on 2030-10-28; now ")
    assert "a.b.key was open to other users" in renewed.renewed
    assert renewed.key.read_bytes() == key
    assert client_verifies(tmp_path, "a.b", later)
    client.certificate.unlink()  # as a crash between the two files leaves it
    assert "Made" in open_client(tmp_path, "a.b", now=later).renewed
    assert client.key.read_bytes() == key


def test_a_client_of_an_authority_that_is_gone(tmp_path: Path) -> None:
    open_client(tmp_path, "alice", now=NOW)
    for name in NAMES:
        (tmp_path / name).unlink()
    with pytest.raises(CertsError, match=r"alice\.pem was not issued by ca\.pem: delete alice\.pem and alice\.key"):
        open_client(tmp_path, "alice", now=NOW)


@pytest.mark.parametrize("damage", ["torn", "foreign key", "no key", "somebody else's"])
def test_a_damaged_client_is_told_and_not_overwritten(tmp_path: Path, damage: str) -> None:
    alice, bob = open_client(tmp_path, "alice", now=NOW), open_client(tmp_path, "bob", now=NOW)
    match damage:
        case "torn":
            alice.certificate.write_bytes(alice.certificate.read_bytes()[:100])
        case "foreign key":
            alice.key.write_bytes(bob.key.read_bytes())
        case "no key":
            alice.key.unlink()
        case _:
            alice.certificate.write_bytes(bob.certificate.read_bytes())
            alice.key.write_bytes(bob.key.read_bytes())
    before = {path: path.read_bytes() for path in (tmp_path / "clients").iterdir()}
    with pytest.raises(CertsError, match=r"alice\.pem .*: delete alice\.pem and alice\.key there"):
        open_client(tmp_path, "alice", now=NOW + timedelta(days=400))
    assert {path: path.read_bytes() for path in (tmp_path / "clients").iterdir()} == before


@pytest.mark.parametrize("name", ["", "a/b", "../ca", "/tmp/x", "a\0b", "x" * 65])  # noqa: S108
def test_a_name_is_no_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(CertsError, match="choose a name"):
        open_client(tmp_path, name, now=NOW)
    assert list(tmp_path.iterdir()) == []


def test_a_certificate_whose_holder_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "own.pem"
    with pytest.raises(CertsError, match=r"own\.pem cannot be read \(No such file"):
        read_holder(path)
    path.write_text("nothing")
    with pytest.raises(CertsError, match=r"own\.pem is not a certificate in PEM form"):
        read_holder(path)
